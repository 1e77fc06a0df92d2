"""Closing system calls that a sandbox has no use for and that Landlock does not see.

A thread gives them up for itself and what it starts, as with Landlock. What is closed answers
EPERM. Numbers and layouts are those of the kernel's `include/uapi/linux/{seccomp,filter,audit}.h`
and of its tables of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from capsule.named import NamedTuple

_NO_NEW_PRIVILEGES, _GET_SECCOMP, _SET_SECCOMP = 38, 21, 22
_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Instructions of classic BPF: load a word, compare and jump, answer.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
# System calls of the x32 ABI have this bit; they are the same calls under other numbers.
_X32 = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


class Machine(NamedTuple):
    """How a processor's system calls are known: its audit number, and which column is its own."""

    architecture: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}

# By what they would change or reach: numbers on x86_64 and on aarch64, None where there is none.
CLOSED: dict[str, tuple[int | None, int | None]] = {
    # Times, modes, owners and attributes of files: also of those that are only read.
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # Every kind of network.
    "socket": (41, 198),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "kill": (62, 129),
    "tkill": (200, 130),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    # The system itself, and ways around this list.
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "swapon": (167, 224),
    "swapoff": (168, 225),
}


def available() -> bool:
    """Say whether the kernel filters system calls, and those of this processor are known."""
    return platform.machine() in MACHINES and _libc.prctl(_GET_SECCOMP, 0, 0, 0, 0) >= 0


def program(machine: Machine) -> bytes:
    """Return the filter for a kind of processor, as the kernel reads it."""
    numbers = [row[machine.column] for row in CLOSED.values()]
    closed = [number for number in numbers if number is not None]
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, machine.architecture),
        (_ANSWER, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, len(closed) + 1, 0, _X32),
    ]
    # Each comparison jumps to the refusal behind the last of them.
    code += [(_IF_EQUAL, len(closed) - place, 0, number) for place, number in enumerate(closed)]
    code += [(_ANSWER, 0, 0, _ALLOW), (_ANSWER, 0, 0, _ERRNO | errno.EPERM)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def filter_this_thread() -> None:
    """Close the calls for this thread and all that it will start, for good.

    Raises `OSError` when the kernel refuses; the thread must then start nothing.
    """
    code = program(MACHINES[platform.machine()])
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
