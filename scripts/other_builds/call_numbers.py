"""Whether the numbers of system calls that are closed on aarch64 are those of the kernel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from capsule.confine.closed_calls import CLOSED, LIMITS, PAIR
from capsule.confine.seccomp import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

_DEFINED = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)


def differing(header: Path) -> list[str]:
    """Return what is not as the kernel's header `asm-generic/unistd.h` says, in words.

    Calls that came after the header was written are not looked at.
    """
    known = {name: int(number) for name, number in _DEFINED.findall(header.read_text())}
    column = MACHINES["aarch64"].column
    wanted = {name: row[column] for name, row in CLOSED.items()}
    wanted |= {"prlimit64": LIMITS[column], "socketpair": PAIR[column]}
    newest = max(known.values())
    found = []
    for name, number in wanted.items():
        if number is None:
            if name in known:
                found.append(f"{name} is {known[name]}, and is not closed")
        elif number <= newest and known.get(name) != number:
            found.append(f"{name} is {known.get(name)}, and {number} is closed for it")
    return found
