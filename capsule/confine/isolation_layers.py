"""Which walls stand around a sandbox process on this machine, and putting them up."""

from __future__ import annotations

import sys

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.confine.access import Access


class IsolationLayers(NamedTuple):
    """What the operating system gives here.

    `landlock` is the ABI in use, 0 for none; `seccomp` is whether system calls are filtered.
    """

    landlock: int
    seccomp: bool = False


def standing() -> IsolationLayers:
    """Find out which walls there are."""
    if sys.platform != "linux":
        return IsolationLayers(0)
    from capsule.confine import landlock, seccomp

    return IsolationLayers(landlock.abi(), seccomp.available())


def put_up(
    layers: IsolationLayers, access: Access, spawn: Callable[[], int], *, traced: bool = True
) -> int:
    """Start a process behind `layers` and return its pid.

    `traced` is whether it is the program whose system calls are known; of another one those are
    closed that reach what it must not, as the network, and the rest is open.

    On Linux it has no capabilities, whatever `layers` are. Raises what `spawn` raises, and
    `OSError` when one of the walls cannot be put up; nothing is started then.
    """
    if sys.platform != "linux":
        return spawn()
    from capsule.confine import linux

    return linux.spawn_confined(
        access, spawn, version=layers.landlock, filtered=layers.seccomp, traced=traced
    )


def limit(
    pid: int, *, cpu_seconds: int | None, file_size: int | None, memory: int | None = None
) -> None:
    """Put resource limits on a process that has just started, where the system can."""
    if sys.platform == "linux":
        from capsule.confine import linux

        linux.limit(pid, cpu_seconds=cpu_seconds, file_size=file_size, memory=memory)
