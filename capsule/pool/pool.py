"""Processes started ahead for one task: each is used once, and the next is started meanwhile.

Two threads of its own do what no run should wait for: one starts processes, one sees those that
were used gone and deletes their folders. When no run has come for a while, the processes that wait
are ended; the next run is as slow as the first, and they are started again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import contextmanager
from queue import SimpleQueue

from capsule.errors import CapsuleError
from capsule.pool import quota as quotas
from capsule.pool.prestarted_process import prestart, terms_of
from capsule.process.cancel import Cancellation
from capsule.runner.run import COLD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capsule.pool.prestarted_process import PrestartedProcess
    from capsule.pool.quota import Quota
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan

IDLE_SECONDS = 60.0
# How many processes in a row may fail to come to wait until no more are started ahead.
_PATIENCE = 3
# After how many seconds it is tried again: a machine may have been short of something.
_FORGIVING = 60.0
# After how many seconds to ask again for a place that others have taken.
_ASK_AGAIN = 1.0
# For so many seconds a run that has just begun does not share the machine with the start of the
# next process: most runs are over by then, and took twice as long on two processors with it.
_ALONE = 0.003


class Pool:
    """Keeps `size` processes ahead of the runs of one task: a `Starter` for them.

    `with` it, or call `close`. `idle` is after how many seconds without a run they are ended.
    """

    sees_end = False

    def __init__(
        self, size: int, *, idle: float = IDLE_SECONDS, quota: Quota = quotas.SHARED
    ) -> None:
        self._size, self._idle, self._quota = size, idle, quota
        # A child process has the descriptors of what waits, but may neither use nor end it.
        self._program = os.getpid()
        self._plan: Plan | None = None
        self._ready: deque[PrestartedProcess] = deque()
        self._changed = threading.Condition()
        self._used_at = time.monotonic()
        self._fill_from = 0.0
        self._failures, self._failed_at = 0, 0.0
        self._closing = Cancellation()
        self._used: SimpleQueue[SandboxProcess | None] = SimpleQueue()
        self._filler: threading.Thread | None = None
        self._clearer: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Pool {len(self._ready)} of {self._size} wait>"

    @property
    def waiting(self) -> int:
        """How many processes wait for a request."""
        return len(self._ready)

    def expect(self, plan: Plan) -> None:
        """Have processes started for `plan` from now on; what waits for another one is ended."""
        if self._is_inherited:
            return
        with self._changed:
            if self._plan is not None and not terms_of(self._plan).allow(terms_of(plan)):
                self._end_all()
            self._plan = plan if plan.warming is not None and self._size > 0 else None
            self._failures, self._used_at = 0, time.monotonic()
            self._begin()
            self._changed.notify_all()

    def wait_until_ready(self, seconds: float, stop: Cancellation | None = None) -> bool:
        """Wait until all processes wait, or no more are to come, or `stop`; say whether all do."""
        if stop is None:
            with self._changed:
                self._changed.wait_for(lambda: not self._lacks_any(), seconds)
                return len(self._ready) >= self._size

        def wake() -> None:
            with self._changed:
                self._changed.notify_all()

        stop.attach(wake)
        try:
            with self._changed:
                self._changed.wait_for(lambda: stop.cancelled or not self._lacks_any(), seconds)
                return len(self._ready) >= self._size
        finally:
            stop.detach(wake)

    @contextmanager
    def start(self, plan: Plan) -> Iterator[SandboxProcess]:
        """Give a process that waits for a plan like this, else one that is started now."""
        if self._is_inherited:
            with COLD.start(plan) as started:
                yield started
            return
        started = self._take(plan) or COLD.start(plan)
        try:
            yield started
        finally:
            with self._changed:
                closed = self._closing.cancelled
                if not closed:
                    self._begin()
                    self._used.put(started)
            if closed:
                started.close()

    def close(self) -> None:
        """End all processes, and wait until they and their folders are gone."""
        if self._is_inherited:
            return
        with self._changed:
            self._closing.cancel()
            self._changed.notify_all()
        if self._filler is not None:
            self._filler.join()
        with self._changed:
            self._end_all()
        self._used.put(None)
        if self._clearer is not None:
            self._clearer.join()
        self._filler = self._clearer = None
        self._closing.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def _is_inherited(self) -> bool:
        """Whether this is a child process: the threads, and all that waits, are its parent's."""
        return self._program != os.getpid()

    def _take(self, plan: Plan) -> SandboxProcess | None:
        with self._changed:
            self._used_at = time.monotonic()
            self._changed.notify_all()
            if self._plan is None or not terms_of(self._plan).allow(terms_of(plan)):
                return None
            while self._ready:
                prestarted = self._ready.popleft()
                if prestarted.waiting.take(terms_of(plan)):
                    self._quota.leave(prestarted.size)
                    # Only then: runs that find none would put it off for ever.
                    self._fill_from = self._used_at + _ALONE
                    return prestarted.sandbox
                self._end(prestarted)
        return None

    def _end(self, prestarted: PrestartedProcess) -> None:
        self._quota.leave(prestarted.size)
        self._used.put(prestarted.sandbox)

    def _end_all(self) -> None:
        while self._ready:
            self._end(self._ready.popleft())

    def _begin(self) -> None:
        """Start the threads, if they do not run; whoever calls this holds the lock."""
        if self._closing.cancelled:
            return
        if self._filler is None and self._plan is not None:
            self._filler = _thread("capsule-fill", self._fill)
        if self._clearer is None:
            self._clearer = _thread("capsule-clear", self._clear)

    def _lacks_any(self) -> bool:
        return (
            self._plan is not None
            and not self._closing.cancelled
            and (self._failures < _PATIENCE or time.monotonic() - self._failed_at >= _FORGIVING)
            and len(self._ready) < self._size
            and not self._is_idle()
        )

    def _is_idle(self) -> bool:
        return time.monotonic() - self._used_at >= self._idle

    def _fill(self) -> None:
        """Start what is lacking, and end what has waited for too long: a thread's work."""
        while (plan := self._next()) is not None:
            if not self._quota.enter():
                with self._changed:
                    self._changed.wait(_ASK_AGAIN)
                continue
            try:
                prestarted = prestart(plan, self._closing)
            except (CapsuleError, OSError):
                # Whoever needs one starts it then, and is told what is wrong.
                self._quota.leave(0)
                prestarted = None
            with self._changed:
                self._keep(prestarted, plan)
                self._changed.notify_all()

    def _next(self) -> Plan | None:
        """Wait until one more is to be started, and return for what; None at the end."""
        with self._changed:
            while not self._closing.cancelled:
                if self._lacks_any():
                    rest = self._fill_from - time.monotonic()
                    if rest <= 0:
                        return self._plan
                    self._changed.wait(rest)
                    continue
                if self._is_idle():
                    self._end_all()
                left = self._used_at + self._idle - time.monotonic()
                self._changed.wait(max(left, 0) if self._ready else None)
        return None

    def _keep(self, prestarted: PrestartedProcess | None, plan: Plan) -> None:
        if prestarted is None:
            self._failures += 1
            self._failed_at = time.monotonic()
            return
        self._quota.weigh(prestarted.size)
        wanted = self._plan is not None and terms_of(plan).allow(terms_of(self._plan))
        if wanted and not self._closing.cancelled:
            self._failures = 0
            self._ready.append(prestarted)
        else:
            self._end(prestarted)

    def _clear(self) -> None:
        """See processes that were used gone, with their folders: a thread's work."""
        while (used := self._used.get()) is not None:
            used.close()


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    # Not waited for at the end of a program that forgot to close: its processes end with it.
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
