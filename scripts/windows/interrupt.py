"""Ctrl-C from outside: wine makes a Windows event of a signal to the process behind a program.

No test inside can do that: without a display, wine gives no console by which one program could send
an event to another.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scripts.windows.wine import Wine

_ENDLESS = "import time; print('up', flush=True); time.sleep(1e9)"
_SECONDS = 60
_INTERRUPTED = 130


def trouble(wine: Wine, python: str, environ: Mapping[str, str], folder: Path) -> str | None:
    """Interrupt a run, and return what was wrong with how it ended, if anything was."""
    words = (python, "-m", "capsule", "run", "-c", _ENDLESS)
    with wine.started(words, environ, folder) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        if (first := process.stdout.readline().strip()) != b"up":
            process.kill()
            return f"it said {first!r} first"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=_SECONDS)
    if process.returncode != _INTERRUPTED:
        return f"it ended with {process.returncode}: {said!r}"
    error = json.loads(said.splitlines()[-1])["error"]
    return None if error["error_type"] == "cancelled" else f"it ended by {error}"
