"""One request: read it, run the task, answer."""

from __future__ import annotations

import importlib
import json
import os
import random

from capsule.shared.frames import FAILURE, READY, RESULT, WARM
from capsule_guest import (
    failures,
    figures,
    freezing,
    loader,
    loop,
    net,
    results,
    science,
    streams,
    tasks,
    times,
)
from capsule_guest.channel import receive, send

# Memory that is let go when the task has used up all of it, so that the answer can be made.
_RESERVE = [bytearray(256 << 10)]

# A request that asks for nothing.
_NOTHING = b"""{"module": null, "files": [], "packages": null, "function": null, "task": "",
"args": [1, 2.5, "text", null, true], "kwargs": {"key": [{}]}, "env": {}, "early_env": false}"""


def prepare(*, core: bool, asyncio: bool) -> None:
    """What happens once, before the snapshot is taken.

    `core` is which interpreter this is, `asyncio` whether to load that module already.
    """
    streams.install()
    times.install()
    if core:
        science.refuse()
    else:
        figures.adapt_on_import()
    net.install()
    loop.adapt_on_import()
    if asyncio:
        importlib.import_module("asyncio")
    send(RESULT, b"null")


def freeze() -> None:
    """Import a task's modules, say what of that cannot be frozen, and be ready for a snapshot."""
    request = json.loads(receive()[1])
    try:
        _install(request)
        kind, answer = RESULT, freezing.freeze(request["module"])
    except BaseException as error:
        _RESERVE.clear()
        kind, answer = FAILURE, failures.encode(error)
    send(kind, answer)


def serve() -> None:
    """Answer one request; nothing the task does makes this raise."""
    kind, content = receive()
    if kind == WARM:
        _warm_up()
        kind, content = receive()
    request = json.loads(content)
    try:
        try:
            freezing.resume()
            kind, answer = results.encode(_run(request))
        finally:
            streams.flush()
    except BaseException as error:
        _RESERVE.clear()
        kind, answer = FAILURE, failures.encode(error)
    send(kind, answer)


def _warm_up() -> None:
    """Go through the motions of a request: what is used first is slow, memory and code alike."""
    request = json.loads(_NOTHING)
    random.seed()
    os.environ.clear()
    results.encode(_run(request))
    results.encode("")
    streams.flush()
    send(READY, b"")


def _install(request: dict) -> None:
    content = memoryview(receive()[1])
    files, at = {}, 0
    for path, size in request["files"]:
        files[path] = bytes(content[at : at + size])
        at += size
    if request["packages"]:
        loader.add_packages(request["packages"])
    loader.install(files)


def _run(request: dict) -> object:
    if request["files"]:
        _install(request)
    if request["module"] is None:
        return None
    if request["early_env"]:
        os.environ.update(request["env"])
    module = importlib.import_module(request["module"])
    os.environ.update(request["env"])
    function = getattr(module, request["function"])
    tasks.enter(request["task"])
    try:
        value = function(*request["args"], **request["kwargs"])
        if hasattr(value, "__await__"):
            value = loop.run(value)
    except SystemExit as error:
        if failures.note_exit(error):
            return None
        raise
    return value
