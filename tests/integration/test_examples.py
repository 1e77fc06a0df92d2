"""The examples do what they say."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

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
