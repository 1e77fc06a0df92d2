"""How many processors this program may use: of those that the machine has, often not all."""

from __future__ import annotations

import math
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC, _GROUPS = "/proc/self/cgroup", "/sys/fs/cgroup"
# Where the first form of control groups has what bounds the time of processors.
_FIRST_FORM = ("cpu", "cpu,cpuacct")
_LONGEST = 64 << 10


def usable_processors() -> int:
    """Return how many processors this program may use, one at least.

    Those that it may be put on (`taskset`, cpusets), and no more than its control group has time
    for (`docker run --cpus`), rounded up.

    >>> usable_processors() >= 1
    True
    """
    count = _allowed()
    if sys.platform != "linux":
        return count
    quota = processor_quota(_PROC, _GROUPS)
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def processor_quota(proc: str, groups: str) -> float | None:
    """Return how many processors' time the control groups of a process have; None for no bound.

    `proc` is the file that names its groups, and `groups` the folder where their files are. That of
    a group above holds for those in it.
    """
    found = None
    for line in _read(proc).splitlines():
        _, _, named = line.partition(":")
        controllers, _, path = named.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for folder in _folders(groups, controllers, path):
            bound = _bound_of(folder) if controllers else _bound_of_second_form(folder)
            if bound is not None and (found is None or bound < found):
                found = bound
    return found


def _allowed() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _folders(groups: str, controllers: str, path: str) -> Iterator[str]:
    """Yield where the files of a group and of those above it may be.

    In a container the path may be that of the machine, and the files those of its own root.
    """
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    for top in [f"{groups}/{name}" for name in _FIRST_FORM] if controllers else [groups]:
        for length in range(len(parts) + 1):
            yield "/".join((top, *parts[:length]))


def _bound_of_second_form(folder: str) -> float | None:
    return _quotient(*_read(f"{folder}/cpu.max").split()[:2])


def _bound_of(folder: str) -> float | None:
    quota, period = (_read(f"{folder}/cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return _quotient(quota, period)


def _quotient(quota: str = "", period: str = "") -> float | None:
    """Return the bound that two numbers of microseconds are; no number stands for none."""
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None
    return int(quota) / int(period)


def _read(path: str) -> str:
    """Return a file of the kernel, empty where there is none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - for each start, and pathlib takes longer
            return file.read(_LONGEST).decode("ascii", "replace")
    except OSError:
        return ""
