"""Attempts that were never made, for a record that is real."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule.lifecycle import ids
from capsule.lifecycle.events import Created, Ended, Running
from capsule.lifecycle.recorder import Recorder
from capsule.lifecycle.write_buffer import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Program = Callable[..., subprocess.Popen[str]]

REPOSITORY = Path(__file__).parents[3]


def created(run: str | None = None, count: int = 1, **changes: Any) -> Created:
    """An attempt of a run, a new one unless one is named."""
    run = run or ids.new_run()
    made = Created(
        ids.of_attempt(run, count),
        run,
        parent=None,
        retry_of=None,
        depth=0,
        number=0,
        task="main",
        file="hello.py",
        created_ns=time.time_ns(),
        compute=100,
        ram=None,
        timeout_ms=5_000,
        landlock=7,
        seccomp=True,
    )
    return made._replace(**changes)


def ended(**changes: Any) -> Ended:
    """The end of an attempt that went well."""
    return Ended("completed", time.time_ns(), 1_000, "cold", 50, 1 << 20, 2)._replace(**changes)


def row(run: str | None = None, count: int = 1, **changes: Any) -> Row:
    """A whole attempt."""
    return Row(created(run, count), Running(time.time_ns(), 100, 5_000), ended(**changes))


def record(recorder: Recorder, made: Created, end: Ended | None = None) -> None:
    """Tell a recorder of an attempt, from its beginning to its end."""
    recorder.created(made)
    recorder.running(made.id, Running(time.time_ns(), made.compute, made.timeout_ms))
    if end is not None:
        recorder.ended(made.id, end)


@pytest.fixture
def notes() -> list[str]:
    """What was said."""
    return []


@pytest.fixture
def recorder(tmp_path: Path, notes: list[str]) -> Iterator[Recorder]:
    """A recorder whose state root is an empty folder."""
    with Recorder(tmp_path, notes.append) as recorder:
        yield recorder


@pytest.fixture
def program() -> Iterator[Program]:
    """Starts programs that know this repository; each is over at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def told(process: subprocess.Popen[str]) -> str:
    """The next line that a program says."""
    assert process.stdout is not None
    return process.stdout.readline()


def go(process: subprocess.Popen[str]) -> None:
    """Let a program go on that waits for the end of its input."""
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
