"""WebAssembly is broken, and the program in its place asks the kernel itself: behind each wall alone.

Each attempt is an expression, as in `tests/unit/confine/test_compromised.py`. What could harm the
machine where it is not refused is tried on a pipe, which refuses it in other words.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine import allowed_calls, closed_calls, isolation_layers, seccomp
from tests.unit.confine import test_compromised as compromised
from tests.unit.confine.test_compromised import (
    CHANGES,
    NETWORK,
    PROCESSES,
    PROGRAMS,
    PYTHON,
    READS,
    SCRIPT,
    WRITES,
    Listening,
    home,
    listening,
    ran,
    seen,
)

if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers

__all__ = ["home", "listening"]  # fixtures

STANDING = isolation_layers.standing()
pytestmark = pytest.mark.skipif(
    STANDING.landlock < 4 or not STANDING.seccomp or os.uname().machine != "x86_64",
    reason="this kernel or processor does not give both walls, or its calls were not traced",
)

# Numbers of calls that no list of the package has.
NUMBERS = {
    "accept4": 288,
    "alarm": 37,
    "capset": 126,
    "copy_file_range": 326,
    "execveat": 322,
    "fallocate": 285,
    "file_getattr": 468,
    "file_setattr": 469,
    "flock": 73,
    "fsetxattr": 190,
    "getxattr": 191,
    "io_setup": 206,
    "landlock_create_ruleset": 444,
    "listmount": 458,
    "lsm_set_self_attr": 460,
    "memfd_create": 319,
    "memfd_secret": 447,
    "mlockall": 151,
    "modify_ldt": 154,
    "open_tree_attr": 467,
    "personality": 135,
    "quotactl_fd": 443,
    "renameat2": 316,
    "seccomp": 277,
    "sendfile": 40,
    "sendmsg": 46,
    "set_mempolicy": 238,
    "setfsuid": 122,
    "setgroups": 116,
    "setitimer": 38,
    "setresuid": 117,
    "setrlimit": 160,
    "setuid": 105,
    "splice": 275,
    "statmount": 457,
    "symlinkat": 266,
    "sync": 162,
    "syncfs": 306,
    "timer_create": 222,
    "umask": 95,
    "vhangup": 153,
    "vmsplice": 278,
}
RO = "os.open('ro/file', os.O_RDONLY)"
RW = "os.open('rw/file', os.O_RDWR)"

SIGNALS_BY_A_FILE = [
    "called('fcntl', 0, 8, ABOVE)",  # F_SETOWN
    "called('fcntl', 0, 8, -ABOVE)",
    "called('fcntl', 0, 10, 9)",  # F_SETSIG
    "called('fcntl', 0, 15, SPACE)",  # F_SETOWN_EX
    "called('fcntl', 0, 4, 0o20000)",  # F_SETFL, with O_ASYNC
    "called('fcntl', 3, 4, 0)",  # and without, on what ties it to its host
    f"called('fcntl', {RO}, 1024, 0)",  # F_SETLEASE
    f"called('fcntl', {RW}, 1024, 1)",
    "called('fcntl', os.open('ro', os.O_RDONLY), 1026, 1)",  # F_NOTIFY
    "called('ioctl', 0, 0x5452, ONE)",  # FIOASYNC
    "called('ioctl', 0, 0x8901, ONE)",  # FIOSETOWN
    "called('ioctl', 0, 0x8902, ONE)",  # SIOCSPGRP
    "called('timer_create', 0, SPACE, SPACE)",
    "called('setitimer', 0, SPACE, 0)",
    "called('alarm', 1)",
]
LOCKS_AND_PIPES = [
    f"called('fcntl', {RO}, 6, SPACE)",  # F_SETLK
    f"called('fcntl', {RO}, 37, SPACE)",  # F_OFD_SETLK
    f"called('flock', {RO}, 2)",
    "called('fcntl', 1, 1031, 1 << 20)",  # F_SETPIPE_SZ
    f"called('fcntl', {RO}, 1036, SPACE)",  # F_SET_RW_HINT
    f"called('splice', {RO}, 0, 1, 0, 1, 0)",
    f"called('sendfile', 1, {RO}, 0, 1)",
    f"called('copy_file_range', {RO}, 0, {RW}, 0, 1, 0)",
    "called('vmsplice', 1, SPACE, 0, 0)",
]
ATTRIBUTES = [
    f"called('ioctl', {RO}, 0x40086602, SPACE)",  # FS_IOC_SETFLAGS
    f"called('ioctl', {RO}, 0x401C5820, SPACE)",  # FS_IOC_FSSETXATTR
    f"called('ioctl', {RO}, 0x40087602, SPACE)",  # FS_IOC_SETVERSION
    f"called('ioctl', {RO}, 0x40806685, SPACE)",  # FS_IOC_ENABLE_VERITY
    f"called('ioctl', {RO}, 0x800C6613, SPACE)",  # FS_IOC_SET_ENCRYPTION_POLICY
    f"called('ioctl', {RW}, 0x40049409, {RO})",  # FICLONE
    f"called('ioctl', {RO}, 0xC0189436, SPACE)",  # FIDEDUPERANGE
    "called('ioctl', 0, 0xC0045877, 0)",  # FIFREEZE
    "called('ioctl', 0, 0xC0045878, 0)",  # FITHAW
    "called('ioctl', 0, 0xC0185879, SPACE)",  # FITRIM
    "called('ioctl', 0, 0x5412, ONE)",  # TIOCSTI
    "called('ioctl', 0, 0x540E, 0)",  # TIOCSCTTY
    "called('file_setattr', -100, b'ro/file', SPACE, 24, 0)",
    "called('file_getattr', -100, b'ro/file', SPACE, 24, 0)",
    f"called('fsetxattr', {RO}, b'user.x', b'x', 1, 0)",
    "called('getxattr', b'ro/file', b'user.x', SPACE, 9)",
    f"called('fallocate', {RO}, 3, 0, 1)",
    "called('symlinkat', b'file', -100, b'rw/link')",
    "called('renameat2', -100, b'rw/file', -100, b'rw/other', 4)",
    "called('quotactl_fd', 0, 0, 0, SPACE)",
    "called('umask', 0)",
    "called('sync')",
    "called('syncfs', 0)",
]
SPACES = [
    f"called('clone', {flags | 17:#x}, 0, 0, 0, 0)"
    for flags in (
        *(0x10000000, 0x20000000, 0x40000000, 0x20000, 0x8000000, 0x4000000, 0x2000000, 0x80),
        *(0x8000, 0x2000, 0x1000, 0x800000, 0x80000000, 0),
    )
]
PROGRAMS_BY_NUMBER = [
    "called('execveat', os.open('rw/program', os.O_RDONLY), b'', SPACE, SPACE, 0x1000)",
    "called('execveat', -100, b'rw/program', SPACE, SPACE, 0)",
    "called('memfd_create', b'x', 0)",
    "called('memfd_secret', 0)",
]
POWERS = [
    "called('prlimit64', 0, 7, SPACE, 0)",
    "called('prlimit64', ABOVE, 7, 0, SPACE)",
    "called('setrlimit', 7, SPACE)",
    "os.setpgid(0, os.getpgid(ABOVE))",
    "called('setuid', 0)",
    "called('setresuid', 0, 0, 0)",
    "called('setfsuid', 0)",
    "called('setgroups', 0, SPACE)",
    "called('capset', SPACE, SPACE)",
    "called('prctl', 1, 9)",  # PR_SET_PDEATHSIG
    "called('prctl', 4, 0)",  # PR_SET_DUMPABLE
    "called('prctl', 28, 0)",  # PR_SET_SECUREBITS
    "called('prctl', 36, 1)",  # PR_SET_CHILD_SUBREAPER
    "called('prctl', 0x59616D61, -1)",  # PR_SET_PTRACER
    "called('prctl', 22, 2, SPACE)",  # PR_SET_SECCOMP
    "called('seccomp', 0, 0, 0)",
    "called('landlock_create_ruleset', 0, 0, 1)",
    "called('lsm_set_self_attr', 100, SPACE, 32, 0)",
    "called('personality', 0x40000)",
    "called('arch_prctl', 0x1012, 0)",  # ARCH_SET_CPUID
    "called('modify_ldt', 1, SPACE, 16)",
    "called('madvise', 0, 0, 100)",  # MADV_HWPOISON
    "called('mlockall', 1)",
    "called('set_mempolicy', 0, 0, 0)",
    "called('vhangup')",
    "called('io_setup', 1, SPACE)",
    "called('statmount', SPACE, SPACE, 0, 0)",
    "called('listmount', SPACE, SPACE, 0, 0)",
    "called('open_tree_attr', -100, b'ro', 0, 0, 0)",
    "called('sendmsg', 0, SPACE, 0)",
    "called('accept4', 0, 0, 0, 0)",
]
NEWER = ["called('clone3', SPACE, 64)"]
BY_NUMBER = [
    *(SIGNALS_BY_A_FILE + LOCKS_AND_PIPES + ATTRIBUTES + SPACES + PROGRAMS_BY_NUMBER),
    *(POWERS + NEWER),
]
PREPARED = """
SPACE = ctypes.create_string_buffer(256)
ONE = ctypes.create_string_buffer(b"\\x01", 4)
"""


def kept(home: Path) -> dict[str, tuple[object, ...]]:
    """All that may not change, without the program that tries to."""
    return {path: found for path, found in seen(home).items() if not path.endswith("/in/run")}


def said_of(
    codes: list[str], home: Path, listening: Listening, layers: IsolationLayers
) -> dict[str, str]:
    """Have a Python behind `layers` try each of `codes`, and return what it said of them."""
    numbers = {name: row[0] for name, row in closed_calls.CLOSED.items()} | NUMBERS
    numbers |= {name: call.number for name, call in allowed_calls.ALLOWED.items()}
    numbers |= allowed_calls.ABSENT
    given = (
        *(str(home), os.getpid(), listening.tcp.getsockname()[1], listening.udp.getsockname()[1]),
        *(f"capsule-{home.name}-{os.getpid()}", 0x6361_7073),
    )
    script = SCRIPT.format(given=given, numbers=numbers, codes=codes)
    Path("run").write_text(script.replace("libc =", f"{PREPARED}libc ="))
    said = ran(PYTHON, Path(sys.base_prefix), layers=layers).splitlines()
    assert len(said) == len(codes), said[-3:]
    return dict(zip(codes, said, strict=True))


@pytest.mark.parametrize(
    "layers", [STANDING, STANDING._replace(landlock=0)], ids=["both", "seccomp"]
)
def test_calls_beside_the_list_are_refused(
    home: Path, listening: Listening, layers: IsolationLayers
) -> None:
    before = kept(home), Path("rw/file").read_text(), sorted(os.listdir("rw"))
    outcome = said_of(BY_NUMBER, home, listening, layers)
    others = {code: text for code, text in outcome.items() if text != "refused"}
    assert others == dict.fromkeys(NEWER, "OSError(38, 'clone3')")
    assert (kept(home), Path("rw/file").read_text(), sorted(os.listdir("rw"))) == before


def test_the_filter_alone_refuses_what_is_its_own(home: Path, listening: Listening) -> None:
    before = kept(home)
    codes = CHANGES + NETWORK + PROCESSES
    outcome = said_of(codes, home, listening, STANDING._replace(landlock=0))
    assert {code: text for code, text in outcome.items() if text != "refused"} == {}
    assert kept(home) == before
    assert listening.heard() == []


def test_landlock_alone_refuses_what_is_its_own(home: Path, listening: Listening) -> None:
    before = kept(home)
    codes = READS + WRITES + PROGRAMS
    outcome = said_of(codes, home, listening, STANDING._replace(seccomp=False))
    others = {code: text for code, text in outcome.items() if text != "refused"}
    assert others == compromised.OTHERWISE
    assert compromised.CANARY not in str(outcome)
    assert kept(home) == before


def test_a_python_behind_the_list_can_do_what_it_may(home: Path, listening: Listening) -> None:
    """Or the refusals would say nothing."""
    outcome = said_of(compromised.ALLOWED, home, listening, STANDING)
    assert [text for text in outcome.values() if not text.startswith("done")] == []


def test_the_attempts_are_many() -> None:
    assert len(set(BY_NUMBER)) == len(BY_NUMBER) >= 90
    assert seccomp.is_traced("x86_64", Path("/lib64/ld-linux-x86-64.so.2"))
