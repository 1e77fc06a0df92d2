"""Keeping what a turn did, behind its answer: the pages that differ, the files, the fuel."""

from __future__ import annotations

import time
from threading import Event

from capsule.errors import CapsuleError, WireError
from capsule.namedtuples import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.process.process_protocol import wait
from capsule.process.trap_report import TAIL, is_whole, read_report
from capsule.sessions import scratch_files
from capsule.sessions.page_difference import PageDifference
from capsule.snapshot.preopens import forgotten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capsule.process.sandbox_process import SandboxProcess
    from capsule.sessions.scratch_files import FileChange, Signature
    from capsule.snapshot.changed_pages import PageRun
    from capsule.snapshot.image_contents import ImageContents

# How long the memory and the meter's report may take behind the answer.
_SECONDS = 60.0


class Kept(NamedTuple):
    """What a turn left: pages, the size of memory, files, and where the meter stopped."""

    pages: Sequence[PageRun]
    memory: int
    files: Mapping[str, bytes]
    drain_offset: int | None


class KeptTurn:
    """Goes on with the process of a turn that has answered: a `Keeper`.

    `over` is set when nothing is left of it; `answered` says whether there is something to keep.
    """

    def __init__(
        self,
        base: ImageContents,
        hidden: frozenset[str],
        most: int,
    ) -> None:
        self.answered = False
        self.over = Event()
        self.changes: list[FileChange] = []
        self._laid_out: Mapping[str, Signature] = {}
        self._known: Mapping[str, bytes] = {}
        self._base, self._hidden = base, hidden
        self._difference = PageDifference(base.read, most)
        self._started: SandboxProcess | None = None
        self._stderr = bytearray()

    def __repr__(self) -> str:
        return f"<KeptTurn {self._difference!r}>"

    def begin(self, files: Mapping[str, bytes], laid_out: Mapping[str, Signature]) -> None:
        """Say what the turn finds in its folders."""
        self._known, self._laid_out = files, laid_out

    def keep(self, started: SandboxProcess, stdout: bytes, stderr: bytes) -> None:
        """Take over a process, and what it has written behind its closing frame."""
        self._started = started
        self._stderr += stderr
        self._files = scratch_files.look(started.scratch, self._hidden)
        self.changes = scratch_files.changes(self._laid_out, self._files)
        self.answered = True
        self._first = stdout

    def finish(self) -> Kept:
        """Read the rest, and return what is to be kept; the process is gone then.

        Raises `CapsuleError` where it cannot be kept.
        """
        started = self._started
        if started is None:
            raise CapsuleError("there is nothing to keep")
        with started:
            self._difference.feed(self._first)
            offset = self._read(started)
            files = scratch_files.read(self._files, self._known, self._laid_out)
            memory = self._difference.size
            return Kept(forgotten(self._difference.finish()), memory, files, offset)

    def drop(self) -> None:
        """Keep nothing, and end the process."""
        if self._started is not None:
            self._started.close()

    def _read(self, started: SandboxProcess) -> int | None:
        process, seal = started.process, started.seal.encode()
        deadline = time.monotonic() + _SECONDS
        with Cancellation() as never:
            while not is_whole(self._stderr, seal):
                arrival = wait(process, deadline, never, started.scratch)
                self._difference.feed(arrival.stdout)
                self._stderr += arrival.stderr
                if len(self._stderr) > 2 * TAIL:
                    del self._stderr[:-TAIL]
                if arrival.ended:
                    break
                if time.monotonic() >= deadline:
                    raise WireError("its memory did not come in time")
            # The report comes behind all of memory, in another pipe.
            while True:
                arrival = wait(process, time.monotonic(), never, started.scratch)
                if not arrival.stdout:
                    break
                self._difference.feed(arrival.stdout)
        return read_report(bytes(self._stderr), None, seal).drain_offset
