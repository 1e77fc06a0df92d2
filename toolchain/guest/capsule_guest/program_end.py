"""Ending a program as an interpreter ends: exit handlers run, what is open is written and closed.

What a task's modules hold goes as they do. Objects of a snapshot are frozen, and no collection of
garbage sees them, so these modules are emptied by hand; what is open is never of a snapshot.
"""

from __future__ import annotations

import _io
import atexit
import contextlib
import gc
import io
import sys
from importlib.machinery import ModuleSpec
from types import CellType

from capsule_guest import loader, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FUNCTION, _MODULE = type(lambda: None), type(sys)
# What all files are made of, in C: `io.IOBase` is one that can be subclassed by registering, and to
# ask it of every type there is takes 6 M fuel behind a single HTTP request.
_IO_BASE = _io._IOBase


def end(*, collect: bool, rehearsed: bool = False) -> None:
    """Run what was registered for the end, let go of what the task holds, close what stays open.

    Nothing that this calls makes it raise. Where memory is spent, a collection of garbage may end
    the interpreter, and must not be asked for.

    Where it is `rehearsed`, nothing of the task's is touched: code takes more the first time that
    it runs behind an import that was watched, and memory more that is written for the first time.
    """
    if atexit._ncallbacks() and not rehearsed:
        _try(atexit._run_exitfuncs)
        _try(streams.flush)
    if not rehearsed:
        # What a finalizer prints is not for an object of the task's, which may be gone by then.
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    _try(_let_go, rehearsed)
    _try(_flush, rehearsed)
    if collect:
        _try(gc.collect)
    _try(_close, rehearsed)
    _try(streams.flush)


def flush() -> None:
    """Write what open files have not written yet: the program goes on later."""
    for each in _open(_is_open):
        if hasattr(each, "flush") and not getattr(each, "closed", False):
            _try(each.flush)


def is_over() -> bool:
    """Say whether an end would do nothing that anyone sees: then it need not take its time.

    Nothing is registered, and all objects there are, those of a snapshot as those since, are of
    kinds that neither hold anything open nor run code when they go.
    """
    try:
        return not (atexit._ncallbacks() or _lively or _kinds() - _CLOSED)
    except BaseException:  # whatever the type of a type does that is put into a set
        return False


# Whether a snapshot has objects whose end may be seen.
_lively: list[bool] = []


def look() -> None:
    """Look at what is about to be frozen into a snapshot, and will not be seen again."""
    try:
        quiet = all(map(_is_quiet, _kinds() - _CLOSED - _OF_IMPORTS))
    except BaseException:  # as above
        quiet = False
    if not quiet:
        _lively.append(True)


def _is_quiet(kind: type) -> bool:
    """Say whether objects of a type can never have a finalizer, and hold no file."""
    fixed = not kind.__flags__ & _HEAP or kind.__flags__ & _IMMUTABLE
    return bool(fixed) and not hasattr(kind, "close") and _rank(kind) is None


def _kinds() -> set[type]:
    return set(map(type, gc.get_objects()))


def _try(step: Callable[..., object], *args: object) -> None:
    try:
        step(*args)
    except BaseException as error:  # whatever a handler or a finalizer of the task's does
        with contextlib.suppress(BaseException):
            sys.stderr.write(f"Exception ignored while the program ended: {error!r}\n")


def _let_go(rehearsed: bool) -> None:
    """Drop the data that the task's modules hold, the newest module first, then closures."""
    modules = loader.task_modules()
    # Of as many as in every process, or what waiting takes could not be known ahead.
    _empty([dict(_REHEARSED)] if rehearsed else [vars(module) for module in modules])


def _empty(found: list[dict]) -> None:
    """Drop what has a finalizer first, then the rest from the end: a finalizer uses what it finds.

    Outside, a collection of garbage calls all of them before any name is gone.
    """
    later, closures, finalized = [], [], {}
    for names in reversed(found):
        rest: list[str] = []
        held: list[str] = []
        for name in list(names):
            value = names[name]
            kind = type(value)
            if kind in _PLAIN:
                continue
            if kind is _FUNCTION:
                if value.__closure__ and name[:2] != "__":
                    held.append(name)
                continue
            if kind not in finalized:
                finalized[kind] = hasattr(kind, "__del__"), issubclass(kind, _KEPT)
            at_once, kept = finalized[kind]
            if kept or name[:2] == "__":
                continue
            if at_once:
                del value
                names[name] = None
            else:
                rest.append(name)
        value = None
        rest.reverse()
        later.append((names, rest))
        # Functions are what finalizers call, so that those that hold something go last.
        closures.append((names, held))
    for names, some in (*later, *closures):
        for name in some:
            names[name] = None


# What holds nothing, and what is left as it is.
_PLAIN = frozenset([type(None), bool, int, float, complex, str, bytes, type(len)])
_KEPT = (type, _MODULE)
# One of each kind of value that a module may hold.
_REHEARSED = {"data": 1, "function": end, "module": sys, "kind": int, "none": None}


def _flush(rehearsed: bool) -> None:
    """Write text that is kept: of a file in a circle, a collection may close the bytes first."""
    for each in _open(_is_text):
        if not rehearsed and not each.closed:
            _try(each.flush)


def _close(rehearsed: bool) -> None:
    """Close what is still open: what has a trailer to write first, then text, then bytes."""
    found = _open(_is_open)
    if rehearsed:
        return
    for each in sorted(found, key=lambda each: _rank(type(each)) or 0):
        _try(each.close)


def _is_text(kind: type) -> bool:
    return _rank(kind) == _TEXT


def _is_open(kind: type) -> bool:
    return _rank(kind) is not None


def _open(wanted: Callable[[type], bool]) -> list:
    """Return the objects of wanted types; where there are none, that is seen without a loop."""
    kinds = {kind for kind in _kinds() - _CLOSED if wanted(kind)}
    return [each for each in gc.get_objects() if type(each) in kinds] if kinds else []


def _rank(kind: type) -> int | None:
    """Return when an object of this type is closed; None for one that holds no file."""
    if kind.__module__ in ("zipfile", "tarfile", "sqlite3", "shelve") and kind.__name__ in _OWNERS:
        return 0
    if not issubclass(kind, _IO_BASE) or issubclass(kind, (io.BytesIO, io.StringIO)):
        return None
    if kind is io.TextIOWrapper:
        return _TEXT
    return _BYTES if kind in _RAW else _WRAPPER


_WRAPPER, _TEXT, _BYTES = 1, 2, 3
_OWNERS = ("ZipFile", "TarFile", "Connection", "DbfilenameShelf")
_RAW = (io.BufferedWriter, io.BufferedRandom, io.BufferedReader, io.FileIO)
# Types of Python may be given a finalizer later; of those in C, generators and coroutines, which
# alone have a `close` but hold no file, run code of the task's (include/object.h of CPython).
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8
# What an import leaves, under names that the end of a program does not touch.
_OF_IMPORTS = {ModuleSpec, loader.BundleFinder}
# Kinds of what holds no file, and of our own streams, which keep nothing back.
_CLOSED = frozenset(
    [
        *(streams.FrameText, streams.FrameWriter, io.BytesIO, io.StringIO),
        *(dict, list, set, frozenset, tuple, type, _FUNCTION, _MODULE, type(end.__code__)),
        *(type(len), type([].append), type(_FUNCTION.__call__), CellType),
    ]
)
