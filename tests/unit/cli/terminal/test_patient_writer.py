"""Writes that may wait for ever: limits and cancellations hold all the same."""

from __future__ import annotations

import io
import os
import select
import threading
import time
from typing import TYPE_CHECKING, cast

import pytest

from capsule.cli.terminal import patient_writer
from capsule.cli.terminal.patient_writer import PatientWriter
from capsule.cli.terminal.task_output import _Shown, say_in_time
from capsule.process.cancel import Cancellation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.cli.terminal.console import Console

SECONDS = 20


@pytest.fixture
def stop() -> Iterator[Cancellation]:
    with Cancellation() as made:
        yield made


def test_a_write_that_waits_is_left_at_the_deadline(stop: Cancellation) -> None:
    writer, gate, done = PatientWriter(), threading.Event(), list[str]()

    def waits() -> None:
        gate.wait(SECONDS)
        done.append("first")

    assert not writer.do(waits, time.monotonic() + 0.05, stop)
    assert writer.is_stuck
    # Nothing is begun behind it.
    assert not writer.do(lambda: done.append("second"), time.monotonic() + 0.05, stop)
    gate.set()
    assert writer.do(lambda: done.append("third"), time.monotonic() + SECONDS, stop)
    assert done == ["first", "third"]
    assert not writer.is_stuck


def test_a_cancellation_ends_the_wait(stop: Cancellation) -> None:
    writer, gate = PatientWriter(), threading.Event()
    begun = threading.Event()

    def waits() -> None:
        begun.set()
        gate.wait(SECONDS)

    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(writer.do(waits, None, stop)))
    thread.start()
    assert begun.wait(SECONDS)
    stop.cancel()
    thread.join(SECONDS)
    assert answers == [False]
    gate.set()


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("closed")])
def test_a_reader_that_is_gone_ends_nothing(stop: Cancellation, error: Exception) -> None:
    writer = PatientWriter()

    def fails() -> None:
        raise error

    assert writer.do(fails, None, stop)
    assert writer.do(lambda: None, None, stop)


class Unread:
    """A console whose stderr is a pipe that nobody reads."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stderr = io.TextIOWrapper(os.fdopen(writer, "wb", 0), write_through=True)
        self.lines = 0

    def task_output(self, data: bytes) -> None:
        os.write(self.stderr.fileno(), data)

    def err(self, text: str) -> None:
        self.lines += 1
        os.write(self.stderr.fileno(), text.encode())


@pytest.mark.skipif(not hasattr(select, "poll"), reason="it takes away what this system has not")
def test_output_that_nobody_reads_where_no_pipe_tells(
    monkeypatch: pytest.MonkeyPatch, stop: Cancellation
) -> None:
    monkeypatch.delattr(select, "poll")
    monkeypatch.setattr(patient_writer, "STDERR", PatientWriter())
    unread = Unread()
    console = cast("Console", unread)
    shown = _Shown(console, time.monotonic() + 0.2, stop)
    shown.stdout(bytes(1 << 20))
    assert patient_writer.STDERR.is_stuck
    say_in_time(console, "a line", time.monotonic() + 0.05, stop)
    assert unread.lines == 0
    # What was begun is written when somebody reads, and the rest was dropped.
    with os.fdopen(unread.reader, "rb") as file:
        said = file.read(1 << 16)
        say_in_time(console, "a line", time.monotonic() + SECONDS, stop)
        unread.stderr.close()
        said += file.read()
    assert unread.lines == 1
    assert said.endswith(b"a line")
    assert len(said) < 1 << 18
