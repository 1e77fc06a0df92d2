"""One request: read it, run the task, answer."""

from __future__ import annotations

import importlib
import json
import os
import random
import sys

from capsule.shared.frames import FAILURE, READY, RESULT, WARM
from capsule_guest import (
    asyncio_loop,
    deferred_modules,
    descriptors,
    exception_encoding,
    loader,
    matplotlib_setup,
    missing_natives,
    net,
    process_refusals,
    results,
    snapshot_prepare,
    streams,
    tasks,
    thread_setup,
    utime_stub,
)
from capsule_guest.channel import receive, send

# Memory that is let go when the task has used up all of it, so that the answer can be made.
_RESERVE = [bytearray(256 << 10)]

# A request that asks for nothing.
_NOTHING = b'{"args": [1, 2.5, "text", null, true], "kwargs": {"key": [{}]}}'


def prepare(*, core: bool, asyncio: bool, folder: str) -> None:
    """What happens once, before the snapshot is taken.

    `core` is which interpreter this is, `asyncio` whether to load that module already, `folder`
    where this runtime is.
    """
    deferred_modules.install(folder)
    streams.install()
    descriptors.install()
    utime_stub.install()
    if core:
        missing_natives.refuse()
    else:
        matplotlib_setup.adapt_on_import()
    net.install()
    thread_setup.adapt_on_import()
    process_refusals.install()
    asyncio_loop.adapt_on_import()
    if asyncio:
        importlib.import_module("asyncio")
    send(RESULT, b"null")


def freeze() -> None:
    """Import a task's modules, say what of that cannot be frozen, and be ready for a snapshot."""
    request = _decode(receive()[1])
    try:
        _install(request)
        kind, answer = RESULT, snapshot_prepare.freeze(request["module"])
    except BaseException as error:
        _RESERVE.clear()
        kind, answer = FAILURE, exception_encoding.encode(error)
    send(kind, answer)


def serve() -> None:
    """Answer one request; nothing the task does makes this raise."""
    kind, content = receive()
    if kind == WARM:
        _warm_up()
        kind, content = receive()
    request = _decode(content)
    try:
        snapshot_prepare.resume()
        kind, answer = results.encode(_run(request))
    except BaseException as error:
        # First of all: whatever is done where no memory is left can end the interpreter.
        _RESERVE.clear()
        kind, answer = FAILURE, exception_encoding.encode(error)
    streams.flush()
    send(kind, answer)


_parse = json.JSONDecoder().raw_decode


def _decode(content: bytes) -> dict:
    """Read a request. `json.loads` would look for the encoding and for white space first."""
    request: dict = _parse(content.decode())[0]
    return request


def _warm_up() -> None:
    """Go through the motions of a request: what is used first is slow, memory and code alike."""
    request = _decode(_NOTHING)
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
    if "packages" in request:
        loader.add_packages(request["packages"])
    loader.install(files)


def _run(request: dict) -> object:
    name, env = request.get("module"), request.get("env")
    if "files" in request:
        _install(request)
    args, kwargs = request.get("args", ()), request.get("kwargs", {})
    if "passed" in request:
        # At once, as the import may ask the host for something, and wait for an answer.
        args, kwargs = _parse(receive()[1].decode())[0]
    if name is None:
        return None
    if env and "early_env" in request:
        os.environ.update(env)
    module = sys.modules.get(name) or importlib.import_module(name)
    if env:
        os.environ.update(env)
    function = getattr(module, request["function"])
    tasks.enter(request["task"])
    try:
        value = function(*args, **kwargs)
        if hasattr(value, "__await__"):
            value = asyncio_loop.run(value)
        thread_setup.finish()
    except SystemExit as error:
        if exception_encoding.note_exit(error):
            return None
        raise
    return value
