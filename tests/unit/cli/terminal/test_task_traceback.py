"""How a failure is told: the frames, the mark, the last line, and nothing that drives a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.cli.terminal.task_traceback import traceback_lines

if TYPE_CHECKING:
    from capsule.envelope import EnvelopeError

TRACEBACK = """\
Traceback (most recent call last):
  File "job.py", line 10, in main
    inner(n)
    ~~~~~^^^
  File "job.py", line 4, in inner
    return x / n
           ~~^~~
ZeroDivisionError: division by zero
"""


def failure(message: str, traceback: str) -> EnvelopeError:
    return {"error_type": "task_error", "message": message, "traceback": traceback}


def test_the_line_that_failed_is_marked_and_the_message_stands_last_and_once() -> None:
    error = failure("ZeroDivisionError: division by zero", TRACEBACK)
    assert list(traceback_lines(error, whole=True)) == [
        "Traceback of the task (most recent last):",
        '  File "job.py", line 10, in main',
        "    inner(n)",
        "    ~~~~~^^^",
        '  File "job.py", line 4, in inner',
        "  > return x / n",
        "           ~~^~~",
        "task_error: ZeroDivisionError: division by zero",
    ]


def test_a_quiet_one_is_its_last_line() -> None:
    error = failure("ZeroDivisionError: division by zero", TRACEBACK)
    assert list(traceback_lines(error, whole=False)) == [
        "task_error: ZeroDivisionError: division by zero"
    ]


def test_only_the_last_frame_of_a_chain_is_marked() -> None:
    cause = TRACEBACK + "\nDuring handling of the above exception, another exception occurred:\n\n"
    error = failure("E", f'{cause}Traceback:\n  File "a.py", line 1, in main\n    raise E\nE\n')
    lines = list(traceback_lines(error, whole=True))
    assert [line for line in lines if line.startswith("  > ")] == ["  > raise E"]
    assert "    return x / n" in lines


def test_a_frame_without_its_source_marks_nothing() -> None:
    error = failure("E", 'Traceback:\n  File "<string>", line 1, in main\nE\n')
    assert list(traceback_lines(error, whole=True)) == [
        "Traceback:",
        '  File "<string>", line 1, in main',
        "task_error: E",
    ]


def test_a_traceback_that_is_the_message_is_not_said_twice() -> None:
    assert list(traceback_lines(failure("TypeError: no", "TypeError: no\n"), whole=True)) == [
        "task_error: TypeError: no"
    ]


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ("json.decoder.JSONDecodeError: no", "JSONDecodeError: no"),
        ("E: one\ntwo\n", "E: one\ntwo\n"),
        ("E: x", "E: x  "),
        ("a.b.c.E", "E"),
    ],
)
def test_of_what_stands_last_nothing_is_left_above(said: str, last: str) -> None:
    frame = '  File "a.py", line 1, in main\n    raise E'
    lines = list(traceback_lines(failure(last, f"Traceback:\n{frame}\n{said}\n"), whole=True))
    assert lines[-2:] == ["  > raise E", f"task_error: {last.rstrip()}"]


def test_the_module_of_an_error_goes_with_its_message() -> None:
    trace = 'T:\n  File "a.py", line 1, in main\n    f()\nurllib.error.URLError: no\n'
    assert list(traceback_lines(failure("URLError: no", trace), whole=True)) == [
        "T:",
        '  File "a.py", line 1, in main',
        "  > f()",
        "task_error: URLError: no",
    ]


def test_nothing_in_it_moves_the_cursor() -> None:
    error = failure("E: a\rb\x1b[2J\u202e", 'T:\n  File "a\x9b.py", line 1, in main\n    x\r\x07\n')
    text = "\n".join(traceback_lines(error, whole=True))
    assert text.replace("\n", "").isprintable()


def test_a_long_one_keeps_both_ends() -> None:
    frames = "".join(f'  File "a.py", line {n}, in f\n    f({n})\n' for n in range(500))
    lines = list(traceback_lines(failure("RecursionError: deep", f"T:\n{frames}"), whole=True))
    assert len(lines) == 102
    assert "lines more: capsule trace" in lines[50]
    assert lines[-2] == "  > f(499)"


def test_a_missing_module_says_where_packages_are_named() -> None:
    message = "ModuleNotFoundError: No module named 'yarl'"
    *_, advice = traceback_lines(failure(message, message), whole=True)
    assert 'dependencies = ["yarl"]' in advice
    *_, last = traceback_lines(
        failure("ModuleNotFoundError: No module named '\x1b'", ""), whole=True
    )
    assert "dependencies" not in last


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("FileNotFoundError: [Errno 44] No such file or directory: 'x'", "allowed_files"),
        ("EOFError: EOF when reading a line", "--stdin"),
    ],
)
def test_what_is_not_as_outside_is_explained_where_there_is_room(message: str, hint: str) -> None:
    *_, said, tried = traceback_lines(failure(message, ""), whole=True)
    assert said == f"task_error: {message}"
    assert tried.startswith("  try: ")
    assert hint in tried
    assert list(traceback_lines(failure(message, ""), whole=False)) == [said]
