"""Lines that stand at the end of a terminal, on a terminal that a library emulates."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.terminal import live_region
from capsule.cli.terminal.live_region import Descriptor, LiveRegion, repainted
from capsule.process.cancel import Cancellation
from tests.integration.terminal import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.cli.terminal.live_region import Part

COLUMNS, LINES = 20, 6
SECONDS = 20
WORDS = st.text("abc日é", min_size=1, max_size=12)


class Emulated(pyte.HistoryScreen):
    """Like a real terminal: behind a full line, the cursor still stands on its last column."""

    def erase_in_line(self, *args: Any, **options: Any) -> None:
        self.cursor.x = min(self.cursor.x, self.columns - 1)
        super().erase_in_line(*args, **options)


def emulated(columns: int = COLUMNS, lines: int = LINES) -> tuple[pyte.HistoryScreen, pyte.Stream]:
    console = Emulated(columns, lines, history=10_000, ratio=0.1)
    # What a terminal's driver does.
    console.set_mode(pyte.modes.LNM)
    return console, pyte.Stream(console)


@given(
    st.lists(
        st.tuples(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=LINES - 1)), max_size=12
    )
)
def test_what_is_printed_stays_whole_above_what_is_drawn(
    frames: list[tuple[list[str], list[str]]],
) -> None:
    console, stream = emulated(24)
    printed: list[str] = []
    before: Sequence[str] = ()
    for text, lines in frames:
        stream.feed(repainted(len(before), "".join(f"{line}\n" for line in text), lines))
        printed += text
        before = lines
        assert lines_of(console) == printed + list(lines)
        assert not console.cursor.hidden
        assert pyte.modes.DECAWM in console.mode


def test_a_line_that_is_wider_than_it_seemed_takes_one_line() -> None:
    console, stream = emulated()
    stream.feed(repainted(0, "", ["x" * 50, "y"]))
    stream.feed(repainted(2, "above\n", ["z", "y"]))
    assert lines_of(console) == ["above", "z", "y"]


def test_a_line_as_wide_as_the_terminal_is_whole() -> None:
    console, stream = emulated()
    wide = "x" * (COLUMNS - 1) + "y"
    stream.feed(repainted(0, "", ["z" * COLUMNS]))
    stream.feed(repainted(1, "", [wide]))
    assert lines_of(console) == [wide]


class Terminal:
    """What a live region draws on: it takes all, or nothing while `stuck`."""

    def __init__(self) -> None:
        self.console, self._stream = emulated()
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.closed = False
        self._changed = threading.Condition()

    def write(self, text: str) -> None:
        self.reached.set()
        assert self.open.wait(SECONDS)
        with self._changed:
            self._stream.feed(text)
            self._changed.notify_all()

    def close(self) -> None:
        assert not self.closed
        self.closed = True

    def wait_for(self, lines: list[str]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: lines_of(self.console) == lines, SECONDS)


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def drawn(terminal: Terminal) -> Iterator[LiveRegion]:
    made = LiveRegion(terminal, lambda: (COLUMNS, LINES))
    yield made
    terminal.open.set()
    made._thread.join(SECONDS)
    assert terminal.closed


def part(*lines: str) -> Part:
    def given(width: int, height: int) -> Sequence[str]:
        return [line[:width] for line in lines][:height]

    return given


def yes() -> bool:
    return True


def no() -> bool:
    return False


def test_parts_stand_below_each_other_until_they_end(terminal: Terminal, drawn: LiveRegion) -> None:
    first, second = part("one"), part("two")
    assert drawn.add(first)
    assert drawn.add(second)
    terminal.wait_for(["one", "two"])
    drawn.say("said\n")
    drawn.remove(first, ["first is over"], no)
    terminal.wait_for(["said", "first is over", "two"])
    drawn.remove(second, ["second is over"], no)
    assert lines_of(terminal.console) == ["said", "first is over", "second is over"]
    assert drawn.is_over
    assert terminal.closed
    assert not drawn.say("too late\n")
    assert not drawn.add(first)


def test_parts_are_told_how_much_room_there_is(terminal: Terminal, drawn: LiveRegion) -> None:
    parts = part("1", "2", "3"), part("4", "5", "6", "7")
    for one in parts:
        drawn.add(one)
    # One line is the cursor's.
    terminal.wait_for(["1", "2", "3", "4", "5"])
    for one in parts:
        drawn.remove(one, [], no)


def test_something_else_is_printed_to_the_same_terminal(
    terminal: Terminal, drawn: LiveRegion
) -> None:
    shown = part("last")
    drawn.add(shown)
    terminal.wait_for(["last"])
    drawn.say("before\n")
    with drawn.aside():
        terminal.write("beside\n")
    terminal.wait_for(["before", "beside", "last"])
    drawn.remove(shown, [], no)
    assert lines_of(terminal.console) == ["before", "beside"]


def test_a_flood_waits_for_the_terminal_and_nothing_is_lost(
    terminal: Terminal, drawn: LiveRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_region, "_MOST", 20)
    shown = part("last")
    drawn.add(shown)
    said = [f"line {number}" for number in range(200)]
    for line in said:
        assert drawn.say(f"{line}\n")
    drawn.remove(shown, ["over"], no)
    assert lines_of(terminal.console) == [*said, "over"]


def test_a_terminal_that_takes_nothing_holds_up_neither_a_timeout_nor_a_cancellation(
    terminal: Terminal, drawn: LiveRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_region, "_PATIENCE", 0.05)
    terminal.open.clear()
    shown = part("last")
    drawn.add(shown)
    assert terminal.reached.wait(SECONDS)
    big = "x" * (1 << 16) + "\n"
    assert drawn.say(big)
    # Now there is too much.
    assert drawn.say("dropped\n", time.monotonic() + 0.05)
    with Cancellation() as cancellation:
        stop = threading.Timer(0.05, cancellation.cancel)
        stop.start()
        assert drawn.say("dropped\n", None, cancellation)
        stop.join()
    drawn.remove(shown, ["over"], yes)


def test_a_terminal_that_takes_it_later_gets_all(
    terminal: Terminal, drawn: LiveRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_region, "_PATIENCE", 0.01)
    terminal.open.clear()
    shown = part("last")
    drawn.add(shown)
    assert terminal.reached.wait(SECONDS)
    drawn.say("said\n")
    asked = threading.Event()

    def hurry() -> bool:
        # It was stuck, and may not be left.
        asked.set()
        terminal.open.set()
        return False

    drawn.remove(shown, ["over"], hurry)
    assert asked.is_set()
    assert lines_of(terminal.console) == ["said", "over"]


def test_a_terminal_that_is_gone_is_written_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    gone = LiveRegion(Descriptor(writer), lambda: (COLUMNS, LINES))
    os.close(writer)
    shown = part("last")
    gone.add(shown)
    gone._thread.join(SECONDS)
    assert gone.is_over
    assert not gone.say("x\n")
    gone.remove(shown, ["over"], no)
