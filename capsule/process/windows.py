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
# A wait on Windows cannot be interrupted, neither by Ctrl-C nor by an answer that there is to send,
# so it is made of short ones.
_SLICE = 0.01

_Stream = Literal["stdout", "stderr"]


class WindowsProcess:
    """See `capsule.process.process_protocol.Process`."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._arrived: queue.Queue[tuple[_Stream, bytes]] = queue.Queue(_QUEUED)
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
        return self._child.poll() is None and self._arrived.empty()

    def wait(self, deadline: float | None, cancellation: Stop) -> Arrival:
        while True:
            if not self._open:
                return Arrival(ended=True)
            if cancellation.cancelled:
                return Arrival(cancelled=True)
            late = deadline is not None and time.monotonic() >= deadline
            try:
                stream, data = self._arrived.get(timeout=0 if late else _SLICE)
            except queue.Empty:
                if late:
                    return Arrival(timed_out=True)
                if self._is_large and not self.unsent:
                    self._is_large = False
                    return Arrival()
                continue
            if not data:
                self._open -= 1
            elif stream == "stdout":
                return Arrival(stdout=data, timed_out=late)
            else:
                return Arrival(stderr=data, timed_out=late)

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
        while any(thread.is_alive() for thread in self._threads):
            # A reader may wait for room.
            try:
                self._arrived.get(timeout=_SLICE)
            except queue.Empty:
                continue
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


def start(argv: Sequence[str], environment: Mapping[str, str]) -> WindowsProcess:
    """Start a process with three pipes, in a process group of its own, that ends with this program.

    Raises `OSError` when the program cannot be started.
    """
    return WindowsProcess(start_with_pipes(argv, environment, stdin=True))
