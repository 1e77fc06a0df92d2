"""Descriptors 0, 1 and 2 inside are the task's own streams, and leaving is what it is outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

EMPTY = {
    "open(0).read()": "",
    "open(0, 'rb').read().decode()": "",
    "os.read(0, 10).decode()": "",
    "os.fdopen(0).read()": "",
    "sys.stdin.read()": "",
    "list(sys.stdin)": [],
    "list(fileinput.input(files=('-',)))": [],
    "input()": "EOFError",
    "os.read(1, 10)": "OSError",
    "os.write(0, b'x')": "OSError",
    "open(0, 'w')": "OSError",
}


def test_stdin_is_empty_by_its_number_too(bench: Workbench) -> None:
    envelope = bench.run(f"""
import fileinput, os, sys
def value(code):
    try: return eval(code)
    except Exception as error: return type(error).__name__
def main(): return [value(code) for code in {list(EMPTY)!r}]
""")
    assert envelope["error"] is None
    assert dict(zip(EMPTY, envelope["result"], strict=True)) == EMPTY


def test_what_is_written_to_the_numbers_is_printed(bench: Workbench) -> None:
    envelope = bench.run("""
import os
def main():
    os.write(1, b"one\\n")
    with open(1, "w", closefd=False) as file: print("two", file=file)
    print("three")
    os.write(2, b"four\\n")
    os.close(1)
    try: os.write(1, b"five")
    except OSError as error: return error.strerror
""")
    assert envelope["execution"]["stdout"] == "one\ntwo\nthree\n"
    assert envelope["execution"]["stderr"] == "four\n"
    assert envelope["result"] == "Bad file descriptor"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("exit()", None),
        ("quit(0)", None),
        ("exit(3)", "SystemExit: 3"),
        ("quit('no')", "SystemExit: no"),
    ],
)
def test_exit_and_quit_leave(bench: Workbench, call: str, message: str | None) -> None:
    envelope = bench.run(f"def main():\n    {call}\n    return 'not left'")
    error = envelope["error"]
    assert (error["message"] if error else None) == message
    assert envelope["result"] is None


def test_functions_in_place_of_others_are_no_methods(bench: Workbench) -> None:
    envelope = bench.run("""
import os, pickle, time
class Has:
    pause, read, make = time.sleep, os.read, open
def main():
    Has().pause(0)
    found = pickle.loads(pickle.dumps([time.sleep, os.read, open]))
    return [Has().read(0, 1).decode(), Has().make(0).read(), [each.__name__ for each in found]]
""")
    assert envelope["result"] == ["", "", ["sleep", "read", "open"]], envelope["error"]
