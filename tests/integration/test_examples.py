"""The examples do what they say."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from capsule import Session
from examples.agent import scripted
from examples.agent.loop import LONGEST, Action, Agent
from tests.integration.command import REPOSITORY, Command

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope

# The first that needs the science interpreter compiles it for minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


@pytest.fixture
def capsule(toolchain_home: Path, tmp_path: Path) -> Command:
    return Command(tmp_path, toolchain_home)


def run(capsule: Command, name: str, *words: str, stdin: str = "") -> tuple[int, Envelope]:
    done = capsule("run", str(REPOSITORY / "examples" / name), *words, stdin=stdin)
    return done.code, json.loads(done.out)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("6 * 7", 42),
        ("sum(range(10))", 45),
        ("import math\nanswer = math.factorial(20)", 2432902008176640000),
        ("x = 1", None),
        ("[c for c in 'abc']", ["a", "b", "c"]),
    ],
)
def test_evaluate(capsule: Command, code: str, result: object) -> None:
    exit_code, envelope = run(capsule, "evaluate.py", code)
    assert (exit_code, envelope["error"], envelope["result"]) == (0, None, result)


@pytest.mark.parametrize(
    ("code", "error_type"),
    [
        ("1 +", "task_error"),
        ("open('/etc/passwd')", "task_error"),
        ("().__class__.__base__.__subclasses__()", "task_error"),
        ("while True: pass", "fuel_exhausted"),
        ("answer = 'x' * 10**9", "memory_exceeded"),
        ("import os; os._exit(0)", "sandbox_crashed"),
    ],
)
def test_evaluate_what_goes_wrong(capsule: Command, code: str, error_type: str) -> None:
    exit_code, envelope = run(capsule, "evaluate.py", code)
    assert envelope["error"] is not None
    assert (exit_code, envelope["error"]["error_type"]) == (1, error_type)


def test_summarise_csv(capsule: Command) -> None:
    text = "city,people,note\nBern,135000,\nBasel,178000,x\nChur,,y\n"
    _, envelope = run(capsule, "summarise_csv.py", "--args-file", "-", stdin=json.dumps([text]))
    assert envelope["result"] == {
        "rows": 3,
        "columns": {
            "city": {"different": 3},
            "people": {"least": 135000, "most": 178000, "mean": 156500, "missing": 1},
            "note": {"different": 3},
        },
    }


def test_summarise_a_large_csv(capsule: Command) -> None:
    text = "a,b\n" + "".join(f"{n},{n % 7}.5\n" for n in range(100_000))
    _, envelope = run(capsule, "summarise_csv.py", "--args-file", "-", stdin=json.dumps([text]))
    assert envelope["result"]["rows"] == 100_000
    assert envelope["result"]["columns"]["a"]["mean"] == 49_999.5


@pytest.mark.parametrize(
    ("name", "code", "error_type"),
    [
        ("fuel", 1, "fuel_exhausted"),
        ("memory", 1, "memory_exceeded"),
        ("time_out", 124, "timeout"),
        ("crash", 1, "sandbox_crashed"),
    ],
)
def test_the_limits(capsule: Command, name: str, code: int, error_type: str) -> None:
    exit_code, envelope = run(capsule, f"limits/{name}.py")
    assert envelope["error"] is not None
    assert (exit_code, envelope["error"]["error_type"]) == (code, error_type)


def test_the_retries(capsule: Command) -> None:
    # It fails with (2/3)^21, once in 5,000 times; then the last attempt says so.
    exit_code, envelope = run(capsule, "limits/retries.py")
    assert exit_code == (0 if envelope["success"] else 1)
    assert 0 <= envelope["execution"]["retries"] <= 20


def test_hello(capsule: Command) -> None:
    _, envelope = run(capsule, "hello.py", "2")
    assert envelope["result"] == "hello hello "
    assert envelope["execution"]["stdout"] == "greeting 2 times\n"


def test_plot(capsule: Command) -> None:
    _, envelope = run(capsule, "plot.py", "3", "1", "4")
    assert envelope["error"] is None
    assert base64.b64decode(envelope["result"]).startswith(b"\x89PNG")


def test_the_agent(capsule: Command, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.agent"],
        cwd=tmp_path,
        env=capsule.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = [part.partition("\n") for part in done.stdout.split("--- ")[1:]]
    tool = [text for role, _, text in said if role == "tool"]
    # The table, the mistake and the way it is mended, the functions of the host, and the way back.
    assert "0   Bern  apple   12.0" in tool[0]
    assert 'File "turn 2", line 1, in <module>' in tool[1]
    assert "The code raised; what it did before stays." in tool[1]
    assert tool[2] == "5\n[state 3]\n"
    assert "4  Basel  apple     20   50.0" in tool[3]
    assert (tool[4], tool[5]) == ("1\n[state 5]\n", "Back at state 4.\n")
    assert tool[6] == "(a figure, saved as figure-1.png)\n[state 6]\n"
    assert said[-1] == ("assistant", "\n", "It was Basel, with 71.00.\n")
    picture = (tmp_path / "figure-1.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5_000


def test_an_agent_whose_model_asks_for_what_there_is_not(
    toolchain_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    wrong = [
        Action("search", {}),
        Action("go_back", {"state": "9"}),
        Action("go_back", {}),
        scripted.run("while True: pass"),
        scripted.run("print('x' * 10_000)"),
    ]

    async def main() -> list[str]:
        async with Session(timeout="2s", compute="LOW", cwd=tmp_path) as session:
            agent = Agent(session, tmp_path)
            model = scripted.ScriptedModel([*wrong, scripted.answer])
            messages = await agent.work(model, "?")
            with pytest.raises(RuntimeError, match="has not answered after 2 actions"):
                await agent.work(scripted.ScriptedModel(wrong), "?", most=2)
            return [message["content"] for message in messages if message["role"] == "tool"]

    said = asyncio.run(main())
    assert set(said[:3]) == {"There is no such tool, or no such state."}
    assert said[3].startswith("It took too many steps, and nothing of it was kept.")
    assert said[4].startswith("xxx")
    assert len(said[4]) < LONGEST + 100


@pytest.mark.parametrize("words", [(), ("local",)])
def test_grading(toolchain_home: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.grading", *words],
        cwd=REPOSITORY,
        env={**os.environ, "CAPSULE_HOME": str(toolchain_home)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "longest_run  2 of 4 passed; pass@1, 2, 4: 0.50, 0.83, 1.00"
    assert [line.split()[1] for line in lines[1:5]] == ["1"] * 4
    assert {line.split()[0]: int(line.split()[1]) for line in lines[5:]} == {
        "fuel_exhausted": 2,
        "memory_exceeded": 1,
        "passed": 6,
        "sandbox_crashed": 1,
        "task_error": 5,
        "timeout": 1,
        "wrong": 4,
    }
