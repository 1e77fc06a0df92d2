"""The two sides of a comparison: this tree, and an older revision of it.

Each is installed in the same way, into a virtual environment of its own, and has a home of its own
that it prepares itself. Of the older one nothing is used but its command and what `capsule` offers
to programs: its modules may have other names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from argparse import ArgumentTypeError
from pathlib import Path
from typing import NamedTuple

from scripts.bench.commands import NOT_KEPT

ROOT = Path(__file__).resolve().parents[2]
_GIT = shutil.which("git") or "git"


class Side(NamedTuple):
    """One side: its name in the table, and the folder of its environment and its home."""

    name: str
    folder: Path

    @property
    def program(self) -> str:
        """Return its command, as pip wrote it."""
        return str(self.folder / "venv" / "bin" / "capsule")

    @property
    def python(self) -> str:
        """Return its interpreter."""
        return str(self.folder / "venv" / "bin" / "python")

    @property
    def home(self) -> Path:
        """Return the folder with its state."""
        return self.folder / "home"

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables that its programs are started with."""
        kept = {name: value for name, value in os.environ.items() if name not in NOT_KEPT}
        return {**kept, "CAPSULE_HOME": str(self.home)}


def commit(named: str, tree: Path = ROOT) -> str:
    """Return the full hash of a revision, for `argparse`."""
    asked = [_GIT, "rev-parse", "--verify", "--end-of-options", f"{named}^{{commit}}"]
    done = subprocess.run(asked, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise ArgumentTypeError(f"{named!r} is no revision of this repository (git: {said})")
    return done.stdout.strip()


def present(kept: Path) -> Side:
    """Install this tree as it is now, and have it prepare its home."""
    side = Side("present", kept / "present")
    _install(side, ROOT)
    _prepare(side)
    return side


def older(kept: Path, revision: str) -> Side:
    """Install a revision, unless an earlier run did, and have it prepare its home."""
    side = Side(revision[:7], kept / revision)
    done = side.folder / "installed"
    if not done.exists():
        with tempfile.TemporaryDirectory() as folder:
            packed, tree = Path(folder, "tree.tar"), Path(folder, "tree")
            archive = [_GIT, "archive", "--format=tar", f"--output={packed}", revision]
            subprocess.run(archive, cwd=ROOT, check=True)
            with tarfile.open(packed) as opened:
                opened.extractall(tree, filter="data")
            _install(side, tree)
        done.touch()
    _prepare(side)
    return side


def differing(one: str, other: str) -> list[str]:
    """Return the libraries that two outputs of `pip freeze` do not have alike.

    >>> differing("anyio==4.9\\ntyper==0.16", "anyio==4.9\\ntyper==0.17")
    ['typer==0.16', 'typer==0.17']
    """
    return sorted(set(one.split("\n")) ^ set(other.split("\n")))


def libraries(side: Side) -> str:
    """Return what `pip freeze` says of a side, without what is compared."""
    asked = [side.python, "-m", "pip", "freeze", "--exclude", "capsule-run"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _install(side: Side, tree: Path) -> None:
    venv = side.folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    # An older one writes start scripts that import `re` before anything of ours: 5 ms.
    subprocess.run([side.python, "-m", "pip", "install", "-q", "--upgrade", "pip"], check=True)
    # Not editable: its files are those of this moment, compiled, and found in the same way.
    subprocess.run([side.python, "-m", "pip", "install", "-q", str(tree)], check=True)


def _prepare(side: Side) -> None:
    """Leave nothing in the home but a toolchain, so that no side carries more than the other."""
    side.home.mkdir(exist_ok=True)
    for entry in side.home.iterdir():
        if entry.name == "toolchain":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    asked = [side.program, "toolchain", "install"]
    subprocess.run(asked, env=side.environ, stdout=subprocess.DEVNULL, check=True)
