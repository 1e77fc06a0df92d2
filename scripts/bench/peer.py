"""The peer: its command, and its own way to call a task again and again from a program."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

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
        return Calls(process)


class Calls:
    """A Python of the peer's that makes one call for each line asked; `with` it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def once(self) -> float:
        """Make one call, and return the seconds that it took there, of which this pipe is none."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ValueError("it was started without pipes")
        stdin.write("2\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SystemExit("the peer's Python ended")
        said = json.loads(line)
        if not said["success"]:
            raise SystemExit(f"the peer's task failed: {line}")
        return float(said["seconds"])

    def __enter__(self) -> Calls:
        return self

    def __exit__(self, *exc: object) -> None:
        # The end of its stdin ends it, and it ends its worker.
        self._process.communicate(timeout=20)
