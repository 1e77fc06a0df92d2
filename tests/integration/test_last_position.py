"""A task that is ended from outside says where it was: the line, the function, the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

ENDLESS = """
import time
def outer(act):
    return inner(act)
def inner(act):
    n = 0
    while True:
        n += 1
        act()
def main(which, code=None):
    if which == "text":
        exec(compile(code, "<code>", "exec"), {})
    return outer({"wait": lambda: time.sleep(60), "spin": lambda: None}[which])
"""


def test_out_of_time_while_it_waits(bench: Workbench) -> None:
    error = bench.run(ENDLESS, "wait", timeout_ms=1_000)["error"]
    assert error is not None
    assert error["error_type"] == "timeout"
    assert error["message"].endswith("; it was at line 13 of stdin.py, in main.<locals>.<lambda>")
    assert error["traceback"] == (
        "Traceback (most recent call last):\n"
        '  File "stdin.py", line 13, in main\n'
        '    return outer({"wait": lambda: time.sleep(60), "spin": lambda: None}[which])\n'
        '  File "stdin.py", line 4, in outer\n'
        "    return inner(act)\n"
        '  File "stdin.py", line 9, in inner\n'
        "    act()\n"
        '  File "stdin.py", line 13, in main.<locals>.<lambda>\n'
        '    return outer({"wait": lambda: time.sleep(60), "spin": lambda: None}[which])\n'
        f"{error['message']}\n"
    )


def test_out_of_fuel(bench: Workbench) -> None:
    error = bench.run(ENDLESS, "spin", compute=10**10)["error"]
    assert error is not None
    assert error["error_type"] == "fuel_exhausted"
    assert "of stdin.py, in " in error["message"]
    assert '  File "stdin.py", line 4, in outer\n    return inner(act)\n' in error["traceback"]


def test_code_that_came_as_a_text(bench: Workbench) -> None:
    code = "def f():\n    while True:\n        pass\nf()\n"
    error = bench.run(ENDLESS, "text", code, compute=10**10)["error"]
    assert error is not None
    assert '  File "<code>", line 4, in <module>\n  File "<code>", line ' in error["traceback"]


def test_names_of_other_scripts(bench: Workbench) -> None:
    source = "def größe():\n    while True: pass\ndef 大きさ(): größe()\ndef main(): 大きさ()\n"
    error = bench.run(source, compute=10**12, timeout_ms=1_000)["error"]
    assert error is not None
    assert error["message"].endswith("it was at line 2 of stdin.py, in größe")
    assert "line 3, in 大きさ" in error["traceback"]


def test_very_deep_calls_are_shown_at_both_ends(bench: Workbench) -> None:
    source = "import time\ndef f(n):\n    f(n - 1) if n else time.sleep(60)\ndef main(): f(200)\n"
    error = bench.run(source, timeout_ms=1_000)["error"]
    assert error is not None
    assert "  ... 162 frames left out\n" in error["traceback"]
    assert error["traceback"].count(", in f\n    f(n - 1)") == 39


def test_a_crash_is_told_with_its_place(bench: Workbench) -> None:
    source = "import os, time\ndef main():\n    end = time.monotonic() + 0.8\n    while time.monotonic() < end: pass\n    os.abort()\n"
    error = bench.run(source, compute=5 * 10**10)["error"]
    assert error is not None
    assert error["error_type"] == "sandbox_crashed"
    assert " of stdin.py, in main" in error["message"]


@pytest.mark.parametrize("error_type", ["task_error", None])
def test_what_ends_by_itself_says_it_itself(bench: Workbench, error_type: str | None) -> None:
    act = "1 / 0" if error_type else "pass"
    source = f"import time\ndef main():\n    time.sleep(0.3)\n    {act}\n"
    error = bench.run(source)["error"]
    assert (error and error["error_type"]) == error_type
    assert error is None or "it was" not in error["message"]
