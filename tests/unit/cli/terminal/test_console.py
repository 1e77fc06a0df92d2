"""The one place that prints."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.render.harmless_text import harmless
from capsule.cli.terminal import console, progress_bars
from capsule.cli.terminal.console import Console
from capsule.cli.terminal.progress_bars import ProgressBars, ProgressLines, progress_for
from capsule.envelope import refusal
from capsule.errors import OutputError, UsageError
from capsule.progress import Silent, Step

if TYPE_CHECKING:
    from capsule.envelope import Envelope


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8")

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


@given(st.lists(st.binary(max_size=5)), st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_that_drives_a_terminal_is_left(pieces: list[bytes], text: str) -> None:
    terminal = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        console = Console()
        for piece in [*pieces, text.encode()]:
            console.task_output(piece)
    shown = terminal.shown()
    assert not any(char < " " and char not in "\t\n\r" for char in shown)
    assert not any("\x7f" <= char <= "\x9f" for char in shown)


def test_a_control_character_in_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    console = Console()
    console.task_output(b"a\xc2")
    console.task_output(b"\x9b2Jb")
    assert terminal.shown() == "a?2Jb"
    assert harmless("\x1b]0;x\x07é\n") == "?]0;x?é\n"


def test_an_envelope_on_a_terminal_holds_no_raw_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    envelope: Envelope = refusal("a\x9b\x7f\x1b", "task_error", "é")
    Console().envelope(envelope, one_line=False)
    assert '"a\\u009b\\u007f\\u001b"' in terminal.shown()
    assert "é" in terminal.shown()


def test_no_raw_controls_are_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    Console().json({"a\x7f": "\x9b\x1bé\x7f"})
    assert terminal.shown() == '{"a\\u007f": "\\u009b\\u001b\\u00e9\\u007f"}\n'


def test_a_closed_stream_is_written_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    console = Console()
    console.out("x")
    console.err("x")
    assert not console.stdout_is_terminal


def test_a_pipe_without_a_reader_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        console = Console()
        console.out("x" * 100_000)
        console.out("once more")


class Unread(io.FileIO):
    """A pipe that nobody reads, as it is on Windows."""

    def write(self, _data: object, /) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.parametrize("on_windows", [False, True])
def test_a_pipe_without_a_reader_is_another_error_on_windows(
    monkeypatch: pytest.MonkeyPatch, on_windows: bool
) -> None:
    monkeypatch.setattr(console, "_UNREAD", (errno.EPIPE, errno.EINVAL)[: 1 + on_windows])
    raw = Unread(os.devnull, "w")
    stream = io.TextIOWrapper(io.BufferedWriter(raw))
    monkeypatch.setattr(sys, "stdout", stream)
    printing = Console()
    with nullcontext() if on_windows else pytest.raises(OutputError):
        printing.out("x")
    assert printing.stdout_is_gone == on_windows
    raw.close()


def test_progress_goes_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress_for(Console(), quiet=True), Silent)
    assert isinstance(progress_for(Console(), quiet=False), ProgressLines)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(progress_for(Console(), quiet=False), ProgressBars)


def test_lines_say_when_a_step_begins_and_ends(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ProgressLines(Console())
    with lines.step(Step("fetching", 17_400_000, "bytes")) as tracker:
        tracker.update(1_000)
        monkeypatch.setattr(progress_bars, "_OFTEN", 0)
        tracker.update(8_700_000)
    with pytest.raises(ZeroDivisionError), lines.step(Step("compiling", 19, "seconds")):
        1 / 0  # noqa: B018
    said = capsysbinary.readouterr().err.decode().splitlines()
    assert said[0] == "capsule: fetching (17.4 MB)"
    assert said[1].startswith("capsule: fetching: 50 %, 8.7/17.4 MB, ")
    assert said[2].startswith("capsule: fetching: 17.4 MB in ")
    assert said[3] == "capsule: compiling (about 19 s)"
    assert said[4].startswith("capsule: compiling: stopped after ")
    assert len(said) == 5


def test_a_bar_moves_and_leaves_a_line() -> None:
    mine, theirs = os.openpty()
    shown = ""

    def see(text: str) -> None:
        nonlocal shown
        while text not in shown:
            assert select.select([mine], [], [], 20)[0], shown
            shown += os.read(mine, 65536).decode()

    with os.fdopen(mine, "rb"), os.fdopen(theirs, "w") as stderr:
        console = Console(stderr=stderr, terminal="xterm")
        assert isinstance(progress_for(console, quiet=False), ProgressBars)
        with ProgressBars(console).step(Step("fetching", 20_000_000, "bytes")) as tracker:
            see("0.0/20.0 MB")
            tracker.update(10_000_000)
            see("10.0/20.0 MB")
            console.note("something else")
            console.task_output(b"no end of line")
            see("capsule: something else\r\nno end of line\r\n")
        see("capsule: fetching: 20.0 MB in ")


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress_for(Console(None, Terminal(), "dumb"), quiet=False), ProgressLines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_for(Console(None, Terminal()), quiet=False), ProgressLines)
    # As the worker is told: its own terminal does not matter.
    assert isinstance(progress_for(Console(None, Terminal(), ""), quiet=False), ProgressBars)


def test_what_is_redrawn_fits_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    console = Console(terminal)
    assert console.size == (80, 24)
    with console.redrawn() as draw:
        draw(["a\x1b[2J"])
        draw([str(number) for number in range(100)])
    shown = terminal.shown()
    assert shown.startswith("\x1b[?1049h\x1b[H\x1b[Ja?[2J\x1b[H\x1b[K0\n\x1b[K1\n")
    assert shown.endswith("\x1b[K21\n\x1b[J(78 lines more)\x1b[?1049l")


def test_a_line_of_ours_begins_behind_what_a_task_has_not_ended() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    console = Console(io.TextIOWrapper(io.BytesIO(), "utf-8"), stream)
    for piece in (b"a", b"", b"b"):
        console.task_output(piece)
    console.out("an answer in a pipe of its own")
    console.err("ours")
    console.task_output(b"c\n")
    console.err("ours")
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue() == b"ab\nours\nc\nours\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_an_error_is_folded_for_a_terminal_alone(*, is_terminal: bool) -> None:
    stream = Terminal() if is_terminal else io.TextIOWrapper(io.BytesIO(), "utf-8")
    error = UsageError("the option --long " + "is not so " * 8, hint="another word " * 7)
    Console(None, stream).error(error)
    assert isinstance(stream.buffer, io.BytesIO)
    lines = stream.buffer.getvalue().decode().splitlines()
    assert len(lines) == (4 if is_terminal else 2)
    if is_terminal:
        assert [len(line) - len(line.lstrip()) for line in lines] == [0, 9, 2, 7]


def test_an_answer_on_the_same_terminal_begins_a_line() -> None:
    terminal = Terminal()
    console = Console(terminal, terminal)
    console.task_output(b"a")
    console.out("answer")
    console.out("answer")
    assert terminal.shown() == "a\nanswer\nanswer\n"
