"""Looking into the memory of a sandbox that is about to end: where its program was.

A sandbox whose fuel or time is spent can say nothing more. On Linux the memory of a child can be
read; elsewhere, and where the system refuses, nothing is known. Nothing is ever written there.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from capsule.process.memory_size import mappings
from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class LinearMemory:
    """The linear memory of an interpreter, by its addresses; only to be read."""

    def __init__(self, descriptor: int, base: int) -> None:
        self._descriptor, self._base = descriptor, base

    def __repr__(self) -> str:
        return f"<LinearMemory at {self._base:#x}>"

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes. Raises `OSError` for what is not all there."""
        data = os.pread(self._descriptor, size, self._base + address)
        if len(data) != size:
            raise OSError(f"{size} bytes at {address:#x} are not there")
        return data


@contextmanager
def stopped(pid: int, mark: int, marked: bytes) -> Iterator[LinearMemory | None]:
    """Stop a child of ours for the `with` block and give its memory; None where that cannot be had.

    What lies at the address `mark` has to be `marked`.
    """
    descriptor = -1
    try:
        os.kill(pid, signal.SIGSTOP)
        descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        base = _base(pid, descriptor, mark, marked)
    except (OSError, ValueError, AttributeError):  # Windows has no such signal
        base = None
    try:
        yield None if base is None else LinearMemory(descriptor, base)
    finally:
        if descriptor >= 0:
            os.close(descriptor)
        with suppress(OSError, AttributeError):
            os.kill(pid, signal.SIGCONT)


def _base(pid: int, descriptor: int, mark: int, marked: bytes) -> int | None:
    """Find where the memory begins: behind a guard that nobody may touch."""
    guard = False
    for begin, _, rights in mappings(pid):
        if guard and rights == "rw-p":
            with suppress(OSError):
                if os.pread(descriptor, len(marked), begin + mark) == marked:
                    return begin
        guard = rights == "---p"
    return None
