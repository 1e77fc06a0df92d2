"""The requests of one program that are not answered yet: how many, of which names, and their end.

Lines are read only as fast as they are answered. But where a run waits for a line that is still
to come, the answer to a call of its own, reading goes on, and what there is no room for is refused.
"""

from __future__ import annotations

import json
import threading

from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.process.cancel import Cancellation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# Requests without an answer, and the bytes that they take in memory.
MOST, MOST_BYTES = 1_000, 256 << 20
# What is repeated in every line of a request is short.
_LONGEST_NAME = 1_000


class Request:
    """A request: its id, what it takes in memory, and how it is ended.

    `talks` is whether lines with its id come before the answer. `withdraw` takes it back where it
    has not begun, and says whether that is so; `dropped` is the answer of one that has not.
    """

    def __init__(self, identity: Any, size: int, *, talks: bool, dropped: dict[str, Any]) -> None:
        self.identity, self.size, self.talks, self.dropped = identity, size, talks, dropped
        self.name = name_of(identity)
        self.stop = Cancellation()
        self.withdraw: Callable[[], bool] = lambda: False

    def __repr__(self) -> str:
        return f"<Request {shown(self.identity)}>"


class RequestRegister:
    """Knows the requests that are not answered."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: set[Request] = set()
        self._bytes = 0
        # By the text of their ids; those without one cannot be named.
        self._named: dict[str, list[Request]] = {}
        self._begun: set[Request] = set()
        self._calls = 0
        self._stopped = False

    def __repr__(self) -> str:
        return f"<RequestRegister with {len(self._requests)} requests>"

    def admit(self, request: Request) -> None:
        """Take a request, waiting for room. Raises `UsageError` where it cannot be taken."""
        with self._changed:
            self._check_name(request)
            self._changed.wait_for(lambda: self._has_room(request) or self._calls or self._stopped)
            if not self._has_room(request) and not self._stopped:
                raise UsageError(
                    f"{len(self._requests):,} requests wait for their answers, which is the most, "
                    "and a call waits for what you write",
                    hint="answer the call, and send this again when others are answered",
                )
            self._requests.add(request)
            self._bytes += request.size
            if request.name:
                self._named.setdefault(request.name, []).append(request)
            if self._stopped:
                request.stop.cancel()

    def begin(self, request: Request) -> None:
        """Take that a request is worked on."""
        with self._changed:
            self._begun.add(request)

    def settle(self, request: Request) -> None:
        """Take that nothing of a request goes on; its id is free again."""
        with self._changed:
            self._begun.discard(request)
            self._forget(request)
            self._changed.notify_all()

    def leave(self, request: Request) -> None:
        """Take that a request is answered."""
        request.stop.close()
        with self._changed:
            self._requests.remove(request)
            self._bytes -= request.size
            self._changed.notify_all()

    def cancel(self, identity: Any) -> list[Request]:
        """Cancel the requests of an id, and return those that had not begun.

        Raises `UsageError` where there is none that can be.
        """
        with self._changed:
            found = self._named.get(name_of(identity), [])
            asked = [request for request in found if not request.stop.cancelled]
        if not asked:
            raise UsageError(
                f"no request {shown(identity)} is running"
                + (", but for one that is being cancelled" if found else "")
            )
        return self._end(asked)

    def stop(self) -> list[Request]:
        """Cancel all requests, also those to come; return those that had not begun."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            asked = tuple(self._requests)
        return self._end(asked)

    def note_calls(self, number: int) -> None:
        """Take how many calls wait for a line."""
        with self._changed:
            self._calls = number
            self._changed.notify_all()

    def wait_until_answered(self) -> None:
        """Wait until all requests are."""
        with self._changed:
            self._changed.wait_for(lambda: not self._requests)

    def wait_until_ended(self) -> None:
        """Wait until nothing of a request goes on; its answer need not be taken."""
        with self._changed:
            self._changed.wait_for(lambda: not self._begun)

    def _end(self, asked: Iterable[Request]) -> list[Request]:
        for request in asked:
            request.stop.cancel()
        return [request for request in asked if request.withdraw()]

    def _check_name(self, request: Request) -> None:
        if not request.talks:
            others = [other for other in self._named.get(request.name, []) if other.talks]
        elif not request.name or len(request.name) > _LONGEST_NAME:
            raise UsageError(
                f'what is answered by several lines needs an "id" of at most {_LONGEST_NAME:,} '
                f"characters: {shown(request.identity)}",
                hint='{"id": 1, ...}',
            )
        else:
            others = self._named.get(request.name, [])
        if others:
            raise UsageError(
                f"a request {shown(request.identity)} is running already", hint="another id"
            )

    def _has_room(self, request: Request) -> bool:
        fits = not self._bytes or self._bytes + request.size <= MOST_BYTES
        return len(self._requests) < MOST and fits

    def _forget(self, request: Request) -> None:
        same = self._named.get(request.name, [])
        if request in same:
            same.remove(request)
            if not same:
                del self._named[request.name]


def name_of(identity: Any) -> str:
    """Return the text that an id is known by, "" for null.

    >>> name_of({"b": 1, "a": True}), name_of(None)
    ('{"a": true, "b": 1}', '')
    """
    return "" if identity is None else json.dumps(identity, sort_keys=True)
