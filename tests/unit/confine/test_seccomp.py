"""The filter of system calls: as the kernel reads it, and as the kernel applies it."""

from __future__ import annotations

import errno
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from capsule.confine import seccomp

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
X86_64, AARCH64 = seccomp.MACHINES["x86_64"], seccomp.MACHINES["aarch64"]

needs_seccomp = pytest.mark.skipif(
    not seccomp.available(), reason="this kernel or processor has no filter to test"
)


def answer(machine: seccomp.Machine, architecture: int, number: int, *arguments: int) -> int:
    """Run the filter on one call, as the kernel would."""
    code = list(struct.iter_unpack("<HBBI", seccomp.program(machine)))
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
        elif operation == 0x15:
            at += true if loaded == value else false
        elif operation == 0x35:
            at += true if loaded >= value else false
        else:
            assert operation == 0x06
            return int(value)


@pytest.mark.parametrize("name", seccomp.CLOSED)
@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_a_closed_call_is_refused(machine: seccomp.Machine, name: str) -> None:
    number = seccomp.CLOSED[name][machine.column]
    if number is not None:
        assert answer(machine, machine.architecture, number) == REFUSED


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_other_calls_are_allowed(machine: seccomp.Machine) -> None:
    closed = {row[machine.column] for row in seccomp.CLOSED.values()}
    closed.add(seccomp.PAIR[machine.column])  # of nothing and of no kind
    for number in range(600):
        expected = REFUSED if number in closed else ALLOWED
        assert answer(machine, machine.architecture, number) == expected


def test_ways_around_the_numbers_are_closed() -> None:
    assert answer(X86_64, X86_64.architecture, 0x40000000 | 1) == REFUSED
    assert answer(X86_64, 0x40000003, 30) == KILLED  # i386, whose calls have other numbers
    assert answer(AARCH64, 0x40000028, 3) == KILLED


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_limits_are_read_and_set_of_the_caller_alone(machine: seccomp.Machine) -> None:
    number = seccomp.LIMITS[machine.column]
    assert answer(machine, machine.architecture, number, 0) == ALLOWED
    for process in (1, 4_000_000, (1 << 32) - 1):
        assert answer(machine, machine.architecture, number, process) == REFUSED


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_only_pairs_of_local_streams_are_made(machine: seccomp.Machine) -> None:
    number, flags = seccomp.PAIR[machine.column], 0o2000000 | 0o4000
    for family in range(45):
        for kind in range(16):
            expected = ALLOWED if (family, kind) == (1, 1) else REFUSED
            for more in (0, flags):
                arguments = family, kind | more
                assert answer(machine, machine.architecture, number, *arguments) == expected


def test_every_call_has_a_number_of_its_own() -> None:
    for column in (0, 1):
        numbers = [row[column] for row in seccomp.CLOSED.values() if row[column] is not None]
        assert len(set(numbers)) == len(numbers)


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
def test_what_the_kernel_refuses(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("still readable")
    before = path.stat()
    done: list[subprocess.CompletedProcess[str]] = []

    def restricted() -> None:
        seccomp.filter_this_thread()
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
    thread = threading.Thread(target=seccomp.filter_this_thread)
    thread.start()
    thread.join()
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o600)
