"""Run a program to its end and give back what it said. No child survives an exception here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# How often a watcher looks, in seconds: what a progress bar needs to look alive.
INTERVAL = 0.2

# Characters of a line that is quoted in an error.
_LONG = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: its exit status (below 0: minus the signal), and what it wrote."""

    status: int
    stdout: str
    stderr: str


class Watch(Protocol):
    """What is called while a program runs."""

    def __call__(self) -> None: ...


class Runner(Protocol):
    """What runs programs: `run`, or a script in its place."""

    def __call__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        watch: Watch | None = None,
    ) -> Outcome: ...


def run(argv: Sequence[str], environ: Mapping[str, str], watch: Watch | None = None) -> Outcome:
    """Run `argv` with nothing on its standard input, calling `watch` every `INTERVAL` seconds.

    Whatever ends the wait early (Ctrl-C, an error of `watch`) kills the program, and what it
    started, and waits for its end. Raises `OSError` when the program cannot be started.
    """
    held = _hold_signals()
    try:
        process = subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own, so that the kill below reaches the pip that a `uv` has started.
            process_group=None if sys.platform == "win32" else 0,
        )
    except BaseException:
        _release_signals(held)
        raise
    try:
        _release_signals(held)
        out, err = _ended(process, watch)
    except BaseException:
        _kill(process)
        raise
    return Outcome(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def _hold_signals() -> set[int | signal.Signals] | None:
    """Hold signals whose handlers raise: in the middle of a start, nobody would know the program.

    It holds them too, then; what ends it here is a signal that nothing holds.
    """
    if sys.platform == "win32":
        return None
    return signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def _release_signals(held: set[int | signal.Signals] | None) -> None:
    if sys.platform != "win32" and held is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _ended(process: subprocess.Popen[bytes], watch: Watch | None) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=INTERVAL if watch else None)
        except subprocess.TimeoutExpired:
            if watch:
                watch()


def tail(text: str, lines: int = 3) -> str:
    """Return the last lines of a program's complaint that say something, each once.

    >>> tail("a\\n\\nb\\nb\\n[notice] get a new pip\\n", 2)
    'a; b'
    """
    said = dict.fromkeys(
        line if len(line) <= _LONG else f"{line[:_LONG]}..."
        for raw in text[-20_000:].splitlines()
        if (line := raw.strip()) and not line.startswith("[notice]")
    )
    return "; ".join(list(said)[-lines:])


def bare_environment() -> dict[str, str]:
    """Return the environment for programs that need none of ours."""
    environ = {"RUST_BACKTRACE": "0"}
    if "SYSTEMROOT" in os.environ:  # without it, Windows cannot start most programs
        environ["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return environ


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform != "win32" and process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    process.wait()
