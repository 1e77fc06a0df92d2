"""The worker's protocol for programs: a line of JSON asks for a run, a line of JSON answers.

In: `{"id", "file", "args", "kwargs", "mounts"}`, and `"cwd"` and `"limits"` where they are needed.
Out: `{"id", "output"}` with the envelope, or `{"id", "error"}` for what could not be run at all.
Answers come as the runs end, so the id says which is which. A line that is not understood is
answered, with the id if it had one, and the next one is read.
"""

from __future__ import annotations

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor

from capsule.cli.worker.descriptor_watch import watch_descriptor
from capsule.errors import CapsuleError, UsageError
from capsule.message_text import nearest, shown
from capsule.pool import slots
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.observer import NOBODY
from capsule.sdk.requests import call_of, source_of
from capsule.shared.frames import MAX_BODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, BinaryIO

    from capsule.envelope import Envelope
    from capsule.pool.prepared_task_cache import PreparedTaskCache

_FIELDS = ("id", "file", "args", "kwargs", "mounts", "cwd", "limits")
# A request's arguments may be as large as the wire takes, and its other fields are small.
MAX_LINE = MAX_BODY + (1 << 20)
_SKIPPED_AT_ONCE = 1 << 20


class JsonLines:
    """Answers the lines of one program; `with` it, or call `close`.

    `working` is the folder that names of files are relative to.
    """

    def __init__(
        self, prepared_tasks: PreparedTaskCache, home: Path, working: Path, output: BinaryIO
    ) -> None:
        self._prepared_tasks, self._home, self._working = prepared_tasks, home, working
        self._output = output
        self._writing = threading.Lock()
        self._threads = ThreadPoolExecutor(slots.SHARED.most, "capsule-line")
        # Lines are read only as fast as they are answered.
        self._free = threading.BoundedSemaphore(2 * slots.SHARED.most)
        self._changed = threading.Condition()
        self._running: set[Cancellation] = set()
        self._stopped = False

    def follow(self, source: BinaryIO) -> None:
        """Read lines until there are no more, or nobody takes answers; wait for all answers."""
        # Whoever reads the answers may be gone, and what runs might never write one.
        with watch_descriptor(self._output.fileno(), 0, self.cancel):
            self._read(source)
            self._threads.shutdown()

    def _read(self, source: BinaryIO) -> None:
        while not self._stopped and (line := source.readline(MAX_LINE + 1)):
            if len(line) > MAX_LINE and not line.endswith(b"\n"):
                while (rest := source.readline(_SKIPPED_AT_ONCE)) and not rest.endswith(b"\n"):
                    pass
                self._refuse(None, UsageError(f"a line has more than {MAX_LINE:,} bytes"))
            elif line.strip():
                self._free.acquire()
                self._threads.submit(self._work, line)

    def cancel(self) -> None:
        """End everything that runs; safe from any thread."""
        self._stopped = True
        with self._changed:
            running = tuple(self._running)
        for cancellation in running:
            cancellation.cancel()

    def close(self) -> None:
        """End what runs, and wait until it has ended; not for who takes no answers."""
        self.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._changed:
            self._changed.wait_for(lambda: not self._running)

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _work(self, line: bytes) -> None:
        identity: Any = None
        try:
            request = _parsed(line)
            identity = request.get("id")
            _check_names(request)
            self._say({"id": identity, "output": self._run(request)})
        except CapsuleError as error:
            self._refuse(identity, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next line must be answered
            self._refuse(identity, CapsuleError(f"the worker failed: {type(error).__name__}"))
        finally:
            self._free.release()

    def _run(self, request: dict[str, Any]) -> Envelope:
        file, cwd = request.get("file"), request.get("cwd")
        if file is None:
            raise UsageError('a line needs a "file"', hint='{"id": 1, "file": "hello.py"}')
        if not isinstance(file, str) or not isinstance(cwd, str | None):
            raise UsageError(f'"file" is a name, and so is "cwd": {shown(file)}, {shown(cwd)}')
        working = self._working if cwd is None else self._working / cwd
        call = call_of(
            _of_kind(request, "args", list, []),
            _of_kind(request, "kwargs", dict, {}),
            _of_kind(request, "mounts", list, []),
            _of_kind(request, "limits", dict, {}),
            cwd=working,
        )
        source = source_of(file, working, self._home)
        with Cancellation() as cancellation:
            with self._changed:
                self._running.add(cancellation)
            progress = CancellableProgress(Silent(), cancellation)
            try:
                if self._stopped:
                    cancellation.cancel()
                return self._prepared_tasks.run(source, call, NOBODY, cancellation, progress)
            finally:
                with self._changed:
                    self._running.discard(cancellation)
                    self._changed.notify_all()

    def _refuse(self, identity: Any, error: CapsuleError) -> None:
        said = {"error_type": error.code, "message": str(error)}
        self._say({"id": identity, "error": said})

    def _say(self, answer: dict[str, Any]) -> None:
        try:
            data = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:
            # Half of a pair, in an id: as it came, or nobody would know the answer by it.
            data = json.dumps(answer, allow_nan=False).encode()
        try:
            with self._writing:
                self._output.write(data + b"\n")
                self._output.flush()
        except (OSError, ValueError):
            # Whoever asked is gone, or takes nothing more.
            self.cancel()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"a line is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise UsageError("a line is a JSON object", hint='{"id": 1, "file": "hello.py"}')
    return request


def _check_names(request: dict[str, Any]) -> None:
    for name in request:
        if name not in _FIELDS:
            raise UsageError(
                f"there is no field {shown(name)}; there are {', '.join(_FIELDS)}",
                hint=nearest(name, _FIELDS),
            )


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        # As an id it could not be said in the answer.
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _of_kind(request: dict[str, Any], name: str, kind: type, otherwise: Any) -> Any:
    value = request.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, kind):
        what = "a list" if kind is list else "an object"
        raise UsageError(f'"{name}" is {what}: {shown(value)}')
    return value
