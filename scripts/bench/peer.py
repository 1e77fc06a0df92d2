"""The peer: its command, and its own way to call a task again and again from a program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.lines import Calls

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCRIPT = Path(__file__).with_name("peer_calls.py")


class Peer:
    """The peer in a virtual environment, at work in a folder of its own.

    Its package has the name of ours, so its Python is never this one.
    """

    def __init__(self, prefix: Path, folder: Path) -> None:
        self.folder = folder
        path = f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.environ: Mapping[str, str] = {
            **kept,
            "PATH": path,
            "VIRTUAL_ENV": str(prefix),
            "HOME": str(folder),
        }
        self.program, self._python = str(prefix / "bin" / "capsule"), str(prefix / "bin" / "python")

    def build(self, source: str) -> str:
        """Build an artifact of a task, and return its name."""
        (self.folder / "hello.py").write_text(source)
        subprocess.run(
            [self.program, "build", "hello.py", "--export"],
            cwd=self.folder,
            env=self.environ,
            check=True,
            capture_output=True,
        )
        return "hello.wasm"

    def calls(self, artifact: str) -> Calls:
        """Return calls of its `run`, through the worker that it keeps."""
        process = subprocess.Popen(
            [self._python, str(_SCRIPT), artifact],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return Calls(process, "the peer")
