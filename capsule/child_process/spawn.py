"""Starting a program with the C library's own `posix_spawn`, while other threads go on.

`os.posix_spawn` holds the interpreter's lock until the new program is there, a millisecond for one
of wasmtime's size: no other run of this program could do anything meanwhile. `ctypes` lets go. And
it cannot say that nothing else is to be inherited: a library in C, or a server that hands its
sockets on, may have descriptors open that are.

Constants are those of glibc's, musl's and Apple's `spawn.h`. This has never run on macOS.
"""

from __future__ import annotations

import ctypes
import os
import sys

from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_SETPGROUP, _SETSIGDEF, _SETSIGMASK = 0x02, 0x04, 0x08
# Apple's: what no action names is closed.
_CLOEXEC_DEFAULT = 0x4000 if sys.platform == "darwin" else 0
# More than the 336 bytes of attributes, and the 80 of actions, of both C libraries; a set of
# signals has 128.
_ROOM = 1024
_SIGNALS = 128

_FIRST_FREE = 3

_libc = ctypes.CDLL(None)
# glibc's since 2.34: the new process closes all from a number on, before it is the program.
_closefrom = getattr(_libc, "posix_spawn_file_actions_addclosefrom_np", None)


def spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    duplicates: Iterable[tuple[int, int]],
    group: int,
    closed: Iterable[int] = (),
) -> int:
    """Start a program with `duplicates` of descriptors in place of others, and return its pid.

    It is in process group `group`, 0 for one of its own; no signal is blocked, SIGPIPE ends it.
    Called by `alone`, which gives `closed`, it hands on the standard descriptors, `duplicates`, and
    no more.

    Raises `OSError` when it cannot be started.
    """
    pairs = tuple(duplicates)
    above = max([_FIRST_FREE, *(theirs + 1 for _, theirs in pairs)])
    actions, attributes = (ctypes.create_string_buffer(_ROOM) for _ in range(2))
    signals = ctypes.create_string_buffer(_SIGNALS)
    pid = ctypes.c_int()
    words = _texts(argv)
    values = _texts(f"{name}={value}" for name, value in environment.items())
    _checked(_libc.posix_spawn_file_actions_init(actions))
    try:
        _checked(_libc.posix_spawnattr_init(attributes))
        try:
            for mine, theirs in pairs:
                _checked(_libc.posix_spawn_file_actions_adddup2(actions, mine, theirs))
            if _closefrom is not None:
                _checked(_closefrom(actions, above))
            for number in closed:
                if number >= above:
                    _checked(_libc.posix_spawn_file_actions_addclose(actions, number))
            flags = ctypes.c_short(_SETPGROUP | _SETSIGDEF | _SETSIGMASK | _CLOEXEC_DEFAULT)
            _checked(_libc.posix_spawnattr_setflags(attributes, flags))
            _checked(_libc.posix_spawnattr_setpgroup(attributes, group))
            _libc.sigemptyset(signals)
            _checked(_libc.posix_spawnattr_setsigmask(attributes, signals))
            _libc.sigaddset(signals, signal.SIGPIPE)
            _checked(_libc.posix_spawnattr_setsigdefault(attributes, signals))
            _checked(
                _libc.posix_spawn(ctypes.byref(pid), words[0], actions, attributes, words, values),
                argv[0],
            )
        finally:
            _libc.posix_spawnattr_destroy(attributes)
    finally:
        _libc.posix_spawn_file_actions_destroy(actions)
    return pid.value


def alone(duplicates: Iterable[tuple[int, int]], start: Callable[[Iterable[int]], int]) -> int:
    """Call `start`, which calls `spawn`, so that nothing but `duplicates` is inherited.

    It comes around all walls, as these may forbid what it takes. Raises what `start` raises.
    """
    if _CLOEXEC_DEFAULT or _closefrom is not None:
        return start(())
    from capsule.child_process import descriptor_table

    return descriptor_table.with_only({mine for mine, _ in duplicates}, start)


def _texts(texts: Iterable[str]) -> ctypes.Array[ctypes.c_char_p]:
    encoded = [os.fsencode(text) for text in texts]
    if any(b"\0" in text for text in encoded):
        raise ValueError("a zero byte would end a word of a command line")
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def _checked(code: int, name: str | None = None) -> None:
    if code:
        raise OSError(code, os.strerror(code), name)
