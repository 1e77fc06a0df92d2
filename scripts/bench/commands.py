"""Whole commands, as a user waits for them.

Each is started in the same way, and ours as it is installed: the script that pip writes starts
faster than `python -m`. Python may keep its bytecode, as it does for whoever installs it: without
that, a command is mostly the compiling of its own source.
"""

from __future__ import annotations

import itertools
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.peer import Peer
from scripts.bench.processes import bare_python
from scripts.bench.timing import Row, by_turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HELLO = """
from capsule import task

@task(name="main", compute="LOW", ram="64MB")
def main(n: int = 3) -> str:
    return "hello " * int(n)
"""
# The words of a run of the built artifact, the same for the peer, and of a run of its source.
EXEC = ("exec", "--json", "hello.wasm", "2")
RUN = ("run", "--json", "hello.py", "2")
_EDITS = 9
_PEER_EDITS = 2
_STARTS = 25
# How many times as long as `python -c pass` a command takes that a worker does; more, where an
# older pip wrote the start script.
_SERVED = 1.4


_COMMAND = str(Path(sys.executable).with_name("capsule"))
_SECONDS = 20.0
# Variables: one would have every start compile, the other put another tree's modules before those
# that are installed.
NOT_KEPT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")


class NotListeningError(Exception):
    """A worker did not come to listen; its text is what the worker said."""


class Commands:
    """Runs `capsule` in a folder of its own, and its peer in another one."""

    def __init__(
        self, folder: Path, home: Path, peer: Path | None, program: str = _COMMAND
    ) -> None:
        self.folder, self.home, self.program = folder, home, program
        self.task = folder / "hello.py"
        self.task.write_text(HELLO)
        self.peer: Peer | None = None
        if peer is not None:
            (theirs := folder / "theirs").mkdir()
            self.peer = Peer(peer, theirs)
        self._edits = itertools.count()
        kept = {name: value for name, value in os.environ.items() if name not in NOT_KEPT}
        # Nobody's worker, but where a row says so.
        socket = str(folder / "nobody")
        self.environ = {
            **kept,
            "CAPSULE_HOME": str(home),
            "HOME": str(folder),
            "CAPSULE_SOCKET": socket,
        }

    def capsule(self, *words: str, **environ: str) -> str:
        """Run our command and return what it printed."""
        return _run([self.program, *words], self.folder, {**self.environ, **environ})

    def plain(self, *words: str, **environ: str) -> None:
        """Run one of our commands that prints no envelope; it has to succeed."""
        subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env={**self.environ, **environ},
            check=True,
            capture_output=True,
        )

    def build(self) -> None:
        """Build the artifact."""
        self.plain("build", "--export", "--quiet", "hello.py")

    def edit(self, task: Path) -> None:
        """Change a task file, so that what was made of it is out of date."""
        task.write_text(f"{HELLO}# edit {next(self._edits)} of {os.getpid()}\n")


@contextmanager
def commands(home: Path, peer: Path | None, program: str = _COMMAND) -> Iterator[Commands]:
    """Give the commands in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Commands(Path(folder), home, peer, program)


def edits(home: Path, peer: Path | None) -> list[Row]:
    """Measure `capsule run`, after an edit of its task and without."""
    with commands(home, peer) as given:
        return _edits(given)


def execs(home: Path, peer: Path | None) -> list[Row]:
    """Measure `capsule exec`, which no worker helps."""
    with commands(home, peer) as given:
        return [*_first(given), *_later(given)]


def served(home: Path) -> list[Row]:
    """Measure `capsule exec` while a worker listens that it hands over to."""
    what = "exec with a worker listening"
    with commands(home, None) as given:
        try:
            with listening(given) as path:
                taken = by_turns(
                    _STARTS,
                    {
                        "ours": lambda: given.capsule(*EXEC, CAPSULE_SOCKET=path),
                        "python": bare_python,
                    },
                )
        except NotListeningError as error:
            print(f"{what}: the worker does not listen:\n{error}", file=sys.stderr)
            return [Row(what, math.inf, 1.0, bound=_SERVED)]
        return [Row(what, taken["ours"], taken["python"], "python -c pass", _SERVED)]


@contextmanager
def listening(given: Commands) -> Iterator[str]:
    """Build the artifact, and give the socket of a worker that has run it once.

    Raises `NotListeningError`.
    """
    given.build()
    path = str(given.folder / "socket")
    worker = subprocess.Popen(
        [given.program, "worker", "--listen"],
        env={**given.environ, "CAPSULE_SOCKET": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        if not _listens(worker, path):
            worker.kill()
            raise NotListeningError(worker.communicate()[1].decode())
        given.capsule(*EXEC, CAPSULE_SOCKET=path)
        yield path
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.communicate()
            raise SystemExit("SIGTERM does not end the worker") from None


def _listens(worker: subprocess.Popen[bytes], path: str) -> bool:
    """Wait until the worker takes connections; say whether it does."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as tried, suppress(OSError):
            tried.connect(path)
            return True
        with suppress(subprocess.TimeoutExpired):
            worker.wait(0.01)
            return False
    return False


def _edits(commands: Commands) -> list[Row]:
    what = "run after an edit, whole command"

    def again() -> None:
        commands.capsule(*RUN)

    def ours() -> None:
        commands.edit(commands.task)
        again()

    ours()
    mine = by_turns(_EDITS, {"edit": ours, "again": again})
    found = [Row("run, nothing changed, whole command", mine["again"])]
    peer = commands.peer
    if peer is None:
        return [Row(what, mine["edit"], at_most=1.0), *found]

    def theirs() -> None:
        commands.edit(peer.folder / "hello.py")
        _run([peer.program, *RUN], peer.folder, peer.environ)

    built = by_turns(_PEER_EDITS, {"edit": theirs})["edit"]
    return [Row(what, mine["edit"], built, "peer builds", 1 / 15, 1.0), *found]


def _first(commands: Commands) -> list[Row]:
    fresh = commands.home / "cache" / "tasks"
    seconds = []
    for _ in range(_EDITS):
        commands.edit(commands.task)
        commands.build()
        # What the build left would make this a later start.
        shutil.rmtree(fresh)
        seconds.append(by_turns(1, {"first": lambda: commands.capsule(*EXEC)})["first"])
    return [
        Row("exec of a fresh artifact, whole command", sorted(seconds)[_EDITS // 2], at_most=1.0)
    ]


def _later(commands: Commands) -> list[Row]:
    what = "exec, later, whole command"
    ways = {"ours": lambda: commands.capsule(*EXEC), "python": bare_python}
    peer = commands.peer
    if peer is not None:
        peer.build(HELLO)
        ways["peer"] = lambda: _run([peer.program, *EXEC], peer.folder, peer.environ)
        # Its first start compiles the artifact, and keeps that.
        ways["peer"]()
    taken = by_turns(_STARTS, ways)
    found = [Row(what, taken["ours"], taken["python"], "python -c pass")]
    if peer is not None:
        found.append(Row(what, taken["ours"], taken["peer"], "peer's exec", 6.0))
    return found


def _run(argv: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        argv, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode or '"success":true' not in done.stdout.replace(" ", ""):
        raise SystemExit(f"{argv} printed {done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout
