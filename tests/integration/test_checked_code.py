"""What code inside can use is known to a type checker, by the package that is installed outside."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from capsule import SessionSync, run_sync
from tests.integration.command import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

CODE = """
import asyncio

from capsule import ToolError, display, task, tools


@task(timeout="20s")
def main(fruits: list[str]) -> list[int]:
    found: list[int] = []
    for fruit in fruits:
        try:
            found.append(tools.price(fruit, currency="CHF"))
        except ToolError as error:
            display(error.type, error.message)
    return found


async def both() -> list[int]:
    apple, pear = await asyncio.gather(tools.price.aio("apple"), tools.price.aio(name="pear"))
    return [apple, pear]


def names() -> str:
    return tools.describe().splitlines()[0] + tools.price.__name__
"""
MYPY = (sys.executable, "-m", "mypy")
# What is wrong, and the code of mypy's error.
MISTAKES = {
    'tools.price.aoi("apple")': "attr-defined",
    "tools.price + 1": "operator",
    "tools.describe(1)": "call-arg",
    "number: int = tools.describe()": "assignment",
    'ToolError("KeyError", "x").kind': "attr-defined",
    "display(value=1)": "call-arg",
}


def checked(folder: Path, code: str) -> str:
    """What mypy says of code in a file of its own, beside no other of this project."""
    (folder / "code.py").write_text(code)
    done = subprocess.run(
        # An installed package's own errors are not told: here, those of what other systems have.
        [*MYPY, "--strict", "--follow-imports=silent", "--cache-dir", "cache", "code.py"],
        cwd=folder,
        env={"MYPYPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def test_a_checker_knows_what_there_is_inside(tmp_path: Path) -> None:
    assert checked(tmp_path, CODE).startswith("Success: no issues found")
    said = checked(tmp_path, CODE + "\n\n" + "\n".join(MISTAKES))
    found = re.findall(r"^code\.py:(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)
    first = len(CODE.splitlines()) + 3
    assert found == [(str(line), kind) for line, kind in enumerate(MISTAKES.values(), first)], said


def test_what_is_checked_runs_inside(
    toolchain_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))

    def price(name: str, currency: str = "EUR") -> int:
        """What a fruit costs."""
        return {"apple": 3, "pear": 4}[name] + (currency == "CHF")

    with SessionSync(tools=[price], timeout="60s", cwd=tmp_path) as session:
        session.run(CODE.replace('@task(timeout="20s")\n', "")).unwrap()
        turn = session.run("main(['apple', 'plum', 'pear'])")
        assert (turn.result, turn.error) == ([4, 5], None)
        assert [shown["text/plain"] for shown in turn.displays] == ["'KeyError'", "\"'plum'\""]
        assert session.run("await both()").result == [3, 4]
        assert "price" in session.run("names()").unwrap()
        # The builtin is the same, with no import.
        assert session.run("import builtins\ndisplay is builtins.display").result is True
    (tmp_path / "task.py").write_text(CODE)
    envelope = run_sync("task.py", [["apple", "plum"]], tools=[price], cwd=tmp_path)
    assert (envelope.result, envelope.error) == ([4], None)
    # Nobody asks a task what it has shown.
    assert envelope.execution.stdout == "'KeyError'\n\"'plum'\"\n"
