"""What a sandbox asks of its host while it runs: each call is answered in a thread of its own.

The sandbox is hostile: what it asks is bounded in number and in bytes, and understood or refused.
What waits does so as the bytes that came.
"""

from __future__ import annotations

import re
import threading
from collections import deque

from capsule import direct_json
from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.runner.memory_budget import RunMemory
from capsule.shared import frames
from capsule.wire import response_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any, Protocol

    from capsule.process.wakeup_pipe import WakeupPipe
    from capsule.runner.memory_budget import Hold

    Data = bytes | bytearray
else:
    Protocol = object

# Calls that are worked on at once, tasks and others, and how many may be without an answer that
# was sent. As many requests can be open as may hold a thread each, and what ends one must not wait.
TASKS_AT_ONCE, AT_ONCE = 16, 24
MAX_CALLS = 10_000
# Answers that are ready and larger than this together keep those behind them waiting.
_MAX_READY = 4 << 20
# What the fields of a call may weigh; what is more goes behind them, as bytes.
_MAX_WEIGHT = 4 << 20
# What is larger is sent in pieces of this size.
_PIECE = 1 << 20

# How the guest begins the fields of a call, none of which is escaped.
_BEGIN = rb'\{"call": ([1-9][0-9]{0,17}), "op": "([a-z. ]{1,100})"'

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
    """One call: what for, with which fields, and bytes that are no JSON.

    `hold` is the room that a large answer to it needs, out of the memory of the run.
    """

    op: str
    fields: dict[str, Any]
    data: memoryview
    hold: Hold


class Answer(Protocol):
    """What does what a sandbox asks for; it runs in threads, and stops when cancelled."""

    def __call__(self, asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], Data]:
        """Return the fields and the bytes of the answer. Raises `CallError`."""


def unknown(asked: HostCall) -> CallError:
    """Return the error for a call that nobody answers."""
    return CallError("refused", f"there is nobody to do {asked.op[:100]!r}")


def nothing(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], Data]:  # noqa: ARG001
    """Refuse whatever is asked."""
    raise unknown(asked)


class _Reply(NamedTuple):
    """An answer that is ready, in pieces, and the room that it has."""

    pieces: deque[bytes | memoryview]
    hold: Hold


class CallDispatcher:
    """Takes the calls of one sandbox and gives the answers; `with` it, or call `close`.

    `memory` is what the sandboxes of its run share.
    """

    def __init__(self, wakeup: WakeupPipe, answer: Answer, memory: RunMemory | None = None) -> None:
        self._wakeup = wakeup
        self._answer = answer
        self._memory = memory or RunMemory()
        self._cancellation = Cancellation()
        # All of these change under the condition only.
        self._changed = threading.Condition()
        self._calls = self._given_up = 0
        # The tasks that were asked for, by the numbers of their calls: not begun, and running.
        self._waiting: set[int] = set()
        self._stops: dict[int, Cancellation] = {}
        self._open, self._room = 0, self._memory.calls.hold()
        self._replies: deque[_Reply] = deque()
        self._ready = 0
        self._threads: dict[int, ThreadPoolExecutor] = {}

    def expect(self, size: int) -> None:
        """Have room for a call of so many bytes, which comes. Raises `WireError`."""
        with self._changed:
            if not self._room.try_resize(self._open + size):
                raise WireError(
                    f"the sandbox asked for more than {self._memory.calls.most:,} bytes at once,"
                    " with the tasks of its run"
                )

    def take(self, payload: bytes | bytearray) -> None:
        """Begin to answer a call.

        Raises `WireError` for one that is not understood, and for too much at once.
        """
        self.expect(len(payload))
        # Read again when it is worked on: parsed, it takes many times its text.
        with self._memory.parsing:
            number, op, of = _named(_split(payload)[0])
        if op == GIVE_UP:
            self._give_up(of)
            return
        with self._changed:
            self._open += len(payload)
            self._calls += 1
            if self._calls > MAX_CALLS:
                raise WireError(f"the sandbox left more than {MAX_CALLS:,} calls unanswered")
            if op == _LASTING:
                self._waiting.add(number)
        at_once = TASKS_AT_ONCE if op == _LASTING else AT_ONCE
        if at_once not in self._threads:
            from concurrent.futures import ThreadPoolExecutor

            self._threads[at_once] = ThreadPoolExecutor(at_once, "capsule-call")
        self._threads[at_once].submit(self._work, number, op, payload)

    def _give_up(self, number: object) -> None:
        """Stop working on a call, or do not begin; it is answered all the same.

        Raises `WireError` for more of these than there can be calls to give up.
        """
        with self._changed:
            # It was made for this one, which is gone.
            self._room.try_resize(self._open)
            self._given_up += 1
            if self._given_up > MAX_CALLS:
                raise WireError(f"the sandbox gave up more than {MAX_CALLS:,} calls at once")
            if type(number) is int:
                self._waiting.discard(number)
                if number in self._stops:
                    self._stops[number].cancel()

    def replies(self, room: int) -> list[bytes | memoryview]:
        """Return the frames of answers that are ready, until they fill `room` bytes.

        One that is large comes in pieces.
        """
        taken: list[bytes | memoryview] = []
        with self._changed:
            while self._replies and room > 0:
                reply = self._replies[0]
                taken.append(reply.pieces.popleft())
                room -= len(taken[-1])
                self._ready -= len(taken[-1])
                if not reply.pieces:
                    self._replies.popleft().hold.release()
                    self._calls -= 1
                    # Whoever gives up one call after another takes their answers all the same.
                    self._given_up = max(self._given_up - 1, 0)
            if taken:
                self._changed.notify_all()
        return taken

    def abandon(self) -> None:
        """Stop all that is worked on, and keep no answer: nobody will read one any more."""
        self._cancellation.cancel()
        with self._changed:
            self._drop()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop all that is worked on, and wait for it."""
        self.abandon()
        for threads in self._threads.values():
            threads.shutdown(cancel_futures=True)
        self._drop()
        self._room.release()
        self._cancellation.close()

    def _drop(self) -> None:
        while self._replies:
            self._replies.popleft().hold.release()

    def _work(self, number: int, op: str, payload: bytes | bytearray) -> None:
        hold = self._memory.answers.hold()
        data: Data = b""
        try:
            fields, data = self._answered(number, op, payload, hold)
        except CallError as error:
            fields = {"error": error.kind, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the sandbox
            fields = {"error": "failed", "message": f"the host failed: {type(error).__name__}"}
        if not data:
            hold.release()
        pieces = _pieces(direct_json.dumps({"call": number, **fields}).encode(), data)
        del fields, data
        with self._changed:
            self._open -= len(payload)
            self._room.try_resize(self._open)
            # Who does not read its answers gets no more of them to keep here.
            self._changed.wait_for(lambda: self._ready < _MAX_READY or self._cancellation.cancelled)
            if self._cancellation.cancelled:
                hold.release()
                return
            self._replies.append(_Reply(pieces, hold))
            self._ready += sum(map(len, pieces))
        self._wakeup.wake()

    def _answered(
        self, number: int, op: str, payload: bytes | bytearray, hold: Hold
    ) -> tuple[dict[str, Any], Data]:
        text, data = _split(payload)
        if response_parser.weight(text) > _MAX_WEIGHT:
            raise CallError("failed", f"the fields of {op[:100]!r} have too many parts")
        asked = HostCall(op, _understood(text)[2], data, hold)
        if op != _LASTING:
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


def _split(payload: bytes | bytearray) -> tuple[bytes, memoryview]:
    """Return the JSON of a call and what follows it, which is not copied. Raises `WireError`."""
    end = 4 + int.from_bytes(payload[:4], "little")
    if end > len(payload):
        raise WireError("the sandbox sent a call that is none: it announces more than is there")
    if end - 4 > frames.MAX_FIELDS:
        raise WireError(f"the sandbox sent a call with more than {frames.MAX_FIELDS:,} of JSON")
    return bytes(payload[4:end]), memoryview(payload)[end:]


def _understood(text: bytes) -> tuple[int, str, dict[str, Any]]:
    """Return the number, the name and the other fields of a call. Raises `WireError`."""
    try:
        fields = direct_json.loads(text)
        number, op = fields.pop("call"), fields.pop("op")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"the sandbox sent a call that is none: {type(error).__name__}") from None
    if type(number) is not int or not 0 < number < 1 << 62 or not isinstance(op, str):
        raise WireError("the sandbox sent a call without a number or a name")
    return number, op, fields


def _named(text: bytes) -> tuple[int, str, object]:
    """Return the number and the name of a call, and what it gives up. Raises `WireError`.

    One of too many parts is not parsed for that. It has to begin as the guest's own calls do, so
    that it can be answered; and nothing is given up in so many parts.
    """
    if response_parser.weight(text) <= _MAX_WEIGHT:
        number, op, fields = _understood(text)
        return number, op, fields.get("of")
    begin = re.match(_BEGIN, text)
    if begin is None or begin[2].decode() == GIVE_UP:
        raise WireError("the sandbox sent a call of too many parts")
    return int(begin[1]), begin[2].decode(), None


def _pieces(text: bytes, data: Data) -> deque[bytes | memoryview]:
    """Return the frame of an answer, with large bytes as they lie: each copy takes their size."""
    length = 4 + len(text) + len(data)
    head = frames.HEADER.pack(frames.REPLY, length) + len(text).to_bytes(4, "little") + text
    if len(data) <= _PIECE:
        return deque([head + data])
    view = memoryview(data)
    return deque([head, *(view[at : at + _PIECE] for at in range(0, len(view), _PIECE))])
