"""`capsule mcp`: how long until its tools are listed, and until the first call answers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any

from scripts.bench.timing import Row

if TYPE_CHECKING:
    from pathlib import Path

_TIMES = 9
_CALL = {"name": "run_python", "arguments": {"code": "6 * 7"}}


def rows(home: Path) -> list[Row]:
    """Measure by turns: the SDK's import, a server with an empty home, one with a toolchain."""
    imported, listed, called = list[float](), list[float](), list[float]()
    # What is compiled and cached is so before.
    _server(home, call=True)
    for _ in range(_TIMES):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import mcp"], check=True)
        imported.append(time.perf_counter() - begin)
        with tempfile.TemporaryDirectory(prefix="capsule-bench-") as empty:
            listed.append(_server(empty, call=False)[0])
        called.append(_server(home, call=True)[1])
    until, alone, first = map(statistics.median, (listed, imported, called))
    return [
        Row("mcp: tools listed, on an empty machine", until, alone, "import mcp", 1.5),
        Row("mcp: first call, from then on", first, at_most=0.3),
    ]


def _server(home: Path | str, *, call: bool) -> tuple[float, float]:
    """Return the seconds until the tools are listed, and from then on until a call answers."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "capsule", "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "CAPSULE_HOME": str(home)},
    )
    with process:
        client = {"name": "bench", "version": "1"}
        _ask(
            process,
            "initialize",
            {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client},
        )
        _tell(process, {"method": "notifications/initialized"})
        _ask(process, "tools/list", {})
        listed = time.perf_counter()
        if call and _ask(process, "tools/call", _CALL)["structuredContent"]["result"] != 42:
            raise RuntimeError("the call gave something else")
        answered = time.perf_counter()
        process.kill()
    return listed - begin, answered - listed


def _ask(process: subprocess.Popen[bytes], method: str, params: dict[str, Any]) -> Any:
    _tell(process, {"id": 1, "method": method, "params": params})
    return json.loads(_pipe(process.stdout).readline())["result"]


def _tell(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    pipe = _pipe(process.stdin)
    pipe.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    pipe.flush()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("a server without its pipes")
    return pipe
