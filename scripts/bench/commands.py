"""Whole commands, as a user waits for them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.timing import Row, by_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

HELLO = """
from capsule import task

@task(name="main", compute="LOW", ram="64MB")
def main(n: int = 3) -> str:
    return "hello " * int(n)
"""
_EDITS = 9
_PEER_EDITS = 2
_STARTS = 15


class Commands:
    """Runs `capsule` and its peer in a folder of their own."""

    def __init__(self, folder: Path, home: Path, peer: Path | None) -> None:
        self.folder, self.home, self.peer = folder, home, peer
        self.task = folder / "hello.py"
        self.task.write_text(HELLO)
        self._edits = itertools.count()
        self._environ = {**os.environ, "CAPSULE_HOME": str(home), "HOME": str(folder)}

    def capsule(self, *words: str) -> str:
        """Run our command and return what it printed."""
        return self._run([sys.executable, "-m", "capsule", *words], self._environ)

    def theirs(self, *words: str) -> str:
        """Run the peer's command and return what it printed."""
        if self.peer is None:
            raise SystemExit("there is no peer to run")
        path = f"{self.peer / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environ = {**self._environ, "PATH": path, "VIRTUAL_ENV": str(self.peer)}
        environ.pop("PYTHONPATH", None)
        return self._run([str(self.peer / "bin" / "capsule"), *words], environ)

    def edit(self) -> None:
        """Change the task file, so that what was made of it is out of date."""
        self.task.write_text(f"{HELLO}# edit {next(self._edits)} of {os.getpid()}\n")

    def _run(self, argv: Sequence[str], environ: dict[str, str]) -> str:
        done = subprocess.run(
            argv, cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode or '"success":true' not in done.stdout.replace(" ", ""):
            raise SystemExit(f"{argv} printed {done.stdout[-500:]}{done.stderr[-2000:]}")
        return done.stdout


def rows(home: Path, peer: Path | None) -> list[Row]:
    """Measure whole commands."""
    with tempfile.TemporaryDirectory() as folder:
        commands = Commands(Path(folder), home, peer)
        return [*_edits(commands), *_exec(commands)]


def _edits(commands: Commands) -> list[Row]:
    def ours() -> None:
        commands.edit()
        commands.capsule("run", "--json", "hello.py", "2")

    def again() -> None:
        commands.capsule("run", "--json", "hello.py", "2")

    ours()
    mine = by_turns(_EDITS, {"edit": ours, "again": again})
    found = [Row("run, nothing changed, whole command", mine["again"])]
    if commands.peer is None:
        return [Row("run after an edit, whole command", mine["edit"], at_most=1.0), *found]

    def theirs() -> None:
        commands.edit()
        commands.theirs("run", "--json", "hello.py", "2")

    built = by_turns(_PEER_EDITS, {"edit": theirs})["edit"]
    edited = Row(
        "run after an edit, whole command", mine["edit"], built, "peer builds", 1 / 15, 1.0
    )
    return [edited, *found]


def _exec(commands: Commands) -> list[Row]:
    fresh = commands.home / "cache" / "tasks"
    artifact = "hello.wasm"

    def first() -> None:
        commands.capsule("exec", "--json", artifact, "2")

    seconds = []
    for _ in range(_EDITS):
        commands.edit()
        subprocess.run(
            [sys.executable, "-m", "capsule", "build", "--export", "--quiet", "hello.py"],
            cwd=commands.folder,
            env={**os.environ, "CAPSULE_HOME": str(commands.home)},
            check=True,
            capture_output=True,
        )
        # What the build left would make this a later start.
        shutil.rmtree(fresh)
        seconds.append(by_turns(1, {"first": first})["first"])
    later = by_turns(_STARTS, {"later": first, "python": _bare_python})
    return [
        Row("exec of a fresh artifact, whole command", sorted(seconds)[_EDITS // 2], at_most=1.0),
        Row("exec, later, whole command", later["later"], later["python"], "python -c pass"),
    ]


def _bare_python() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)
