"""The filter of system calls: as the kernel reads it, and as the kernel applies it."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine import allowed_calls, bpf, closed_calls, seccomp
from capsule.confine.allowed_calls import ABSENT, ALLOWED, KERNEL_CALLS
from scripts import write_filter
from tests.unit.confine.wider_calls import widen

if TYPE_CHECKING:
    from collections.abc import Iterable

PERMITTED, REFUSED, MISSING = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
X86_64, AARCH64 = seccomp.MACHINES["x86_64"], seccomp.MACHINES["aarch64"]
GLIBC, MUSL = Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/ld-musl-x86_64.so.1")
TRACE = json.loads(Path(__file__).with_name("traced_calls.json").read_text())

needs_seccomp = pytest.mark.skipif(
    not seccomp.available(), reason="this kernel or processor has no filter to test"
)


def run(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """Run a filter on one call, as the kernel would."""
    code = list(struct.iter_unpack("<HBBI", program))
    data = struct.pack("<IIQ", number, architecture, 0)
    data += struct.pack("<6Q", *arguments, *[0] * (6 - len(arguments)))
    at = loaded = 0
    while True:
        operation, true, false, value = code[at]
        at += 1
        if operation == 0x20:
            (loaded,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:
            loaded &= value
        elif operation == 0x05:
            at += value
        elif operation == 0x15:
            at += true if loaded == value else false
        elif operation == 0x35:
            at += true if loaded >= value else false
        else:
            assert operation == 0x06
            return int(value)


def answer(machine: seccomp.Machine, architecture: int, number: int, *arguments: int) -> int:
    """What the refusals answer, which stand where nothing was traced."""
    program = bpf.program(machine.architecture, closed_calls.rules(machine.column))
    return run(program, architecture, number, *arguments)


def listed(name: str, *arguments: int) -> int:
    """What the allow-list answers."""
    number = ALLOWED[name].number if name in ALLOWED else ABSENT[name]
    return run(seccomp.program("x86_64", GLIBC), X86_64.architecture, number, *arguments)


@pytest.mark.parametrize("name", closed_calls.CLOSED)
@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_a_closed_call_is_refused(machine: seccomp.Machine, name: str) -> None:
    number = closed_calls.CLOSED[name][machine.column]
    if number is not None:
        assert answer(machine, machine.architecture, number) == REFUSED
    if number is not None and machine == X86_64:
        allowed = run(seccomp.program("x86_64", GLIBC), machine.architecture, number)
        assert allowed == REFUSED


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_other_calls_are_allowed_where_nothing_was_traced(machine: seccomp.Machine) -> None:
    closed = {row[machine.column] for row in closed_calls.CLOSED.values()}
    closed.add(closed_calls.PAIR[machine.column])  # of nothing and of no kind
    for number in range(600):
        expected = REFUSED if number in closed else PERMITTED
        assert answer(machine, machine.architecture, number) == expected


def test_ways_around_the_numbers_are_closed() -> None:
    program = seccomp.program("x86_64", GLIBC)
    for number in (0x40000000 | 1, 0x40000000 | 520, 0xFFFFFFFF):
        assert answer(X86_64, X86_64.architecture, number) == REFUSED
        assert run(program, X86_64.architecture, number) == REFUSED
    # i386 and 32-bit ARM have other numbers; an error, as everywhere, and not the end.
    assert answer(X86_64, 0x40000003, 30) == REFUSED
    assert run(program, 0x40000003, 1) == REFUSED
    assert answer(AARCH64, 0x40000028, 3) == REFUSED


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_limits_are_read_and_set_of_the_caller_alone(machine: seccomp.Machine) -> None:
    number = closed_calls.LIMITS[machine.column]
    assert answer(machine, machine.architecture, number, 0) == PERMITTED
    for process in (1, 4_000_000, (1 << 32) - 1):
        assert answer(machine, machine.architecture, number, process) == REFUSED


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_only_pairs_of_local_streams_are_made(machine: seccomp.Machine) -> None:
    number, flags = closed_calls.PAIR[machine.column], 0o2000000 | 0o4000
    for family in range(45):
        for kind in range(16):
            expected = PERMITTED if (family, kind) == (1, 1) else REFUSED
            for more in (0, flags):
                arguments = family, kind | more
                assert answer(machine, machine.architecture, number, *arguments) == expected
                assert listed("socketpair", *arguments) == expected


def test_every_call_has_a_number_of_its_own() -> None:
    for column in (0, 1):
        rows = closed_calls.CLOSED.values()
        numbers = [row[column] for row in rows if row[column] is not None]
        assert len(set(numbers)) == len(numbers)
    numbers = [*(call.number for call in ALLOWED.values()), *ABSENT.values()]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(KERNEL_CALLS)


def headers() -> Iterable[Path]:
    return Path("/usr/include").glob("**/asm/unistd_64.h")


def test_the_numbers_are_those_of_the_kernel() -> None:
    text = "".join(path.read_text() for path in headers())
    known = {name: int(n) for name, n in re.findall(r"#define __NR_(\w+)\s+(\d+)", text)}
    if platform.machine() != "x86_64" or not known:
        pytest.skip("no headers of this kernel")
    for name, call in ALLOWED.items():
        assert known[name] == call.number
    for name, number in ABSENT.items():
        assert known.get(name, number) == number


def test_what_is_on_the_list_is_allowed_and_nothing_else() -> None:
    program = seccomp.program("x86_64", GLIBC)
    allowed = {call.number for call in ALLOWED.values() if not call.only}
    for number in range(1000):
        if number in allowed:
            expected = PERMITTED
        elif number in ABSENT.values() or number not in KERNEL_CALLS:
            expected = MISSING
        else:
            expected = REFUSED
        if number not in {call.number for call in ALLOWED.values() if call.only}:
            assert run(program, X86_64.architecture, number) == expected, number


def test_how_many_calls_are_allowed_is_said_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    told = f"{len(ALLOWED)} of the {len(KERNEL_CALLS)} system calls"
    assert told in page, told


def test_each_allowed_call_is_in_the_trace_or_has_its_reason() -> None:
    for name, call in ALLOWED.items():
        assert (name in TRACE["used"]) != bool(call.reason), name


def test_each_call_in_the_trace_is_allowed() -> None:
    """The exceptions are answered with an error, and the program goes on."""
    assert set(TRACE["used"]) <= set(ALLOWED)
    assert set(TRACE["refused"]) == {"clone3", "symlinkat", "utimensat"}


def test_each_command_in_the_trace_is_allowed() -> None:
    told = {name: words for name, words in TRACE["told"].items() if name != "clone3"}
    thread = "VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID"
    assert told == {
        "arch_prctl": ["ARCH_SET_FS"],
        "clone": ["|".join(f"CLONE_{flag}" for flag in thread.split())],
        "fcntl": ["F_DUPFD_CLOEXEC", "F_GETFL"],
        "ioctl": ["TCGETS"],
        "madvise": ["MADV_DONTNEED"],
        "prctl": ["PR_SET_NAME"],
        "socketpair": ["SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK"],
    }


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("fcntl", [(9, 3), (9, 1030, 3), (9, 1), (9, 2, 1)], [(9, n) for n in (0, 4, 6, 7, 8)]),
        ("fcntl", [], [(9, n) for n in (10, 15, 38, 1024, 1026, 1031, 1033, 1034, 1036)]),
        ("ioctl", [(0, 0x5401)], [(0, n) for n in (0x5412, 0x5452, 0x8901, 0x5421, 0x541B)]),
        ("ioctl", [], [(9, n) for n in (0x40086602, 0x401C5820, 0xC0045877, 0x40049409)]),
        ("clone", [(0x3D0F00,), (0x4111,), (0x1200011,)], [(17,), (0x3D0F00 | 0x80,)]),
        ("clone", [], [(1 << bit | 17,) for bit in (7, 13, 15, 17, 25, 26, 27, 28, 29, 30, 31)]),
        ("prctl", [(15,)], [(n,) for n in (1, 4, 8, 22, 23, 24, 26, 28, 35, 38, 47, 0x59616D61)]),
        ("arch_prctl", [(0x1002,)], [(n,) for n in (0x1001, 0x1003, 0x1012, 0x1022, 0x3002)]),
        ("prlimit64", [(0, 7, 0)], [(1, 7, 0), (0, 7, 4096), (0, 7, 1 << 32)]),
        ("madvise", [(0, 0, 4), (0, 0, 102)], [(0, 0, n) for n in (9, 12, 21, 25, 100, 101)]),
        ("setpgid", [(0, 0)], [(0, 1), (1, 0), (4000, 4000)]),
        ("clone3", [], []),
    ],
)
def test_arguments_are_looked_at(
    name: str, good: list[tuple[int, ...]], bad: list[tuple[int, ...]]
) -> None:
    for arguments in good:
        assert listed(name, *arguments) == PERMITTED, arguments
    for arguments in bad:
        assert listed(name, *arguments) == REFUSED, arguments
    if name in ABSENT:
        assert listed(name) == MISSING


def test_conditions_of_many_kinds_hold_together() -> None:
    rules = bpf.Rules(
        {
            5: (
                bpf.Only(0, (1, 2, 3)),
                bpf.Only(1, (0x10,), mask=0xF0),
                bpf.Only(2, (7,), high=True),
            )
        },
        ((0, bpf.MISSING),),
    )
    program = bpf.program(1, rules)
    for arguments in [(1, 0x1F, 7 << 32), (3, 0x10, 7 << 32 | 9)]:
        assert run(program, 1, 5, *arguments) == PERMITTED
    for arguments in [(0, 0x10, 7 << 32), (4, 0x10, 7 << 32), (1, 0x20, 7 << 32), (1, 0x10, 7)]:
        assert run(program, 1, 5, *arguments) == REFUSED
    assert run(program, 1, 4) == MISSING


def test_many_calls_are_searched_by_long_jumps() -> None:
    numbers = {number: (bpf.Only(0, (number,)),) for number in range(0, 900, 2)}
    program = bpf.program(1, bpf.Rules(numbers, ((0, bpf.REFUSE),)))
    assert len(program) // 8 < 4096  # the kernel takes no more
    for number in range(900):
        expected = REFUSED if number % 2 else PERMITTED
        assert run(program, 1, number, number) == expected


def test_the_list_is_for_what_was_traced() -> None:
    assert seccomp.is_traced("x86_64", GLIBC)
    for machine, loader in (
        ("x86_64", MUSL),
        ("x86_64", None),
        ("aarch64", Path("/lib/ld-linux-aarch64.so.1")),
    ):
        assert not seccomp.is_traced(machine, loader)
        machine_of = seccomp.MACHINES[machine]
        closed = bpf.program(machine_of.architecture, closed_calls.rules(machine_of.column))
        assert seccomp.program(machine, loader) == closed


ATTEMPTS = """
import os, socket, sys
def attempt(name, call):
    try:
        call()
    except PermissionError:
        print(name, "refused")
    else:
        print(name, "done")
path = sys.argv[1]
attempt("utime", lambda: os.utime(path, (0, 0)))
attempt("chmod", lambda: os.chmod(path, 0o777))
attempt("chown", lambda: os.chown(path, os.getuid(), os.getgid()))
attempt("setxattr", lambda: os.setxattr(path, "user.x", b"x"))
attempt("mknod", lambda: os.mknod(path + ".fifo", 0o010600))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("tcp", lambda: socket.socket())
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("kill", lambda: os.kill(os.getppid(), 0))
attempt("pidfd", lambda: os.pidfd_open(os.getppid()))
print(open(path).read())
"""


@needs_seccomp
@pytest.mark.parametrize("loader", [GLIBC, MUSL])
def test_what_the_kernel_refuses(
    tmp_path: Path, loader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widen(monkeypatch)
    code = seccomp.program(os.uname().machine, loader)
    path = tmp_path / "file"
    path.write_text("still readable")
    before = path.stat()
    done: list[subprocess.CompletedProcess[str]] = []

    def restricted() -> None:
        seccomp.filter_this_thread(code)
        done.append(
            subprocess.run(
                [sys.executable, "-ISc", ATTEMPTS, str(path)],
                capture_output=True,
                text=True,
                check=False,
                timeout=20,
            )
        )

    thread = threading.Thread(target=restricted)
    thread.start()
    thread.join()
    *said, content = done[0].stdout.splitlines()
    assert content == "still readable", done[0].stderr
    assert len(said) == 10
    assert all(line.endswith(" refused") for line in said), said
    after = path.stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@needs_seccomp
def test_this_program_stays_free(tmp_path: Path) -> None:
    code = seccomp.program(os.uname().machine, GLIBC)
    thread = threading.Thread(target=seccomp.filter_this_thread, args=[code])
    thread.start()
    thread.join()
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o600)


def test_the_filter_that_is_kept_is_that_of_the_list() -> None:
    """Else: python -m scripts.write_filter."""
    assert write_filter.FILE.read_text() == write_filter.source()
    assert seccomp.program("x86_64", GLIBC) == bpf.program(
        X86_64.architecture, allowed_calls.rules()
    )
