"""`capsule run -c CODE --state FILE`, a turn for scripts, and `capsule repl`."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

import pytest

from capsule.cli.render.human_units import size
from tests.integration.command import Command
from tests.integration.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def command(tmp_path: Path, toolchain_home: Path) -> Command:
    return Command(tmp_path, toolchain_home)


def test_turns_go_on_in_a_file(command: Command, tmp_path: Path) -> None:
    done = command("run", "-c", "total = 40\nprint('out')", "--state", "work.state", "--json")
    envelope = json.loads(done.out)
    assert envelope["success"] is True
    assert envelope["execution"]["fuel_consumed"] > 0
    assert "out" in done.err
    assert stat.S_IMODE((tmp_path / "work.state").stat().st_mode) == 0o600
    assert command("run", "-c", "total + 2", "--state", "work.state", "--result").out == "42\n"
    done = command("run", "-", "--state", "work.state", "--result", stdin="{total, 1} - {1}")
    assert done.out == "{40}\n"
    assert not list(tmp_path.glob("*.lock"))


def test_a_turn_that_fails_is_told_and_one_that_is_stopped_changes_nothing(
    command: Command, tmp_path: Path
) -> None:
    command("run", "-c", "x = 1", "--state", "work.state")
    before = (tmp_path / "work.state").read_bytes()
    done = command(
        *("run", "-c", "x = 2\nwhile True: pass", "--state", "work.state"),
        *("--timeout", "300ms", "--json"),
    )
    assert done.code == 124
    assert json.loads(done.out)["error"]["error_type"] == "timeout"
    assert (tmp_path / "work.state").read_bytes() == before
    done = command("run", "-c", "x = 3\n1 / 0", "--state", "work.state", "--json")
    assert done.code == 1
    # What it did before stays, as at a prompt.
    assert command("run", "-c", "x", "--state", "work.state", "--result").out == "3\n"


def test_what_is_wrong_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text("def main(): return 1\n")
    done = command("run", "task.py", "--state", "work.state")
    assert (done.code, "--state goes with -c" in done.err) == (2, True)
    (tmp_path / "bad.state").write_text("junk")
    done = command("run", "-c", "1", "--state", "bad.state")
    assert done.code == 2
    assert "bad.state is no state, or a damaged one" in done.err
    done = command("run", "-c", "1", "--state", "gone/work.state")
    assert done.code == 2
    assert "cannot write" in done.err


def test_a_session_at_a_prompt(command: Command, tmp_path: Path) -> None:
    typed = (
        "x = 40\nx + 2\ndef f(n):\n    return n * x\n\nf(2)\nprint('out')\n1 / 0\n:back\nx = 1\n:back\n"
        "x\nopen('a.txt', 'w').write('abc')\n:files\n:states\n:nope\n:back 99\n:save other.session\n"
    )
    done = command("repl", "--state", "work.session", stdin=typed)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:4] == ["42", "80", "40", "3"]
    assert lines[4] == "     3 B  a.txt"
    assert lines[5] == "    0  before the first turn"
    assert lines[6:8] == ["    1  after turn 1: x = 40", "    2  after turn 2: x + 2"]
    assert lines[-1] == "*   9  after turn 8: open('a.txt', 'w').write('abc')"
    assert "at state 5, after turn 5: print('out')\n" in done.err
    written = (tmp_path / "other.session").stat().st_size
    assert f"saved turn 8 to {tmp_path / 'other.session'}, {size(written)}" in done.err
    assert "out\n" in done.err
    assert "ZeroDivisionError: division by zero" in done.err
    assert "there is no :nope" in done.err
    assert "there is no such state" in done.err
    assert command("repl", "--state", "work.session", stdin="f(1)\n").out == "40\n"
    assert command("repl", "--state", "other.session", stdin="f(1)\n").out == "40\n"


def test_a_figure_becomes_a_file(command: Command, tmp_path: Path) -> None:
    typed = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n"
    done = command("repl", stdin=typed)
    assert done.out.endswith("is in figure-1.png\n"), done
    assert (tmp_path / "figure-1.png").read_bytes().startswith(b"\x89PNG")
    # What matplotlib keeps for itself is no file of the code's.
    typed += "open('/tmp/mine.txt', 'w').write('a')\n:files\n"
    assert command("repl", stdin=typed).out.splitlines()[-1] == "     1 B  /tmp/mine.txt"
    assert command("repl", stdin=":files\n").out == "there are no files\n"


def test_the_record_says_which_turn_of_which_session(command: Command) -> None:
    command("run", "-c", "x = 1", "--state", "a.state")
    command("run", "-c", "x", "--state", "a.state")
    command("repl", "--state", "a.state", stdin="x\nx\n")
    command("repl", stdin="x = 1\n")
    runs = json.loads(command("trace", "--json", "--limit", "5").out)
    files = [run["file"] for run in runs]
    assert files[1:] == [f"turn {number} of a.state" for number in (4, 3, 2, 1)]
    assert re.fullmatch("turn 1 of [0-9a-f]{8}", files[0])
    assert {run["task"] for run in runs} == {"session"}
    assert "  turn 4 of a.state\n" in command("trace").out


def test_what_is_wrong_is_said_by_the_option_that_said_it(command: Command) -> None:
    for words, said in (
        (("--max-ram", "1MB"), "try: a larger --max-ram\n"),
        (("--max-ram", "12XB"), "capsule: --max-ram: '12XB' is not a size"),
        (("--max-fuel", "LO"), "capsule: --max-fuel: "),
        (("--mount", "nowhere"), "nowhere' does not exist"),
        (("--secret", "KEY@*"), "capsule: --secret: KEY: '*' is every host"),
        (("--compute", "LOW"), "capsule run\n  try: --max-fuel N\n"),
    ):
        done = command("run", "-c", "1", "--state", "work.state", *words)
        assert (done.code, said in done.err) == (2, True), done


def test_a_prompt_on_a_terminal(command: Command) -> None:
    with Terminal(command, "repl") as shown:

        def answers(typed: bytes, *expected: str) -> None:
            before = len(shown.lines)
            shown.type(typed)
            shown.wait_until(
                lambda lines: (
                    all(any(each in line for line in lines[before - 1 :]) for each in expected)
                    and lines[-1] == ">>>"
                )
            )

        shown.wait_until(lambda lines: lines[-1:] == [">>>"])
        answers(b"6 * 7\n", "42")
        answers(b"if True:\n    'in'\n\n", "'in'")
        # Ctrl-C ends the turn, and what was typed; not the session.
        answers(b"x = 5\n", "x = 5")
        shown.type(b"if True:\n    print('burning')\n    while True: pass\n\n")
        shown.wait_until(lambda lines: any(line == "burning" for line in lines))
        answers(b"\x03", "cancelled")
        answers(b"x\n", "5")
        shown.type(b"\x04")
        assert shown.finish() == 0


@pytest.mark.parametrize(
    "words",
    [
        ("3", "4"),
        ("--args", "[1]"),
        ("--args-file", "-"),
        ("--map", "items.jsonl"),
        ("--concurrency", "2"),
        ("--resume", "done.jsonl"),
        ("--spread",),
        ("--stdin",),
    ],
)
def test_what_a_turn_has_no_use_for_is_refused(
    command: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = command("run", "-c", "1", "--state", "work.state", *words)
    said = words[0] if words[0].startswith("--") else "words"
    assert done.code == 2
    assert f"{said} do" in done.err
    assert "not go with --state" in done.err
    assert not (tmp_path / "work.state").exists()


def test_a_figure_that_cannot_be_saved_ends_no_session(command: Command, tmp_path: Path) -> None:
    # A name that is free, and that nobody can write to, root neither.
    (tmp_path / "figure-1.png").symlink_to("nowhere/figure-1.png")
    figure = "type('F', (), {'_repr_png_': lambda self: bytes([137]) + b'PNG'})()"
    done = command("repl", stdin=f"display({figure})\n40 + 2\n")
    assert (done.code, "42" in done.out) == (0, True)
    assert "cannot write figure-1.png: No such file or directory" in done.err
