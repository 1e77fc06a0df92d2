"""What a sandbox asks of its host while it runs: each call is answered in a thread of its own.

The sandbox is hostile: what it asks is bounded in number and in bytes, and understood or refused.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.shared import frames
from capsule.wire import response_parser

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from capsule.process.wakeup_pipe import WakeupPipe

# Calls that are worked on at once; how many may be without an answer that was sent; and the bytes
# of all that wait or are worked on.
AT_ONCE = 16
MAX_CALLS = 10_000
MAX_OPEN = 64 << 20
# Answers that are ready and larger than this together keep those behind them waiting.
_MAX_READY = 64 << 20
# What reading the fields of a call may take of the host's memory.
_MAX_WEIGHT = 256 << 20


# What a sandbox asks when it wants no answer to an earlier call any more.
GIVE_UP = "give up"
# Of all that is asked, only tasks take so long that this is worth while.
_LASTING = "task"


class CallError(Exception):
    """Raised when the host does not do what it was asked.

    `kind` is "refused" where no policy allows it, "late" where it took too long, else "failed".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class HostCall(NamedTuple):
    """One call: what for, with which fields, and bytes that are no JSON."""

    op: str
    fields: dict[str, Any]
    data: bytes


class Answer(Protocol):
    """What does what a sandbox asks for; it runs in threads, and stops when cancelled."""

    def __call__(self, asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        """Return the fields and the bytes of the answer. Raises `CallError`."""


def unknown(asked: HostCall) -> CallError:
    """Return the error for a call that nobody answers."""
    return CallError("refused", f"there is nobody to do {asked.op[:100]!r}")


def nothing(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:  # noqa: ARG001
    """Refuse whatever is asked."""
    raise unknown(asked)


class CallDispatcher:
    """Takes the calls of one sandbox and gives the answers; `with` it, or call `close`."""

    def __init__(self, wakeup: WakeupPipe, answer: Answer) -> None:
        self._wakeup = wakeup
        self._answer = answer
        self._cancellation = Cancellation()
        # All of these change under the condition only.
        self._changed = threading.Condition()
        self._calls = 0
        # The tasks that were asked for, by the numbers of their calls: not begun, and running.
        self._waiting: set[int] = set()
        self._stops: dict[int, Cancellation] = {}
        self._open = 0
        self._replies: deque[bytes] = deque()
        self._ready = 0
        self._threads: ThreadPoolExecutor | None = None

    def take(self, payload: bytes) -> None:
        """Begin to answer a call.

        Raises `WireError` for one that is not understood, and for too much at once.
        """
        number, asked = _understood(payload)
        if asked.op == GIVE_UP:
            self._give_up(asked.fields.get("of"))
            return
        with self._changed:
            self._open += len(payload)
            self._calls += 1
            if self._open > MAX_OPEN:
                raise WireError(f"the sandbox asked for more than {MAX_OPEN:,} bytes at once")
            if self._calls > MAX_CALLS:
                raise WireError(f"the sandbox left more than {MAX_CALLS:,} calls unanswered")
            if asked.op == _LASTING:
                self._waiting.add(number)
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(AT_ONCE, "capsule-call")
        self._threads.submit(self._work, number, asked, len(payload))

    def _give_up(self, number: object) -> None:
        """Stop working on a call, or do not begin; it is answered all the same."""
        with self._changed:
            if type(number) is int:
                self._waiting.discard(number)
                if number in self._stops:
                    self._stops[number].cancel()

    def replies(self, room: int) -> list[bytes]:
        """Return the frames of answers that are ready, until they fill `room` bytes."""
        taken: list[bytes] = []
        with self._changed:
            while self._replies and room > 0:
                taken.append(self._replies.popleft())
                room -= len(taken[-1])
                self._ready -= len(taken[-1])
                self._calls -= 1
            if taken:
                self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Stop all that is worked on, and wait for it."""
        self._cancellation.cancel()
        with self._changed:
            self._changed.notify_all()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        self._cancellation.close()

    def _work(self, number: int, asked: HostCall, size: int) -> None:
        data = b""
        try:
            fields, data = self._answered(number, asked)
        except CallError as error:
            fields = {"error": error.kind, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the sandbox
            fields = {"error": "failed", "message": f"the host failed: {type(error).__name__}"}
        text = json.dumps({"call": number, **fields}).encode()
        reply = frames.frame(frames.REPLY, frames.pack_call(text, data))
        with self._changed:
            self._open -= size
            # Who does not read its answers gets no more of them to keep here.
            self._changed.wait_for(lambda: self._ready < _MAX_READY or self._cancellation.cancelled)
            self._replies.append(reply)
            self._ready += len(reply)
        self._wakeup.wake()

    def _answered(self, number: int, asked: HostCall) -> tuple[dict[str, Any], bytes]:
        if asked.op != _LASTING:
            return self._answer(asked, self._cancellation)
        with Cancellation() as stop:
            with self._changed:
                if number not in self._waiting:
                    raise CallError("failed", "it was given up before it began")
                self._waiting.discard(number)
                self._stops[number] = stop
            self._cancellation.attach(stop.cancel)
            try:
                return self._answer(asked, stop)
            finally:
                self._cancellation.detach(stop.cancel)
                with self._changed:
                    if self._stops.get(number) is stop:
                        del self._stops[number]

    def __enter__(self) -> CallDispatcher:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _understood(payload: bytes) -> tuple[int, HostCall]:
    try:
        text, data = frames.unpack_call(payload)
        if response_parser.weight(text) > _MAX_WEIGHT:
            raise WireError("the sandbox sent a call with too many parts")
        fields = json.loads(text)
        number, op = fields.pop("call"), fields.pop("op")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"the sandbox sent a call that is none: {type(error).__name__}") from None
    if type(number) is not int or not 0 < number < 1 << 62 or not isinstance(op, str):
        raise WireError("the sandbox sent a call without a number or a name")
    return number, HostCall(op, fields, data)
