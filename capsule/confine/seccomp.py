"""Refusing system calls that a sandbox has no use for and that Landlock does not see.

A thread gives them up for itself and what it starts, as with Landlock. What is refused answers
with an error and never ends the process. Constants are those of the kernel's
`include/uapi/linux/{prctl,seccomp,audit}.h`.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_NO_NEW_PRIVILEGES, _GET_SECCOMP, _SET_SECCOMP = 38, 21, 22
_FILTER = 2
# How the loader of glibc is called on x86_64, where its calls were traced.
_TRACED = "ld-linux-x86-64.so"

_libc = ctypes.CDLL(None, use_errno=True)


class Machine(NamedTuple):
    """How a processor's system calls are known: its audit number, and which column is its own."""

    architecture: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}


def available() -> bool:
    """Say whether the kernel filters system calls, and those of this processor are known."""
    return os.uname().machine in MACHINES and _libc.prctl(_GET_SECCOMP, 0, 0, 0, 0) >= 0


def is_traced(machine: str, loader: Path | None) -> bool:
    """Say whether it was traced what the pinned program asks for, there and with that C library.

    `loader` is that of the program, which comes with the C library.
    """
    return machine == "x86_64" and loader is not None and loader.name.startswith(_TRACED)


@lru_cache
def program(machine: str, loader: Path | None) -> bytes:
    """Return the filter for what has `loader`: an allow-list where there is one, or refusals."""
    if is_traced(machine, loader):
        from capsule.confine.traced_filter import TRACED

        return TRACED
    from capsule.confine import bpf, closed_calls

    known = MACHINES[machine]
    return bpf.program(known.architecture, closed_calls.rules(known.column))


def filter_this_thread(code: bytes) -> None:
    """Have the kernel ask `code` about each call of this thread and all that it will start.

    Raises `OSError` when the kernel refuses; the thread must then start nothing.
    """
    held = ctypes.create_string_buffer(code, len(code))
    counted = _Program(len(code) // 8, ctypes.addressof(held))
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(counted), 0, 0))


class _Program(ctypes.Structure):
    """The kernel's `sock_fprog`: how many instructions, and where."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def _checked(answer: int) -> None:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")
