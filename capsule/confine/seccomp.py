"""Closing system calls that a sandbox has no use for and that Landlock does not see.

A thread gives them up for itself and what it starts, as with Landlock. What is closed answers
EPERM. Numbers and layouts are those of the kernel's `include/uapi/linux/{seccomp,filter,audit}.h`
and of its tables of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from functools import cache

from capsule.namedtuples import NamedTuple

_NO_NEW_PRIVILEGES, _GET_SECCOMP, _SET_SECCOMP = 38, 21, 22
_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Instructions of classic BPF: load a word, mask it, compare and jump, answer.
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _ANSWER = 0x20, 0x54, 0x15, 0x35, 0x06
_Instruction = tuple[int, int, int, int]
_ALLOWED: _Instruction = (_ANSWER, 0, 0, _ALLOW)
_REFUSED: _Instruction = (_ANSWER, 0, 0, _ERRNO | errno.EPERM)
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
# The low halves of two arguments: the kernel reads no more of these numbers.
_FIRST_AT, _SECOND_AT = 16, 24
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
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    # What happens to files elsewhere: names in folders that may not be read.
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    # Memory and queues that processes share by number or by name.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "setsid": (112, 157),
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
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
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
    "kexec_file_load": (320, 294),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "ioperm": (173, None),
    "iopl": (172, None),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "swapon": (167, 224),
    "swapoff": (168, 225),
}

# Closed but for the caller itself, process 0: its limits are read at every start.
LIMITS = (302, 261)
# Closed but for two ends of one local stream, which lead to each other and nowhere else: wasmtime
# has such a pair for signals. A datagram socket of a pair could send to any that has a path.
PAIR = (53, 199)
_LOCAL, _STREAM, _KIND = 1, 1, 0xF


def available() -> bool:
    """Say whether the kernel filters system calls, and those of this processor are known."""
    return os.uname().machine in MACHINES and _libc.prctl(_GET_SECCOMP, 0, 0, 0, 0) >= 0


@cache
def program(machine: Machine) -> bytes:
    """Return the filter for a kind of processor, as the kernel reads it.

    When a process gives up calls, the kernel runs the filter on every number that there is. So the
    numbers are searched and not gone through: that takes a quarter of the time.
    """
    # To where the answers of what is asked first stand, from the instruction's own place.
    asked = 14

    def allow(place: int) -> int:
        return asked - place - 1

    def refuse(place: int) -> int:
        return allow(place) + 1

    code = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, machine.architecture),
        (_ANSWER, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, refuse(4), 0, _X32),
        (_IF_EQUAL, 0, 2, LIMITS[machine.column]),
        (_LOAD, 0, 0, _FIRST_AT),
        (_IF_EQUAL, allow(7), refuse(7), 0),
        (_IF_EQUAL, 0, refuse(8) + 1, PAIR[machine.column]),
        (_LOAD, 0, 0, _FIRST_AT),
        (_IF_EQUAL, 0, refuse(10), _LOCAL),
        (_LOAD, 0, 0, _SECOND_AT),
        (_AND, 0, 0, _KIND),
        (_IF_EQUAL, allow(13), refuse(13), _STREAM),
        _ALLOWED,
        _REFUSED,
    ]
    numbers = {n for row in CLOSED.values() if (n := row[machine.column]) is not None}
    # Where it changes whether a number is closed; the numbers below the first are not.
    edges = sorted({edge for number in numbers for edge in (number, number + 1)})
    changes = [edge for edge in edges if (edge in numbers) != (edge - 1 in numbers)]
    code += _search(changes, closed=False)
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _search(changes: list[int], *, closed: bool) -> list[_Instruction]:
    """Return what answers for a number; `closed` is whether those below the first change are."""
    if not changes:
        return [_REFUSED if closed else _ALLOWED]
    middle = len(changes) // 2
    below = _search(changes[:middle], closed=closed)
    above = _search(changes[middle + 1 :], closed=closed ^ (middle % 2 == 0))
    return [(_IF_AT_LEAST, len(below), 0, changes[middle]), *below, *above]


def filter_this_thread() -> None:
    """Close the calls for this thread and all that it will start, for good.

    Raises `OSError` when the kernel refuses; the thread must then start nothing.
    """
    code = program(MACHINES[os.uname().machine])
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
