"""Starting a program with glibc's or musl's own `posix_spawn`, while other threads go on.

`os.posix_spawn` holds the interpreter's lock until the new program is there, a millisecond for one
of wasmtime's size: no other run of this program could do anything meanwhile. `ctypes` lets go.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SETPGROUP, _SETSIGDEF, _SETSIGMASK = 0x02, 0x04, 0x08
# More than the 336 bytes of attributes, and the 80 of actions, of both C libraries; a set of
# signals has 128.
_ROOM = 1024
_SIGNALS = 128

_libc = ctypes.CDLL(None)


def spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    duplicates: Iterable[tuple[int, int]],
    group: int,
) -> int:
    """Start a program with `duplicates` of descriptors in place of others, and return its pid.

    It is in process group `group`, 0 for one of its own; no signal is blocked, SIGPIPE ends it.

    Raises `OSError` when it cannot be started.
    """
    actions, attributes = (ctypes.create_string_buffer(_ROOM) for _ in range(2))
    signals = ctypes.create_string_buffer(_SIGNALS)
    pid = ctypes.c_int()
    words = _texts(argv)
    values = _texts(f"{name}={value}" for name, value in environment.items())
    _checked(_libc.posix_spawn_file_actions_init(actions))
    try:
        _checked(_libc.posix_spawnattr_init(attributes))
        try:
            for mine, theirs in duplicates:
                _checked(_libc.posix_spawn_file_actions_adddup2(actions, mine, theirs))
            flags = ctypes.c_short(_SETPGROUP | _SETSIGDEF | _SETSIGMASK)
            _checked(_libc.posix_spawnattr_setflags(attributes, flags))
            _checked(_libc.posix_spawnattr_setpgroup(attributes, group))
            _libc.sigemptyset(signals)
            _checked(_libc.posix_spawnattr_setsigmask(attributes, signals))
            _libc.sigaddset(signals, int(signal.SIGPIPE))
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


def _texts(texts: Iterable[str]) -> ctypes.Array[ctypes.c_char_p]:
    encoded = [os.fsencode(text) for text in texts]
    if any(b"\0" in text for text in encoded):
        raise ValueError("a zero byte would end a word of a command line")
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def _checked(code: int, name: str | None = None) -> None:
    if code:
        raise OSError(code, os.strerror(code), name)
