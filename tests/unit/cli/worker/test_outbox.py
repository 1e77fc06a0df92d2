"""Lines that wait for a reader: in order, bounded, and given up when nobody cares any more."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

import pytest

from capsule.cli.worker.outbox import MOST_BYTES, Outbox
from capsule.process.cancel import Cancellation

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20
# More than a pipe holds and more than may wait.
LARGE = b"x" * (MOST_BYTES + 1) + b"\n"


class Pipe:
    """Both ends of a pipe, and an outbox that writes to it."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self.reader = reader
        self.lost = threading.Event()
        self.outbox = Outbox(writer, self.lost.set)

    def fill(self) -> None:
        """Have so much wait that there is no room."""
        # The first of these is being written, and fits into no pipe.
        assert self.outbox.put(LARGE, until=time.monotonic() + SECONDS)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader:
        writer = os.fdopen(writing, "wb")
        made = Pipe(reader, writer)
        yield made
        made.outbox.close()
        if not reader.closed:
            # Who is stuck in a write goes on.
            reader.close()
        made.outbox.finish()
        with suppress(BrokenPipeError):
            writer.close()


def test_lines_are_written_in_order(pipe: Pipe) -> None:
    for number in range(1_000):
        assert pipe.outbox.put(b"%d\n" % number)
    assert [pipe.reader.readline() for _ in range(1_000)] == [b"%d\n" % n for n in range(1_000)]


def test_who_has_a_line_waits_for_room_in_the_order_of_coming(pipe: Pipe) -> None:
    pipe.fill()
    began: list[threading.Thread] = []
    for number in range(5):
        thread = threading.Thread(target=pipe.outbox.put, args=(b"%d\n" % number,))
        thread.start()
        began.append(thread)
        while len(pipe.outbox._turns) <= number:
            assert thread.is_alive()
    assert all(thread.is_alive() for thread in began)
    assert pipe.reader.readline() == LARGE
    assert [pipe.reader.readline() for _ in range(5)] == [b"%d\n" % n for n in range(5)]
    for thread in began:
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_a_line_is_given_up_at_its_time(pipe: Pipe) -> None:
    pipe.fill()
    until = time.monotonic() + 0.05
    assert pipe.outbox.put(b"late\n", until=until) is False
    assert time.monotonic() >= until
    assert pipe.outbox.put(b"later\n", until=time.monotonic() - 1) is False
    assert pipe.reader.readline() == LARGE
    assert pipe.outbox.put(b"in time\n", until=time.monotonic() + SECONDS)
    assert pipe.reader.readline() == b"in time\n"


def test_a_line_is_given_up_when_it_is_cancelled(pipe: Pipe) -> None:
    pipe.fill()
    with Cancellation() as stop:
        said: list[bool] = []
        thread = threading.Thread(target=lambda: said.append(pipe.outbox.put(b"no\n", stop)))
        thread.start()
        while not pipe.outbox._turns:
            assert thread.is_alive()
        stop.cancel()
        thread.join(SECONDS)
        assert said == [False]
        # Where there is room, it is said all the same.
        assert pipe.reader.readline() == LARGE
        assert pipe.outbox.put(b"yes\n", stop)
    assert pipe.reader.readline() == b"yes\n"


def test_when_nobody_takes_lines_all_are_told(pipe: Pipe) -> None:
    pipe.fill()
    said: list[bool] = []
    thread = threading.Thread(target=lambda: said.append(pipe.outbox.put(b"no\n")))
    thread.start()
    while not pipe.outbox._turns:
        assert thread.is_alive()
    pipe.reader.close()
    thread.join(SECONDS)
    assert said == [False]
    assert pipe.lost.wait(SECONDS)
    assert pipe.outbox.put(b"no\n") is False


def test_closing_waits_for_no_reader(pipe: Pipe) -> None:
    pipe.fill()
    pipe.outbox.close()
    assert pipe.outbox.put(b"no\n") is False
