"""Another Python that does something for each line that it is asked, and says how long it took."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


class Calls:
    """A Python of somebody else's that makes one call for each line asked; `with` it."""

    def __init__(self, process: subprocess.Popen[str], whose: str) -> None:
        self._process, self._whose = process, whose

    def once(self) -> float:
        """Make one call, and return the seconds that it took there, of which this pipe is none."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ValueError("it was started without pipes")
        stdin.write("2\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SystemExit(f"the Python of {self._whose} ended")
        said = json.loads(line)
        if not said["success"]:
            raise SystemExit(f"a task of {self._whose} failed: {line}")
        return float(said["seconds"])

    def __enter__(self) -> Calls:
        return self

    def __exit__(self, *exc: object) -> None:
        # The end of its stdin ends it, and what it has started.
        self._process.communicate(timeout=20)
