"""One request: read it, run the task, answer."""

from __future__ import annotations

import importlib
import json
import os
import random

from capsule.shared.frames import FAILURE
from capsule_guest import failures, loader, loop, results, science, streams
from capsule_guest.channel import receive, send

# Memory that is let go when the task has used up all of it, so that the answer can be made.
_RESERVE = [bytearray(256 << 10)]


def prepare(*, asyncio: bool) -> None:
    """What happens once, before the snapshot is taken; `asyncio` is whether to load it already."""
    streams.install()
    science.refuse()
    loop.adapt_on_import()
    if asyncio:
        importlib.import_module("asyncio")


def serve() -> None:
    """Answer one request; nothing the task does makes this raise."""
    request = json.loads(receive()[1])
    _resume(request)
    try:
        try:
            kind, answer = results.encode(_run(request))
        finally:
            streams.flush()
    except BaseException as error:
        _RESERVE.clear()
        kind, answer = FAILURE, failures.encode(error)
    send(kind, answer)


def _resume(request: dict) -> None:
    """Thaw what a snapshot froze: randomness and the environment."""
    random.seed()
    os.environ.clear()
    os.environ.update(request["env"])


def _run(request: dict) -> object:
    content = memoryview(receive()[1])
    files, at = {}, 0
    for path, size in request["files"]:
        files[path] = bytes(content[at : at + size])
        at += size
    loader.install(files)
    if request["module"] is None:
        return None
    function = getattr(importlib.import_module(request["module"]), request["function"])
    try:
        value = function(*request["args"], **request["kwargs"])
        if hasattr(value, "__await__"):
            value = loop.run(value)
    except SystemExit as error:
        if failures.note_exit(error):
            return None
        raise
    return value
