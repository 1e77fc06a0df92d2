"""The process that reads a source which may be costly to parse; `parser_process` starts it."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress

from capsule.bundle.imports import imports_of
from capsule.errors import CapsuleError
from capsule.policy.declaration_types import encode
from capsule.policy.task_declarations import read_source
from capsule.runner.literal_codec import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Stands for the name of the file, which whoever asked puts into messages.
NAME = "__source_of_capsule__"


def main() -> None:
    """Read a source on stdin and write what it imports and declares to stdout, as JSON.

    The words of the command line are the bounds: bytes of memory, and seconds of the processor.
    """
    memory, seconds = map(int, sys.argv[-2:])
    _limit(memory, seconds)
    source = sys.stdin.buffer.read()
    answer = {
        "imports": _told(lambda: imports_of(source, NAME)),
        "declared": _told(lambda: pack(encode(read_source(source, NAME)))),
        "seconds": time.process_time(),
    }
    sys.stdout.buffer.write(json.dumps(answer).encode())


def _limit(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows, where the deadline alone holds
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        # Some systems know no bound on memory, and the caller's own may be lower.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _told(read: Callable[[], object]) -> dict[str, Any]:
    try:
        return {"found": read()}
    except CapsuleError as wrong:
        return {"code": wrong.code, "message": wrong.message, "hint": wrong.hint}
