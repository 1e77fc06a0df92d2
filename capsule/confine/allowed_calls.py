"""The system calls that a sandbox process may make: x86_64, with glibc.

Found by tracing the pinned program (`scripts/trace_calls.py`, whose last answer is in
`tests/unit/confine/traced_calls.json`); what was not traced has its reason. Numbers are those of
the kernel's `arch/x86/entry/syscalls/syscall_64.tbl`, flags of its `include/uapi`.

A call that is not here answers EPERM. Where a C library tries a newer call first and then another
one, the newer answers ENOSYS, as that of an older kernel does.
"""

from __future__ import annotations

from capsule.confine.bpf import ALLOW, MISSING, REFUSE, Only, Rules
from capsule.namedtuples import NamedTuple

# The table of Linux 6.18 has these and no others.
KERNEL_CALLS = (*range(335), *range(424, 470))

_CLONE_VM, _CLONE_FS, _CLONE_FILES, _CLONE_SIGHAND = 0x100, 0x200, 0x400, 0x800
_CLONE_VFORK, _CLONE_THREAD, _CLONE_SYSVSEM, _CLONE_SETTLS = 0x4000, 0x10000, 0x40000, 0x80000
_CLONE_PARENT_SETTID, _CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x100000, 0x200000, 0x1000000
_SIGCHLD = 17
_A_THREAD = (
    (_CLONE_VM | _CLONE_FS | _CLONE_FILES | _CLONE_SIGHAND | _CLONE_THREAD | _CLONE_SYSVSEM)
    | (_CLONE_SETTLS | _CLONE_PARENT_SETTID | _CLONE_CHILD_CLEARTID)
)  # fmt: skip
_A_START = _CLONE_VM | _CLONE_VFORK | _SIGCHLD
_AN_OLD_START = _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | _SIGCHLD

_F_GETFD, _F_SETFD, _F_GETFL, _F_DUPFD_CLOEXEC = 1, 2, 3, 1030
_TCGETS, _TCGETS2 = 0x5401, 0x802C542A
_MADV_DONTNEED, _MADV_GUARD_INSTALL, _MADV_GUARD_REMOVE = 4, 102, 103
_PR_SET_NAME, _ARCH_SET_FS = 15, 0x1002
_AF_UNIX, _SOCK_STREAM, _SOCK_KIND = 1, 1, 0xF


class Call(NamedTuple):
    """A call: its number, why it is here where no trace shows it, and with which arguments."""

    number: int
    reason: str = ""
    only: tuple[Only, ...] = ()


_STARTS = "the thread that starts the program stands behind the filter too: posix_spawn"
_VDSO = "a clock that the kernel does not show to programs is asked for by a call"
_OLDER = "glibc before 2.33 asks for the status of a file so"

ALLOWED: dict[str, Call] = {
    # Starting: the thread of ours, the loader, the C library, threads.
    "execve": Call(59),
    "access": Call(21),
    "arch_prctl": Call(158, only=(Only(0, (_ARCH_SET_FS,)),)),
    "brk": Call(12),
    # As clone3 is not there, glibc makes threads and starts programs by this one: the flags of its
    # threads, of its posix_spawn, and of that before 2.24.
    "clone": Call(56, only=(Only(0, (_A_THREAD, _A_START, _AN_OLD_START)),)),
    "close_range": Call(436, f"{_STARTS} closes what nobody meant to hand on"),
    "dup2": Call(33, f"{_STARTS} puts the pipes in their places"),
    "setpgid": Call(109, f"{_STARTS} makes its group", (Only(0, (0,)), Only(1, (0,)))),
    "wait4": Call(61, f"{_STARTS} reaps what could not be started"),
    "gettid": Call(186),
    "getpid": Call(39, "glibc before 2.25 and Rust ask it to tell a child from its parent"),
    "uname": Call(63, "the loader of glibc before 2.26 asks how old the kernel is"),
    "prctl": Call(157, only=(Only(0, (_PR_SET_NAME,)),)),
    # Those of the process itself, and only to be read.
    "prlimit64": Call(302, only=(Only(0, (0,)), Only(2, (0,)), Only(2, (0,), high=True))),
    "getrlimit": Call(97, "glibc before 2.23 reads the size of the stack so"),
    "rseq": Call(334),
    "set_robust_list": Call(273),
    "set_tid_address": Call(218),
    "sched_getaffinity": Call(204),
    "sched_yield": Call(24, "Rust's locks and queues yield when they are contended"),
    "exit": Call(60),
    "exit_group": Call(231),
    # Memory.
    "mmap": Call(9),
    "mprotect": Call(10),
    "mremap": Call(25),
    "munmap": Call(11),
    # What a thread of glibc does with its stack; the guards are those of 2.42.
    "madvise": Call(28, only=(Only(2, (_MADV_DONTNEED, _MADV_GUARD_INSTALL, _MADV_GUARD_REMOVE)),)),
    # Waiting, signals that the process sends to itself by a trap, time, random numbers.
    "futex": Call(202),
    "rt_sigaction": Call(13),
    "rt_sigprocmask": Call(14),
    "rt_sigreturn": Call(15),
    "restart_syscall": Call(219, "the kernel has a wait go on so after a stop"),
    "sigaltstack": Call(131),
    "epoll_create1": Call(291),
    "epoll_ctl": Call(233),
    "epoll_wait": Call(232),
    "eventfd2": Call(290),
    "poll": Call(7),
    "socketpair": Call(53, only=(Only(0, (_AF_UNIX,)), Only(1, (_SOCK_STREAM,), mask=_SOCK_KIND))),
    "clock_getres": Call(229),
    "clock_nanosleep": Call(230),
    "nanosleep": Call(35, "glibc before 2.31 sleeps so"),
    "clock_gettime": Call(228, _VDSO),
    "gettimeofday": Call(96, _VDSO),
    "time": Call(201, _VDSO),
    "getrandom": Call(318),
    # Files that are open.
    "read": Call(0),
    "write": Call(1),
    "readv": Call(19, "Rust reads into several buffers so"),
    "writev": Call(20, "the loader and Rust write a message of several parts so"),
    "pread64": Call(17),
    "pwrite64": Call(18),
    "pwritev2": Call(328),
    "lseek": Call(8),
    "close": Call(3),
    # The last two are what posix_spawn does with a pipe that is in its place already.
    "fcntl": Call(72, only=(Only(1, (_F_GETFL, _F_DUPFD_CLOEXEC, _F_GETFD, _F_SETFD)),)),
    # Whether a stream is a terminal; the second is how glibc 2.42 asks.
    "ioctl": Call(16, only=(Only(1, (_TCGETS, _TCGETS2)),)),
    "fadvise64": Call(221),
    "fdatasync": Call(75),
    "fsync": Call(74),
    "ftruncate": Call(77),
    "getdents64": Call(217),
    # Names of files, where Landlock lets them be reached.
    "open": Call(2, "the loader of glibc before 2.26 opens libraries so"),
    "openat": Call(257),
    "openat2": Call(437),
    "stat": Call(4, _OLDER),
    "fstat": Call(5, _OLDER),
    "lstat": Call(6, _OLDER),
    "newfstatat": Call(262),
    "statx": Call(332),
    "readlinkat": Call(267),
    "mkdirat": Call(258),
    "linkat": Call(265),
    "renameat": Call(264),
    "unlinkat": Call(263),
}

# Newer calls that a C library tries first: another answer than this would be taken for the last.
ABSENT: dict[str, int] = {
    "clone3": 435,
    "faccessat2": 439,
    "epoll_pwait2": 441,
    "futex_waitv": 449,
    "futex_wake": 454,
    "futex_wait": 455,
    "futex_requeue": 456,
}


def rules() -> Rules:
    """Return the rules that the filter is made of."""
    numbers = {call.number: call.only or ALLOW for call in ALLOWED.values()}
    numbers.update(dict.fromkeys(ABSENT.values(), MISSING))
    # What the kernel does not have today may be there tomorrow.
    return Rules(numbers, ((0, REFUSE), (335, MISSING), (424, REFUSE), (470, MISSING)))
