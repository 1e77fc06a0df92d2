"""Which process a run belongs to, and whether that process is gone.

A process is known by its number and by when it started: numbers are used again. Where the numbers
of another process mean nothing, because it lives in another container of the same machine, a file
tells that it keeps locked as long as it lives.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from capsule.lifecycle import owner_locks
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_FOLDER = "hosts"
# The fields of /proc/PID/stat behind the name, which may hold anything: state and start time.
_STATE, _STARTED = 0, 19
_OVER = {b"Z", b"X"}


class Host(NamedTuple):
    """A process that records runs: a name of its own, its number, and when and where it started."""

    name: str
    pid: int
    started: str


class OwnerPresence:
    """This process as a host; `close` it when it records no more."""

    def __init__(self, folder: Path) -> None:
        """Appear in `folder`, that of the database. Raises `OSError`."""
        self.host = Host(os.urandom(6).hex(), os.getpid(), f"{_here()}/{_start_of(os.getpid())}")
        hosts = folder / _FOLDER
        hosts.mkdir(mode=0o700, exist_ok=True)
        self._path = hosts / self.host.name
        self._handle: int | None = None
        with suppress(OSError):  # a file system without locks
            # Nobody else keeps it, but who sweeps may look at it just now.
            self._handle = owner_locks.wait(self._path, 1.0)

    def __repr__(self) -> str:
        return f"<OwnerPresence {self.host!r}>"

    def close(self) -> None:
        """Be gone."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> OwnerPresence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def is_gone(folder: Path, host: Host) -> bool:
    """Say whether a host is over, with whatever it ran."""
    if not host.name.isalnum():
        # None that has a file: what is read may name any path.
        return True
    place, _, started = host.started.rpartition("/")
    if place and place == _here():
        return _start_of(host.pid) != started
    return owner_locks.sweep(folder / _FOLDER / host.name)


def sweep(folder: Path) -> None:
    """Delete what hosts that were killed have left."""
    with suppress(OSError):
        for path in tuple((folder / _FOLDER).iterdir()):
            owner_locks.sweep(path)


if sys.platform == "linux":

    def _here() -> str:
        """Return what tells apart the places in which numbers of processes mean something."""
        try:
            if Path("/proc/self").readlink().name != str(os.getpid()):
                return ""
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
        except OSError:
            return ""

    def _start_of(pid: int) -> str:
        """Return when a process started, in ticks since the boot; nothing when it is over."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            return "" if fields[_STATE] in _OVER else fields[_STARTED].decode()
        except (OSError, IndexError):
            return ""

else:

    def _here() -> str:
        return sys.platform

    def _start_of(pid: int) -> str:
        import psutil

        try:
            process = psutil.Process(pid)
            over = process.status() == psutil.STATUS_ZOMBIE
            return "" if over else f"{process.create_time():.2f}"
        except psutil.Error:
            return ""
