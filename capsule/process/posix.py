"""Starting, feeding, reading and ending one sandbox process on Linux and macOS.

`posix_spawn` and `select.poll` do all of it; `subprocess` would cost 9 ms to import.
"""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import suppress

from capsule.child_process.parent_death_linux import DESCRIPTOR, ParentDeathPipe
from capsule.process.process_protocol import Arrival
from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from capsule.process.process_protocol import Stop

# As much as a pipe holds. A buffer of more than 128 KiB would come from the system for each read.
_READ, _READ_MUCH, _PIPE = 1 << 16, (1 << 17) - 64, 1 << 20
_FIRST_FREE = 3
# How many pieces one call writes: what POSIX has all systems take is 16, and all of ours take this.
_VECTORS = 1024
_LOOK_AGAIN = 0.001
# Whoever queues more at once may have more to send when that is gone.
_LARGE = 1 << 16
# Whether the kernel itself ends a sandbox that has lost its host.
_KERNEL_TELLS = sys.platform == "linux"
# Whether `poll` tells the end of a pipe of which nothing else was asked.
_ENDS_ALONE = sys.platform == "linux"


class PosixProcess:
    """See `capsule.process.process_protocol.Process`."""

    def __init__(
        self,
        pid: int,
        stdin: int,
        stdout: int,
        stderr: int,
        parent_death: ParentDeathPipe | None = None,
    ) -> None:
        self.pid = pid
        self.status: int | None = None
        self._parent_death = parent_death
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._outbox = bytearray()
        self._is_large = False
        self._most = _READ
        for descriptor in (stdin, stdout, stderr):
            os.set_blocking(descriptor, False)

    def __repr__(self) -> str:
        state = "running" if self.status is None else f"ended with {self.status}"
        return f"<PosixProcess {self.pid} {state}>"

    def send(self, data: bytes | memoryview) -> None:
        """Queue `data` for the process; `wait` writes what there is no room for yet."""
        waiting = bool(self._outbox)
        self._outbox += data
        self._is_large = self._is_large or len(data) > _LARGE
        if not waiting and self._stdin >= 0:
            self._write()

    def feed(
        self, parts: Sequence[bytes | memoryview], deadline: float, cancellation: Stop
    ) -> Arrival | None:
        """See `capsule.process.process_protocol.Process.feed`."""
        poll = select.poll()
        poll.register(self._stdin, select.POLLOUT)
        for descriptor in (cancellation.fileno(), self._stdout, self._stderr):
            poll.register(descriptor, select.POLLIN)
        left = [memoryview(part) for part in parts if len(part)]
        first = 0
        while first < len(left):
            try:
                sent = os.writev(self._stdin, left[first : first + _VECTORS])
            except BlockingIOError:
                ready = dict(poll.poll(_milliseconds_until(deadline)))
                if ready.keys() == {self._stdin}:
                    continue
                return self.wait(deadline, cancellation)
            except BrokenPipeError:
                self._stdin = _closed(self._stdin)
                return self.wait(deadline, cancellation)
            while sent:
                whole = min(sent, len(left[first]))
                left[first] = left[first][whole:]
                sent -= whole
                first += not left[first]
        return None

    @property
    def unsent(self) -> int:
        """How many bytes are queued still."""
        return len(self._outbox)

    def widen(self) -> None:
        """Let much go through at once: what comes and goes is megabytes."""
        self._most = _READ_MUCH
        if sys.platform == "linux":
            import fcntl

            for descriptor in (self._stdin, self._stdout):
                # All pipes of a user have a bound together.
                with suppress(OSError):
                    fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE)

    def is_quiet(self) -> bool:
        """Say whether it runs and has written nothing that was not read."""
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        poll.register(self._stderr, select.POLLIN)
        return self.status is None and not poll.poll(0)

    def wait(self, deadline: float | None, cancellation: Stop) -> Arrival:
        """Wait until there is output, both streams have ended, or it is time to stop.

        `deadline` is in the seconds of `time.monotonic`.
        """
        poll = select.poll()
        poll.register(cancellation.fileno(), select.POLLIN)
        for descriptor in (self._stdout, self._stderr):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        while True:
            if self._stdout < 0 and self._stderr < 0:
                return Arrival(ended=True)
            if self._outbox and self._stdin >= 0:
                poll.register(self._stdin, select.POLLOUT)
            ready = dict(poll.poll(_milliseconds_until(deadline)))
            if cancellation.fileno() in ready:
                return Arrival(cancelled=True)
            if self._stdin in ready:
                poll.unregister(self._stdin)
                self._write()
            sent = self._is_large and not self._outbox
            stdout = self._read_stdout() if self._stdout in ready else None
            stderr = self._read_stderr() if self._stderr in ready else None
            if stdout == b"":
                poll.unregister(self._stdout)
                self._stdout = _closed(self._stdout)
            if stderr == b"":
                poll.unregister(self._stderr)
                self._stderr = _closed(self._stderr)
            late = deadline is not None and time.monotonic() >= deadline
            if stdout or stderr or late or sent:
                self._is_large = self._is_large and not sent
                return Arrival(stdout or b"", stderr or b"", timed_out=late)

    def _write(self) -> None:
        try:
            with memoryview(self._outbox) as queued:
                sent = os.write(self._stdin, queued)
        except BlockingIOError:
            return
        except BrokenPipeError:
            # The process has ended or closed its end; how it ended says what went wrong.
            self._stdin = _closed(self._stdin)
            return
        # At once, and not when all is sent: there may be more to send before that, again and again.
        del self._outbox[:sent]

    def _read_stdout(self) -> bytes:
        return os.read(self._stdout, self._most)

    def _read_stderr(self) -> bytes:
        return os.read(self._stderr, _READ)

    def end(self) -> int:
        """Kill the process if it runs, reap it, and return how it ended.

        The answer is its exit code, or the negative number of the signal that ended it.
        """
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except (ProcessLookupError, ChildProcessError):
                # Someone else in this program reaps every child; then nobody can know.
                self.status = -signal.SIGKILL
        return self.status

    def rest(self, deadline: float, cancellation: Stop) -> None:
        """See `capsule.process.process_protocol.Process.rest`."""
        if not _ENDS_ALONE or self._stderr < 0:
            return
        poll = select.poll()
        poll.register(cancellation.fileno(), select.POLLIN)
        # Without any event: that it hung up is told all the same.
        poll.register(self._stderr, 0)
        poll.poll(_milliseconds_until(deadline))

    def reap(self, deadline: float, cancellation: Stop) -> int:
        """Wait for a process whose streams have ended and return how it ended, as `end` does.

        It is killed when that takes longer than `deadline`.
        """
        if self.status is None and hasattr(os, "pidfd_open"):
            # A process can close its streams and stay; its pidfd says when it is gone.
            try:
                pidfd = os.pidfd_open(self.pid)
            except OSError:
                return self.end()
            try:
                poll = select.poll()
                poll.register(pidfd, select.POLLIN)
                poll.register(cancellation.fileno(), select.POLLIN)
                poll.poll(_milliseconds_until(deadline))
            finally:
                os.close(pidfd)
        elif self.status is None:
            self._look_until_gone(deadline, cancellation)
        return self.end()

    def _look_until_gone(self, deadline: float, cancellation: Stop) -> None:
        """Wait without a pidfd (macOS): look again and again, for a few milliseconds as a rule."""
        while not cancellation.cancelled and time.monotonic() < deadline:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return
            time.sleep(_LOOK_AGAIN)

    def close(self) -> None:
        """End the process and give back its pipes."""
        self.end()
        self._stdin = _closed(self._stdin)
        self._stdout = _closed(self._stdout)
        self._stderr = _closed(self._stderr)
        if self._parent_death is not None:
            self._parent_death.close()

    def __enter__(self) -> PosixProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def start(
    argv: list[str],
    environment: Mapping[str, str],
    confined: Callable[[Callable[[], int]], int],
) -> PosixProcess:
    """Start a process with three pipes, that ends when this program does.

    `confined` calls what it is given, after it has put up the walls that the process inherits, and
    returns the answer. The process inherits the pipes and nothing else. It is in another process
    group than this program: Ctrl-C on the terminal reaches capsule, which decides.

    Raises `OSError` when the program cannot be started.
    """
    group = 0 if _KERNEL_TELLS else _watched_group()
    pipes = _pipes(4 if _KERNEL_TELLS else 3)
    (stdin, my_stdin), (my_stdout, stdout), (my_stderr, stderr) = pipes[:3]
    parent_death = ParentDeathPipe(*pipes[3]) if _KERNEL_TELLS else None
    duplicates = [(stdin, 0), (stdout, 1), (stderr, 2)]
    if parent_death is not None:
        duplicates.append((parent_death.theirs, DESCRIPTOR))

    # Behind walls nothing can be imported any more.
    from capsule.child_process import spawn

    def start_alone(closed: Iterable[int]) -> int:
        return confined(
            lambda: spawn.spawn(
                argv, environment, duplicates=duplicates, group=group, closed=closed
            )
        )

    try:
        pid = spawn.alone(duplicates, start_alone)
    except BaseException:
        for descriptor in (my_stdin, my_stdout, my_stderr):
            os.close(descriptor)
        if parent_death is not None:
            parent_death.close()
        raise
    finally:
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
    if parent_death is not None:
        parent_death.tie(pid)
    return PosixProcess(pid, my_stdin, my_stdout, my_stderr, parent_death)


def _watched_group() -> int:
    from capsule.child_process import parent_death_macos

    return parent_death_macos.group()


def _pipes(count: int) -> list[tuple[int, int]]:
    """Open so many pipes, or none."""
    made: list[tuple[int, int]] = []
    try:
        while len(made) < count:
            made.append(_pipe())
    except BaseException:
        for end in sum(made, ()):
            os.close(end)
        raise
    return made


def _pipe() -> tuple[int, int]:
    """Open a pipe whose ends are not the standard descriptors, which a caller may have closed."""
    import fcntl

    ends = []
    for end in os.pipe():
        if end < _FIRST_FREE:
            ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE))
            os.close(end)
        else:
            ends.append(end)
    return ends[0], ends[1]


def _closed(descriptor: int) -> int:
    if descriptor >= 0:
        os.close(descriptor)
    return -1


def _milliseconds_until(deadline: float | None) -> int | None:
    if deadline is None:
        return None
    # Rounded up: waking a moment early would only spin.
    return max(0, int((deadline - time.monotonic()) * 1000) + 1)
