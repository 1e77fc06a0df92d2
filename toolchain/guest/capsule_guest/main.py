"""One request: read it, run the task, answer."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys

import _reactor  # type: ignore[import-not-found]

from capsule.shared.frames import FAILURE, READY, RESULT, WARM
from capsule_guest import (
    asyncio_loop,
    calls,
    deferred_modules,
    descriptors,
    exception_encoding,
    file_functions,
    folder_grants,
    host_tools,
    loader,
    locale_setup,
    matplotlib_setup,
    missing_natives,
    net,
    numpy_setup,
    open_files,
    process_refusals,
    program_end,
    results,
    script,
    session_clock,
    session_turn,
    snapshot_prepare,
    streams,
    tasks,
    temporary_files,
    thread_setup,
    time_zone,
)
from capsule_guest.channel import receive, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Memory that is let go when the task has used up all of it, so that the answer can be made.
_RESERVE = [bytearray(256 << 10)]

# After so many times the interpreter's code for something is as fast as it gets.
_OFTEN = 20

# What a task watches by sys.monitoring it watches in all code, and what it does there may raise
# where any Python function begins: so none of these is in the way of ending that.
_forget_tool = sys.monitoring.clear_tool_id  # type: ignore[attr-defined]
_TOOLS = range(6)

# A request that asks for nothing.
_adapted: list[bool] = []
_NOTHING = (
    b'{"module": "capsule_guest.main", "function": "nothing", "task": "nothing", "folders": {}, '
    b'"args": [1, 2.5, "text", null, true], "kwargs": {"key": [{}]}}'
)


def prepare(*, flavour: str, lacking: list[str], asyncio: bool, folder: str) -> None:
    """What happens once, before the snapshot is taken.

    `flavour` is which interpreter this is, `lacking` the packages that it has no native code of,
    `asyncio` whether to load that module already, `folder` where this runtime is.
    """
    deferred_modules.install(folder)
    streams.install()
    descriptors.install()
    file_functions.install()
    os.environ["HOME"] = snapshot_prepare.HOME
    # A module that the task writes can be imported, behind all others.
    sys.path.append("/")
    locale_setup.install()
    time_zone.install()
    if lacking:
        missing_natives.refuse(flavour, frozenset(lacking))
    if flavour != "core":
        _adapt_natives()
    net.install()
    thread_setup.adapt_on_import()
    process_refusals.install()
    temporary_files.adapt_on_import()
    asyncio_loop.adapt_on_import()
    if asyncio:
        importlib.import_module("asyncio")
    # Code that has run before takes less: all that a run begins and ends with has, in each of them.
    for _ in range(_OFTEN):
        _go_through()
        session_turn.rehearse(_awaited)
        open_files.remember()
    _take_turns()
    snapshot_prepare.forget_folders()
    # The collection that ends a program is not to look at the runtime.
    gc.collect()
    gc.freeze()
    send(RESULT, b"null")


def _adapt_natives() -> None:
    """Adapt what needs native code as it is imported, once."""
    if not _adapted:
        _adapted.append(True)
        matplotlib_setup.adapt_on_import()
        numpy_setup.adapt_on_import()


def _take_turns() -> None:
    """Have the interpreter's host name one of three turns, from now on, and not give it in Python.

    What runs a turn takes its source apart by `ast`: that takes half of what a start does, and the
    memory of which it writes is copied. The interpreter holds its function, so that it stays.
    """
    _reactor._turns_of_ours = {b"serve": serve, b"freeze": freeze, b"turn": turn}
    _reactor.turn.__code__ = _turn.__code__


def _turn(source: bytes, environ: object) -> tuple[int, int]:
    """Run a turn, with the globals of the function in whose place it is; say that it is done."""
    _turns_of_ours[source]()  # type: ignore[name-defined]  # noqa: F821
    return 0, 0


def freeze() -> None:
    """Import a task's modules, say what of that cannot be frozen, and be ready for a snapshot."""
    request = _decode(receive()[1])
    try:
        _install(request)
        kind, answer = RESULT, snapshot_prepare.freeze(request["module"])
        missing_natives.check()
        # The import has left memory in a state of its own; after this it is that of any other run.
        for _ in range(_OFTEN):
            _go_through()
        gc.collect(0)
        # What the end of a program looks at is then the same for all tasks.
        gc.freeze()
    except BaseException as error:
        _RESERVE.clear()
        kind, answer = FAILURE, exception_encoding.encode(error)
    send(kind, answer)


def serve() -> None:
    """Answer one request; nothing the task does makes this raise."""
    kind, content = receive()
    if warm := kind == WARM:
        _warm_up()
        kind, content = receive()
    request = _decode(content)
    spent = False
    try:
        if not warm:
            snapshot_prepare.reseed()
        streams.repeat()
        kind, answer = _answer(request)
        missing_natives.check()
    except BaseException as error:
        # First of all: whatever is done where no memory is left can end the interpreter.
        _RESERVE.clear()
        spent = isinstance(error, MemoryError)
        any(map(_forget_tool, _TOOLS))
        kind, answer = FAILURE, exception_encoding.encode(error)
    streams.flush()
    # Before the end, which may take all that is left of the limits: what was produced is kept.
    send(kind, answer)
    calls.refuse()
    del answer, request, content
    if spent or not program_end.is_over():
        program_end.end(collect=not spent)


def turn() -> None:
    """Answer one turn of a session; what it did stays in memory, which the host keeps then."""
    session_turn.rehearse(_awaited)
    request = _decode(receive()[1])
    if request["number"] == 1 or "reseed" in request:
        snapshot_prepare.reseed()
    if request["number"] == 1:
        session_clock.install()
        session_turn.begin()
    if not _RESERVE:
        # A turn before has used up all of the memory.
        _RESERVE.append(bytearray(256 << 10))
    calls.refuse(False)
    missing_natives.begin_turn()
    if there := request.get("interpreter"):
        missing_natives.allow(there["flavour"], frozenset(there["natives"]))
        _adapt_natives()
    try:
        streams.repeat()
        if "folders" in request:
            folder_grants.grant(request["folders"], in_session=True)
        session_clock.go_on()
        open_files.reopen()
        host_tools.offer(request.get("tools", {}))
        host_tools.put_into(sys.modules["__main__"].__dict__)
        session_turn.take_back(request.get("env", {}))
        _set_variables(request.get("env"))
        kind, answer = (
            RESULT,
            session_turn.run(request["number"], request.get("code", ""), _awaited),
        )
        missing_natives.check()
    except BaseException as error:
        _RESERVE.clear()
        any(map(_forget_tool, _TOOLS))
        kind, answer = FAILURE, exception_encoding.encode(error)
    streams.flush()
    open_files.remember()
    snapshot_prepare.forget_folders()
    session_clock.stop()
    send(kind, answer)
    calls.refuse()


def _answer(request: dict) -> tuple[int, bytes]:
    value = _run(request)
    return (RESULT, b"null") if "hollow" in request else results.encode(value)


_parse = json.JSONDecoder().raw_decode


def _decode(content: bytes) -> dict:
    """Read a request. `json.loads` would look for the encoding and for white space first."""
    request: dict = _parse(content.decode())[0]
    return request


def _warm_up() -> None:
    """Touch what a request takes: memory that is used first is slow."""
    _go_through()
    send(READY, b"")


def _go_through() -> None:
    """Go through the motions of a request."""
    request = _decode(_NOTHING)
    snapshot_prepare.reseed()
    _answer(request)
    results.encode("")
    tasks.enter("")
    streams.flush()
    calls.refuse(False)
    program_end.is_over()
    program_end.end(collect=True, rehearsed=True)


def nothing(*_args: object, **_kwargs: object) -> None:
    """Stand for a task: calling it touches what a call does."""


def _install(request: dict) -> None:
    content = memoryview(receive()[1])
    files, at = {}, 0
    for path, size in request["files"]:
        files[path] = bytes(content[at : at + size])
        at += size
    if "packages" in request:
        loader.add_packages(request["packages"], request.get("compiled"))
    loader.install(files, request.get("module"), request.get("shown"))
    sys.argv[:] = [request.get("shown") or f"{request['module']}.py"]


def _run(request: dict) -> object:
    name, env = request.get("module"), request.get("env")
    if "folders" in request:
        folder_grants.grant(request["folders"])
    if "tools" in request:
        host_tools.offer(request["tools"])
    if "files" in request:
        _install(request)
    if "stdin" in request:
        streams.feed(receive()[1])
    args, kwargs = request.get("args", ()), request.get("kwargs", {})
    if "passed" in request:
        # At once, as the import may ask the host for something, and wait for an answer.
        args, kwargs = _parse(receive()[1].decode())[0]
    if name is None:
        return None
    _set_variables(env)
    if "script" in request:
        return _awaited(_run_script(request["script"], [request["program"], *args]))
    module = sys.modules.get(name) or importlib.import_module(name)
    function = getattr(module, request["function"])
    if "hollow" in request:
        return None  # all but the call: so the host knows what that costs
    tasks.enter(request["task"])
    return _awaited(lambda: function(*args, **kwargs))


def _set_variables(env: dict | None) -> None:
    if env:
        os.environ.update(env)
        if "TZ" in env:
            time_zone.tzset()


def _awaited(begin: Callable[[], object]) -> object:
    """Return what `begin` gives, or comes to."""
    try:
        value = begin()
        if hasattr(value, "__await__"):
            value = asyncio_loop.run(value)
        thread_setup.finish()
    except SystemExit as error:
        if exception_encoding.note_exit(error):
            return None
        raise
    return value


def _run_script(path: str, words: list) -> Callable[[], object]:
    source = loader.installed()[script.SOURCE]
    return lambda: script.run(path, source, words)
