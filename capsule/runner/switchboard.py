"""What a sandbox asks of its host while it runs: each call is answered in a thread of its own.

The sandbox is hostile: what it asks is bounded in number and in bytes, and understood or refused.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Protocol

from capsule.errors import WireError
from capsule.named import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.shared import frames
from capsule.wire import answers

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from capsule.process.bell import Bell

# Calls that are worked on at once, and the bytes of all that wait or are worked on.
AT_ONCE = 16
MAX_OPEN = 64 << 20
# What reading the fields of a call may take of the host's memory.
_MAX_WEIGHT = 256 << 20


class CallError(Exception):
    """Raised when the host does not do what it was asked.

    `kind` is "refused" where no policy allows it, "late" where it took too long, else "failed".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Asked(NamedTuple):
    """One call: what for, with which fields, and bytes that are no JSON."""

    op: str
    fields: dict[str, Any]
    data: bytes


class Answer(Protocol):
    """What does what a sandbox asks for; it runs in threads, and stops when cancelled."""

    def __call__(self, asked: Asked, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        """Return the fields and the bytes of the answer. Raises `CallError`."""


def unknown(asked: Asked) -> CallError:
    """Return the error for a call that nobody answers."""
    return CallError("refused", f"there is nobody to do {asked.op[:100]!r}")


def nothing(asked: Asked, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:  # noqa: ARG001
    """Refuse whatever is asked."""
    raise unknown(asked)


class Switchboard:
    """Takes the calls of one sandbox and gives the answers; `with` it, or call `close`."""

    def __init__(self, bell: Bell, answer: Answer) -> None:
        self._bell = bell
        self._answer = answer
        self._cancellation = Cancellation()
        self._lock = threading.Lock()
        self._open = 0
        self._replies: list[bytes] = []
        self._threads: ThreadPoolExecutor | None = None

    def take(self, payload: bytes) -> None:
        """Begin to answer a call.

        Raises `WireError` for one that is not understood, and for too much at once.
        """
        number, asked = _understood(payload)
        with self._lock:
            self._open += len(payload)
            if self._open > MAX_OPEN:
                raise WireError(f"the sandbox asked for more than {MAX_OPEN:,} bytes at once")
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(AT_ONCE, "capsule-call")
        self._threads.submit(self._work, number, asked, len(payload))

    def replies(self) -> list[bytes]:
        """Return the frames of the answers that are ready."""
        with self._lock:
            ready, self._replies = self._replies, []
        return ready

    def close(self) -> None:
        """Stop all that is worked on, and wait for it."""
        self._cancellation.cancel()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        self._cancellation.close()

    def _work(self, number: int, asked: Asked, size: int) -> None:
        data = b""
        try:
            fields, data = self._answer(asked, self._cancellation)
        except CallError as error:
            fields = {"error": error.kind, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the sandbox
            fields = {"error": "failed", "message": f"the host failed: {type(error).__name__}"}
        text = json.dumps({"call": number, **fields}).encode()
        with self._lock:
            self._open -= size
            self._replies.append(frames.frame(frames.REPLY, frames.pack_call(text, data)))
        self._bell.ring()

    def __enter__(self) -> Switchboard:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _understood(payload: bytes) -> tuple[int, Asked]:
    try:
        text, data = frames.unpack_call(payload)
        if answers.weight(text) > _MAX_WEIGHT:
            raise WireError("the sandbox sent a call with too many parts")
        fields = json.loads(text)
        number, op = fields.pop("call"), fields.pop("op")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"the sandbox sent a call that is none: {type(error).__name__}") from None
    if type(number) is not int or not 0 < number < 1 << 62 or not isinstance(op, str):
        raise WireError("the sandbox sent a call without a number or a name")
    return number, Asked(op, fields, data)
