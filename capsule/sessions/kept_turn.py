"""Keeping what a turn did, behind its answer: the pages that differ, the files, the fuel."""

from __future__ import annotations

import time
from itertools import chain

from capsule.errors import CapsuleError, WireError
from capsule.namedtuples import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.process.process_protocol import wait
from capsule.process.trap_report import TAIL, is_whole, read_report
from capsule.process.written_pages import written_pages
from capsule.sessions import scratch_files
from capsule.sessions.code_history import UNKNOWN_HISTORY, CodeHistory
from capsule.sessions.page_difference import TOGETHER, PageDifference
from capsule.snapshot.changed_pages import PAGE, STACK_TOP
from capsule.snapshot.preopens import forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.sessions.kept_pages import KeptPages
    from capsule.sessions.scratch_files import FileChange, Signature
    from capsule.sessions.turn_process import TurnProcess
    from capsule.snapshot.image_contents import ImageContents

# How long the memory and the meter's report may take behind the answer.
_SECONDS = 60.0
# Every so many turns, pages that differed are looked at again: they may be as at the beginning.
_LOOK_AGAIN = 16


# What the driver is told behind its closing frame.
_GO_ON, _WRITE_IT = bytes(4), b"\1\0\0\0"


class KeptState(NamedTuple):
    """A state that is kept: its name, how many turns led to it, and the fuel of the last.

    `history` is their code, as far as it is known.
    """

    name: str
    turn: int
    fuel: int | None = None
    history: CodeHistory = UNKNOWN_HISTORY


def first_kept(name: str, turn: int) -> KeptState:
    """Return what a session begins with: before the first turn, there was no code."""
    return KeptState(name, turn, history=UNKNOWN_HISTORY if turn else CodeHistory())


class Answered(NamedTuple):
    """What a turn came to: its envelope, the files that it changed, and what is kept of it.

    `kept` is done when the state is; it raises where that failed. For a turn that left nothing, it
    is the state from before.
    """

    envelope: Envelope
    changes: list[FileChange]
    kept: Future[KeptState]


class KeptTurn:
    """Goes on with the process of a turn that has answered: a `Keeper`.

    `answered` says whether there is something to keep.
    """

    def __init__(self, base: ImageContents, image: Path, hidden: frozenset[str], most: int) -> None:
        self.answered = False
        self.changes: list[FileChange] = []
        self._laid_out: Mapping[str, Signature] = {}
        self._known: Mapping[str, bytes] = {}
        self._differed: tuple[tuple[int, int], ...] = ()
        self._failed: CapsuleError | None = None
        self._base, self._image, self._hidden = base, image, hidden
        self._memory = 0
        self._most = most
        self._difference = PageDifference(base.read, most)
        self._started: SandboxProcess | None = None
        self._stderr = bytearray()

    def __repr__(self) -> str:
        return f"<KeptTurn {self._difference!r}>"

    def begin(self, found: TurnProcess) -> None:
        """Say what the turn finds in its folders, and where the memory differs that it finds."""
        self._known, self._laid_out = found.contents.files, found.laid_out
        if found.contents.turn % _LOOK_AGAIN:
            self._differed = found.differs

    def keep(self, started: SandboxProcess, memory: int, stderr: bytes) -> None:
        """Take over a process that waits, with so much memory, and what it wrote to stderr."""
        self._memory = memory
        self._started = started
        self._stderr += stderr
        self.answered = True
        try:
            self._files = scratch_files.look(started.scratch, self._hidden)
        except CapsuleError as failed:
            # The answer is one all the same: it is told to whoever asks what is kept.
            self._failed = failed
        else:
            self.changes = scratch_files.changes(self._laid_out, self._files)

    def read_memory(self) -> tuple[KeptPages, int]:
        """Return the pages that differ, and the size of memory.

        Raises `CapsuleError` where they cannot be had.
        """
        if self._failed is not None:
            raise self._failed
        started = self._taken()
        length = self._memory - STACK_TOP
        if self._is_read(started, length):
            started.process.send(_GO_ON)
        else:
            started.process.send(_WRITE_IT)
            self._receive(started, length)
        pages = self._difference.finish()
        forget(pages)
        return pages, self._memory

    @property
    def touched(self) -> list[int]:
        """Where pages are that the turn wrote and left as they were, as `read_memory` saw."""
        return self._difference.same

    def read_files(self) -> dict[str, bytes]:
        """Return the files of the folders. Raises `CapsuleError` where there is too much."""
        return scratch_files.read(self._files, self._known, self._laid_out)

    def end(self) -> int | None:
        """See the process to its end; return where the meter stopped."""
        started = self._taken()
        seal, deadline = started.seal.encode(), time.monotonic() + _SECONDS
        with started, Cancellation() as never:
            while not is_whole(self._stderr, seal):
                arrival = wait(started.process, deadline, never, started.scratch)
                self._note(arrival.stderr)
                if arrival.ended or time.monotonic() >= deadline:
                    break
        return read_report(bytes(self._stderr), None, seal).drain_offset

    def drop(self) -> None:
        """Keep nothing, and end the process."""
        if self._started is not None:
            self._started.close()

    def _taken(self) -> SandboxProcess:
        if self._started is None:
            raise CapsuleError("there is nothing to keep")
        return self._started

    def _is_read(self, started: SandboxProcess, length: int) -> bool:
        """Say whether the system has told what the process wrote, one run after the other."""
        try:
            known = (range(first, first + size, PAGE) for first, size in self._differed)
            for differed in (frozenset(chain.from_iterable(known)), frozenset[int]()):
                pages = written_pages(started.process.pid, self._image, STACK_TOP, length)
                if pages is None:
                    return False
                self._difference = PageDifference(self._base.reader(TOGETHER), self._most, differed)
                try:
                    for runs, there in pages:
                        self._difference.take(runs, there)
                except WireError:
                    # Some that differed may be as at the beginning again.
                    if not differed:
                        raise
                else:
                    return True
        except (OSError, ValueError):
            self._difference = PageDifference(self._base.read, self._most)
        return False

    def _receive(self, started: SandboxProcess, length: int) -> None:
        deadline = time.monotonic() + _SECONDS
        with Cancellation() as never:
            while self._difference.size < STACK_TOP + length:
                arrival = wait(started.process, deadline, never, started.scratch)
                self._difference.feed(arrival.stdout)
                self._note(arrival.stderr)
                if arrival.ended or time.monotonic() >= deadline:
                    raise WireError("its memory did not come")

    def _note(self, stderr: bytes) -> None:
        self._stderr += stderr
        if len(self._stderr) > 2 * TAIL:
            del self._stderr[:-TAIL]
