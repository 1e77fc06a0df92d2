"""Run a program to its end and give back what it said. No child survives an exception here."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from capsule.child_process.program_tie import ProgramTie

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# How often a watcher looks, in seconds: what a progress bar needs to look alive.
INTERVAL = 0.2

# Those that end a command.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# What the system's loader says when it cannot start wasmtime at all, and what helps.
_REMEDIES = {
    "libgcc_s": "install GCC's library for unwinding (on Alpine: apk add libgcc)",
    "GLIBC_": "set CAPSULE_WASMTIME to a wasmtime that was built for this system's glibc",
}
# Characters of a line that is quoted in an error.
_LONG = 400


@dataclass(frozen=True, slots=True)
class ProgramResult:
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
    ) -> ProgramResult: ...


def run(
    argv: Sequence[str], environ: Mapping[str, str], watch: Watch | None = None
) -> ProgramResult:
    """Run `argv` with nothing on its standard input, calling `watch` every `INTERVAL` seconds.

    Whatever ends the wait early (Ctrl-C, an error of `watch`) kills the program, and what it
    started, and waits for its end; they end too when this program does.

    Raises `OSError` when the program cannot be started.
    """
    tie = ProgramTie()
    held: list[int] = []
    try:
        with _noting(held):
            process = tie.start(argv, environ)
        for number in held:
            signal.raise_signal(number)
        out, err = _ended(process, watch)
    except BaseException:
        tie.kill()
        raise
    finally:
        tie.close()
    return ProgramResult(
        process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
    )


@contextmanager
def _noting(held: list[int]) -> Iterator[None]:
    """Note signals in `held` in place of handling them, where handlers run: in the main thread.

    One that raises in the middle of a start would leave a program that nobody knows. Blocking them
    would not do: the system then gives them to another thread, and Python still to this one.
    """
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    before[number] = handler
                    signal.signal(number, lambda number, _: held.append(number))
        yield
    finally:
        # SIGINT last: it is the one whose handler raises by default, and none may be left out.
        for number, handler in reversed(before.items()):
            signal.signal(number, handler)


def _ended(process: subprocess.Popen[bytes], watch: Watch | None) -> tuple[bytes, bytes]:
    while True:
        try:
            # Never for ever: a signal that comes right before the system waits interrupts nothing,
            # and its handler would run when something else ends the wait.
            return process.communicate(timeout=INTERVAL)
        except subprocess.TimeoutExpired:
            if watch:
                watch()


def loader_failure(complaint: str) -> tuple[str, str] | None:
    """Return what the system's loader says that cannot start a program, and what helps.

    None is for any other complaint.

    >>> loader_failure("Error loading shared library libgcc_s.so.1: No such file")[1]
    "install GCC's library for unwinding (on Alpine: apk add libgcc)"
    """
    for line in complaint.splitlines():
        for sign, help_ in _REMEDIES.items():
            if sign in line:
                return tail(line), help_
    return None


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
