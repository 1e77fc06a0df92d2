"""Starting a sandbox process behind its walls: where argv, walls and pipes come together."""

from __future__ import annotations

import sys

from capsule.confine import guard_words
from capsule.confine import isolation_layers as confine
from capsule.confine.access import Access
from capsule.confine.scratch import MAX_FILE, TEMPORARY, WORKING
from capsule.errors import ToolchainError, hint_of
from capsule.process.argv import command_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.process.argv import Launch
    from capsule.process.process_protocol import Process

# An empty environment, but that the report of a trap comes without Rust's own backtrace, and that
# wasmtime starts one thread to wait in and not one for each processor: a sandbox is one thread.
_ENVIRONMENT = {"RUST_BACKTRACE": "0", "TOKIO_WORKER_THREADS": "1"}
# What wasmtime reserves for two memories of 4 GiB with their guards; found by lowering the limit.
_ADDRESSES = 8_800_000_000
# A run with a time limit may use this much processor time beyond it, on all its threads.
_CPU_GRACE = 2


def start(launch: Launch, layers: IsolationLayers, *, timeout_ms: int | None) -> Process:
    """Start the sandbox that `launch` describes.

    Raises `UsageError` for a folder that cannot be mounted, `ToolchainError` when the program
    cannot be started or the kernel refuses the walls; then nothing runs.
    """
    argv = command_line(launch)
    access = Access(
        program=launch.wasmtime,
        read=(
            *launch.modules,
            *(mount.host for mount in launch.mounts if not mount.writable),
        ),
        write=tuple(mount.host for mount in launch.mounts if mount.writable),
        nofollow=frozenset(mount.host for mount in launch.mounts if mount.nofollow),
    )
    _check_names(launch)
    _check_address_space()
    try:
        process = _start(argv, lambda spawn: confine.put_up(layers, access, spawn))
    except (OSError, RuntimeError) as error:
        # A RuntimeError is Python's word for that no thread can be started.
        raise ToolchainError(
            f"cannot start {launch.wasmtime}: {error}", hint=hint_of(error, "capsule doctor")
        ) from error
    seconds = None if timeout_ms is None else _processor_seconds(timeout_ms)
    confine.limit(process.pid, cpu_seconds=seconds, file_size=_largest_file(launch))
    return process


def limit_time(process: Process, timeout_ms: int) -> None:
    """Bound the processor time of one that waits, as if it had been started for so little time."""
    confine.limit(process.pid, cpu_seconds=_processor_seconds(timeout_ms), file_size=None)


def _processor_seconds(timeout_ms: int) -> int:
    return 2 * (timeout_ms // 1000 + _CPU_GRACE)


def _check_names(launch: Launch) -> None:
    """Refuse to start where the guard would judge names by the rules of another system.

    On Windows it stands before a fault of the pinned wasmtime: GHSA-f2pq-268w-886c. Raises
    `ToolchainError`.
    """
    if launch.names != guard_words.name_rules():
        raise ToolchainError(
            f"the guard was told {launch.names!r} for how names of files are judged, and here it"
            f" has to be {guard_words.name_rules()!r}: no sandbox is started",
            hint="capsule cache prune --all",
        )


def _check_address_space() -> None:
    """Refuse where wasmtime could not reserve what WebAssembly's memory can grow to.

    Raises `ToolchainError`.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= soft < _ADDRESSES:
        raise ToolchainError(
            f"a program may reserve {soft / 1e9:.1f} GB of addresses here, and a sandbox reserves"
            f" {_ADDRESSES / 1e9:.1f} GB, though it uses little of that",
            hint="raise the limit on address space: ulimit -v unlimited",
        )


def _largest_file(launch: Launch) -> int | None:
    """Return how large a file the sandbox may write; None is no limit, for a folder of the user."""
    writable = {mount.guest for mount in launch.mounts if mount.writable}
    if writable - {WORKING, TEMPORARY}:
        return None
    return MAX_FILE if writable else 0


def _start(argv: list[str], confined: Callable[[Callable[[], int]], int]) -> Process:
    if sys.platform == "win32":
        from capsule.process import windows

        return windows.start(argv, _ENVIRONMENT)
    from capsule.process import posix

    return posix.start(argv, _ENVIRONMENT, confined)
