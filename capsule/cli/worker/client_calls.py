"""Calls of functions that a client offers: each is asked back over the lines that asked for a run.

A call goes out as a line with a number, and a line with that number brings what it gives. How many
there may be, and how large, is held by `capsule.runner.host_functions`, as for all functions of a
host; what is held here is that nobody waits for an answer that cannot come any more.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue

from capsule.cli.worker.line_fields import check_names, of_kind, text_of
from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.runner.call_dispatcher import CallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from capsule.cli.worker.offered_functions import AwaitedCall, OfferedFunction
    from capsule.process.cancel import Cancellation
    from capsule.runner.host_functions import HostFunctions

    # Writes a line, waiting for room until a run is over; says whether it is written.
    Say = Callable[[dict[str, Any], Cancellation], bool]

# Characters of the name of an error.
_LONGEST = 100


class _Raised(NamedTuple):
    """What the client says that a function has raised."""

    type: str
    message: str


class ClientCalls:
    """The calls of one client that wait for its answers.

    `say` writes a line; `changed` is told how many calls wait.
    """

    def __init__(self, say: Say, changed: Callable[[int], None]) -> None:
        self._say, self._changed = say, changed
        self._lock = threading.Lock()
        self._number = 0
        self._open: dict[int, SimpleQueue[Any]] = {}
        self._ended = False

    def __repr__(self) -> str:
        return f"<ClientCalls {len(self._open)} open>"

    def functions(self, offered: Sequence[OfferedFunction], identity: Any) -> HostFunctions | None:
        """Return the functions for one run, whose request has this id; None where there are none.

        Raises `UsageError` for a name that cannot be one.
        """

        def wait(work: Coroutine[Any, Any, Any], cancellation: Cancellation) -> Any:
            call: AwaitedCall = work.send(None)
            work.close()
            return self._made(call, identity, cancellation)

        if not offered:
            return None
        # For those who have any.
        from capsule.runner.host_functions import HostFunctions

        return HostFunctions({each.__name__: each for each in offered}, wait)

    def answer(self, fields: Mapping[str, Any]) -> None:
        """Take a line that answers a call. Raises `UsageError`; what waits goes on to wait."""
        check_names(fields, ("return", "value", "error"), "return")
        number = fields["return"]
        if ("value" in fields) == ("error" in fields):
            raise UsageError(
                'a line with "return" has a "value" or an "error"',
                hint='{"return": 1, "value": null}',
            )
        found = _raised(fields) if "error" in fields else (fields["value"],)
        with self._lock:
            # True is 1 for a dict, and no number of a call.
            queue = self._open.pop(number, None) if type(number) is int else None
            self._changed(len(self._open))
        if queue is None:
            raise UsageError(
                f"no call {shown(number)} waits for an answer: it has one, its run is over, "
                "or it never was"
            )
        queue.put(found)

    def end(self) -> None:
        """Take that no more answers come: what waits fails, and what is called from now on."""
        with self._lock:
            self._ended = True
            queues = tuple(self._open.values())
            self._open.clear()
            self._changed(0)
        for queue in queues:
            queue.put(_ended())

    def _made(self, call: AwaitedCall, identity: Any, cancellation: Cancellation) -> Any:
        queue: SimpleQueue[Any] = SimpleQueue()
        with self._lock:
            if self._ended:
                raise _ended()
            self._number += 1
            number = self._number
            self._open[number] = queue
            self._changed(len(self._open))

        def give_up() -> None:
            queue.put(_over())

        cancellation.attach(give_up)
        try:
            line = {
                "call": number,
                "id": identity,
                "name": call.name,
                "args": list(call.args),
                "kwargs": call.kwargs,
            }
            try:
                said = self._say(line, cancellation)
            except (ValueError, RecursionError) as error:
                raise CallError("failed", f"the arguments are not JSON: {error}") from None
            found = queue.get() if said else _over()
        finally:
            cancellation.detach(give_up)
            with self._lock:
                self._open.pop(number, None)
                self._changed(len(self._open))
        if isinstance(found, CallError):
            raise found
        if isinstance(found, _Raised):
            raise type(found.type, (Exception,), {})(found.message)
        return found[0]


def _ended() -> CallError:
    return CallError("failed", "the client answers no calls any more: its lines have ended")


def _over() -> CallError:
    return CallError("late", "the run is over")


def _raised(fields: Mapping[str, Any]) -> _Raised:
    said = of_kind(fields, "error", dict, None)
    if said is None:
        raise UsageError('"error" is an object: null', hint='{"type": "KeyError", "message": "a"}')
    check_names(said, ("type", "message"), '"error"')
    kind = text_of(said, "type", "Exception")
    if not kind.isprintable() or not 0 < len(kind) <= _LONGEST:
        raise UsageError(
            f'"type" is the name of an error: {shown(kind)}', hint='{"type": "KeyError"}'
        )
    return _Raised(kind, text_of(said, "message", ""))
