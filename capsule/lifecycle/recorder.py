"""The recorder: takes what runs tell, and writes it where no run waits for it.

One daemon thread for each recorder writes; it imports SQLite when there is something to write, and
has waited a moment for more. Recording never fails a run: what cannot be written is lost, and that
is said once.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
from contextlib import suppress

from capsule.lifecycle.write_buffer import Dropped, WriteBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from capsule.lifecycle.events import Created, Ended, Running
    from capsule.lifecycle.write_buffer import Row
    from capsule.lifecycle.writer import Writer

FOLDER = "lifecycle"
VARIABLE = "CAPSULE_RECORD"
# How long the writer waits for more before it writes, in seconds: most commands are over by then,
# and do not pay for SQLite before their answer is out.
_LINGER = 0.1
# Two hundred commands that end at once on two processors take 2.6 s until the last has written.
_CLOSE_SECONDS = 5.0


class Recorder:
    """Keeps a record of attempts: a `Ledger` that never waits. `with` it, or call `close`.

    `home` is the state root, None for no record. `note` is called with one line at most, when
    something is not recorded: in another thread, or in `close`. One that is `brief`, for a program
    that ends soon, leaves its rows for the next that opens the database, if it is closed early.

    >>> with Recorder(None, print) as recorder:
    ...     recorder
    <Recorder that is off>
    """

    def __init__(
        self, home: Path | None, note: Callable[[str], None], *, brief: bool = False
    ) -> None:
        self._home, self._note, self._brief = home, note, brief
        self._off = home is None
        self._said = self._left = self._awake = self._writing = False
        self._begin()

    def __repr__(self) -> str:
        return "<Recorder that is off>" if self._off else f"<Recorder with {self._pending!r}>"

    @property
    def dropped(self) -> Dropped:
        """What was not recorded so far."""
        return self._pending.dropped

    def created(self, attempt: Created) -> None:
        """Take that an attempt is about to be made."""
        if self._off:
            return
        if self._pid != os.getpid():
            # This is a child that was forked, without the thread: what was told is the parent's.
            self._begin()
        self._pending.created(attempt)
        if not self._awake:
            self._wake()

    def running(self, attempt: str, event: Running) -> None:
        """Take that an attempt begins."""
        self._pending.running(attempt, event)
        if not self._awake:
            self._wake()

    def ended(self, attempt: str, event: Ended) -> None:
        """Take how an attempt ended."""
        self._pending.ended(attempt, event)
        if not self._awake:
            self._wake()

    def close(self, seconds: float = _CLOSE_SECONDS) -> None:
        """Write what is left, in so many seconds at most; nothing is taken afterwards."""
        self._off = True
        with self._starting:
            writing, self._writing = self._writing, False
        if not writing or self._pid != os.getpid():
            return
        self._closing.set()
        self._work.set()
        atexit.unregister(self.close)
        if not self._over.wait(seconds):
            self._say("some runs are not recorded: there was no time to write them")

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._pending = WriteBuffer()
        self._starting = threading.Lock()
        self._work, self._closing, self._over = (threading.Event() for _ in range(3))
        self._awake = self._writing = False

    def _wake(self) -> None:
        if self._home is None:
            return
        self._awake = True
        self._work.set()
        with self._starting:
            if not self._writing and not self._off:
                self._writing = True
                # Not by `threading.Thread`, whose start waits for the thread: a command that is
                # over in 20 ms would pay half of one.
                try:
                    _thread.start_new_thread(self._work_until_closed, (self._home / FOLDER,))
                    _at_the_end(self.close)
                except RuntimeError as error:  # too many threads, or the end of the program
                    self._writing = False
                    self._give_up(str(error))

    def _work_until_closed(self, folder: Path) -> None:
        """Do the thread's work."""
        try:
            self._write_all(folder)
        except OSError as error:  # not even a module can be read: too many files are open
            self._give_up(error.strerror or str(error))
        finally:
            self._over.set()

    def _write_all(self, folder: Path) -> None:
        rows, closing = self._wait()
        if closing and self._brief and self._leave(folder, rows):
            return
        try:
            # Only now: a command that is over soon has answered before it pays for this.
            from capsule.lifecycle.writer import Writer
        except ImportError as error:
            self._give_up(f"this Python has no SQLite ({error})")
            return
        # Nobody waits at the end of a short program for others that keep the database locked.
        store = Writer(folder, hurry=self._closing if self._brief else None)
        while rows or not closing:
            if rows and not self._write(store, rows):
                store.close()
                rows += [] if closing else self._wait()[0]
                if self._leave(folder, rows):
                    return
                store, closing = Writer(folder), True
                continue
            rows, closing = ([], True) if closing else self._wait()
        store.close()

    def _leave(self, folder: Path, rows: Sequence[Row]) -> bool:
        """Leave rows for the next that opens the database; say whether that is done."""
        from capsule.lifecycle import spool

        try:
            return not rows or spool.leave(folder, rows)
        except OSError as error:
            self._pending.lose(len(rows))
            self._say(f"some runs are not recorded: {error.strerror or error}")
            return True

    def _wait(self) -> tuple[list[Row], bool]:
        """Wait for something to write, and for more; say whether that is all."""
        self._work.wait()
        self._closing.wait(_LINGER)
        self._work.clear()
        # From here on, whoever tells something wakes this thread again, and so does the end: one
        # that came before is seen here.
        self._awake = False
        closing = self._closing.is_set()
        return self._pending.take(), closing

    def _write(self, store: Writer, rows: Sequence[Row]) -> bool:
        """Write rows, or lose them; False where they can still be left for others."""
        from capsule.lifecycle.writer import LostError

        try:
            store.write(rows)
            store.tidy()
        except LostError as error:
            if error.busy and self._brief and self._closing.is_set() and not self._left:
                self._left = True
                return False
            self._pending.lose(len(rows))
            if error.final:
                self._give_up(str(error))
            else:
                self._say(f"some runs are not recorded: {error}")
        except Exception as error:  # noqa: BLE001 - no mistake in here may cost a run anything
            self._pending.lose(len(rows))
            self._give_up(f"{type(error).__name__}: {error}")
        if store.set_aside is not None:
            self._say(f"the record of runs was damaged and begun anew; it is {store.set_aside} now")
        if self.dropped != Dropped():
            self._say("some runs are not recorded whole: there were too many at once")
        return True

    def _give_up(self, reason: str) -> None:
        self._off = True
        self._pending = WriteBuffer()
        self._say(f"runs are not recorded: {reason}")

    def _say(self, text: str) -> None:
        if not self._said:
            self._said = True
            with suppress(Exception):
                self._note(text)


def _at_the_end(close: Callable[[], None]) -> None:
    """Have `close` called when the process ends of its own accord."""
    atexit.register(close)
    # The child processes of this package end without what is registered there.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, close, exitpriority=0)


def open_recorder(
    home: Path,
    note: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    *,
    brief: bool = False,
) -> Recorder:
    """Return a recorder for the state root `home`; one that is off where `CAPSULE_RECORD=0`.

    `brief` is for a program that ends soon: see `Recorder`.

    Nothing is opened, started or imported until there is something to record.

    >>> from pathlib import Path
    >>> open_recorder(Path("state"), print, {"CAPSULE_RECORD": "0"})
    <Recorder that is off>
    """
    return Recorder(None if environ.get(VARIABLE) == "0" else home, note, brief=brief)
