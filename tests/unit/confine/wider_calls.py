"""What a shell and a Python need beyond the list of the pinned program, to try things behind it.

None of these is what an attempt is about, except those that Landlock has to refuse by itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from capsule.confine import allowed_calls, bpf, seccomp
from capsule.confine.bpf import ALLOW, Only

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# To be started and to look around.
TOOLS = {
    "dup": 32,
    "dup3": 292,
    "pipe2": 293,
    "vfork": 58,
    "geteuid": 107,
    "getuid": 102,
    "getgid": 104,
    "getegid": 108,
    "getppid": 110,
    "getpgid": 121,
    "getpgrp": 111,
    "getcwd": 79,
    "readlink": 89,
    "sysinfo": 99,
    "getpriority": 140,
    "sched_getscheduler": 145,
}
# By path: what Landlock has to refuse.
NAMES = {
    "mkdir": 83,
    "rmdir": 84,
    "rename": 82,
    "unlink": 87,
    "link": 86,
    "symlink": 88,
    "truncate": 76,
    "creat": 85,
    "chdir": 80,
}
_F_DUPFD, _FIOCLEX = 0, 0x5451


def rules() -> bpf.Rules:
    """The rules of the pinned program, and what the tests' programs need."""
    calls = allowed_calls.ALLOWED
    given = allowed_calls.rules()
    numbers = dict(given.numbers)
    numbers.update(dict.fromkeys([*TOOLS.values(), *NAMES.values()], ALLOW))
    for name, argument in (("fcntl", _F_DUPFD), ("ioctl", _FIOCLEX)):
        (only,) = calls[name].only
        numbers[calls[name].number] = (
            Only(only.argument, (*only.values, argument), only.mask, only.high),
        )
    return given._replace(numbers=numbers)


def widen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the filter of what is started here let that through, where it is an allow-list."""
    usual = seccomp.program

    def wider(machine: str, loader: Path | None) -> bytes:
        if not seccomp.is_traced(machine, loader):
            return usual(machine, loader)
        return bpf.program(seccomp.MACHINES[machine].architecture, rules())

    if os.uname().machine in seccomp.MACHINES:
        monkeypatch.setattr(seccomp, "program", wider)
