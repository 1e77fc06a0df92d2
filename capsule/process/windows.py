"""Starting, feeding, reading and ending one sandbox process on Windows.

Its pipes cannot be polled, so a thread reads each stream and one writes. The tests run
it on Linux too, where nothing in it is different.
"""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Literal

from capsule.child_process.child_pipes import start_with_pipes
from capsule.process.process_protocol import Arrival

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capsule.process.process_protocol import Stop

_READ = 1 << 18
# Whoever queues more at once may have more to send when that is gone.
_LARGE = 1 << 16
# At most this much waits to be taken: a flood of output stays in the pipe.
_QUEUED = 16
# Signals are handled in the main thread, and no wait of Python's is interrupted by one on Windows:
# there it is made of short ones. All else is told by what is put into the queue.
_SLICE = 0.01
_LONG = 3600.0

_Stream = Literal["stdout", "stderr"]


class WindowsProcess:
    """See `capsule.process.process_protocol.Process`."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        # None only ends a wait. Nothing is locked to put it: a signal's handler may do that, too.
        self._arrived: queue.SimpleQueue[tuple[_Stream, bytes] | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(_QUEUED)
        self._unread = 0
        self._outbox: queue.SimpleQueue[bytes | memoryview | None] = queue.SimpleQueue()
        self._unsent = 0
        self._is_large = False
        self._counting = threading.Lock()
        self._open = 2
        self._stopping = False
        stdin, stdout, stderr = child.stdin, child.stdout, child.stderr
        if stdin is None or stdout is None or stderr is None:
            raise ValueError("the process has to have three pipes")
        self._pipes = (stdin, stdout, stderr)
        self._threads = [
            threading.Thread(target=self._read, args=("stdout", stdout), daemon=True),
            threading.Thread(target=self._read, args=("stderr", stderr), daemon=True),
            threading.Thread(target=self._write, args=(stdin,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"<WindowsProcess {self.pid} {self._child.returncode}>"

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def unsent(self) -> int:
        with self._counting:
            return self._unsent

    def send(self, data: bytes | memoryview) -> None:
        with self._counting:
            self._unsent += len(data)
            self._is_large = self._is_large or len(data) > _LARGE
        self._outbox.put(data)

    def feed(
        self, parts: Sequence[bytes | memoryview], deadline: float, cancellation: Stop
    ) -> Arrival | None:
        for part in parts:
            self.send(part)
        with self._counting:
            # However little it is, the wait is over when it is sent.
            self._is_large = True
        while self.unsent:
            arrival = self.wait(deadline, cancellation)
            if arrival != Arrival():
                return arrival
        return None

    def widen(self) -> None:
        """Its threads read as much as there is."""

    def is_quiet(self) -> bool:
        with self._counting:
            return not self._unread and self._child.poll() is None

    def wait(self, deadline: float | None, cancellation: Stop) -> Arrival:
        cancellation.attach(self._look_again)
        try:
            return self._next(deadline, cancellation)
        finally:
            cancellation.detach(self._look_again)

    def _next(self, deadline: float | None, cancellation: Stop) -> Arrival:
        is_main = threading.current_thread() is threading.main_thread()
        at_most = _SLICE if is_main else _LONG
        while True:
            if not self._open:
                return Arrival(ended=True)
            if cancellation.cancelled:
                return Arrival(cancelled=True)
            if self._is_large and not self.unsent:
                self._is_large = False
                return Arrival()
            left = at_most if deadline is None else min(at_most, deadline - time.monotonic())
            late = left <= 0
            try:
                arrived = self._arrived.get(timeout=max(0, left))
            except queue.Empty:
                if late:
                    return Arrival(timed_out=True)
                continue
            if arrived is None:
                continue
            stream, data = arrived
            with self._counting:
                self._unread -= 1
            self._room.release()
            if not data:
                self._open -= 1
            elif stream == "stdout":
                return Arrival(stdout=data, timed_out=late)
            else:
                return Arrival(stderr=data, timed_out=late)

    def _look_again(self) -> None:
        self._arrived.put(None)

    def rest(self, deadline: float, cancellation: Stop) -> None:
        """Return at once: its threads read whatever comes."""

    def reap(self, deadline: float, cancellation: Stop) -> int:
        while not cancellation.cancelled and time.monotonic() < deadline:
            try:
                return self._child.wait(_SLICE)
            except subprocess.TimeoutExpired:
                continue
        return self.end()

    def end(self) -> int:
        if self._child.poll() is None:
            self._child.kill()
        return self._child.wait()

    def close(self) -> None:
        """End the process and give back its pipes and threads."""
        self.end()
        self._stopping = True
        self._outbox.put(None)
        # Each reader may wait for room once more.
        self._room.release(2)
        for thread in self._threads:
            thread.join()
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.close()

    def __enter__(self) -> WindowsProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _read(self, name: _Stream, stream: IO[bytes]) -> None:
        data = b"\0"
        while data and not self._stopping:
            data = stream.read1(_READ)  # type: ignore[attr-defined]
            self._room.acquire()
            with self._counting:
                self._unread += 1
            self._arrived.put((name, data))

    def _write(self, stream: IO[bytes]) -> None:
        while (data := self._outbox.get()) is not None:
            try:
                stream.write(data)
                stream.flush()
            except OSError:
                # The process has ended; how it ended says what went wrong.
                return
            with self._counting:
                self._unsent -= len(data)
                all_is_sent = not self._unsent
            if all_is_sent:
                self._look_again()


def start(argv: Sequence[str], environment: Mapping[str, str]) -> WindowsProcess:
    """Start a process with three pipes, in a process group of its own, that ends with this program.

    Raises `OSError` when the program cannot be started.
    """
    return WindowsProcess(start_with_pipes(argv, environment, stdin=True))
