"""Run by the peer's own Python: make one call for each line of stdin, and say how long it took.

The calls of one program go through one worker, which the first of them starts.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


async def main(run: Any, artifact: str) -> None:
    """Answer each line with one line of JSON, until stdin ends."""
    loop = asyncio.get_running_loop()
    while argument := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        begin = time.perf_counter()
        envelope = await run(file=artifact, args=[argument], cwd=str(Path.cwd()))
        seconds = time.perf_counter() - begin
        print(json.dumps({"success": envelope["success"], "seconds": seconds}), flush=True)
    # Not an import statement: to a type checker, `capsule` is ours.
    await importlib.import_module("capsule.worker").close_all()


if __name__ == "__main__":
    asyncio.run(main(importlib.import_module("capsule").run, sys.argv[1]))
