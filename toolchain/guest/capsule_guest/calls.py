"""Asking the host for something, while the task runs."""

from __future__ import annotations

import itertools
import json

from capsule.shared.frames import CALL, MAX_CALL, MAX_FIELDS, pack_call, unpack_call
from capsule.shared.json_scalars import scalar
from capsule_guest import results
from capsule_guest.channel import receive, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future

_numbers = itertools.count(1)
# Answers that came while another was waited for, and who waits for one in an event loop.
_answers: dict[int, tuple[dict, bytes]] = {}
_waiting: dict[int, Future] = {}
# Those that nobody wants the answer of any more; it comes all the same.
_given_up: set[int] = set()
# Not empty when the task has answered: nobody is there any more to do what is asked.
_over: list[bool] = []
_HOST = 0
_SMALL = 1 << 12
_OF_A_TASK = {"call", "op", "name", "args", "kwargs"}
_encode = json.JSONEncoder(allow_nan=False, default=scalar).encode


class CallError(Exception):
    """Raised when the host does not do what it was asked.

    `kind` is "refused", "late" or "failed".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def call(op: str, fields: dict, data: bytes = b"") -> tuple[dict, bytes]:
    """Ask, and wait for the answer: its fields and its bytes."""
    number = _ask(op, fields, data)
    while number not in _answers:
        _take()
    return _checked(*_answers.pop(number))


async def call_async(op: str, fields: dict, data: bytes = b"") -> tuple[dict, bytes]:
    """Ask, and let the event loop go on until the answer is there."""
    import asyncio

    loop = asyncio.get_running_loop()
    future = loop.create_future()
    number = _ask(op, fields, data)
    if not _waiting:
        loop.add_reader(_HOST, _take)
    _waiting[number] = future
    try:
        return _checked(*await future)
    except asyncio.CancelledError:
        if number in _waiting and (future.cancelled() or not future.done()):
            _given_up.add(number)
            _ask("give up", {"of": number}, b"")
        raise
    finally:
        _waiting.pop(number, None)
        if not _waiting:
            loop.remove_reader(_HOST)


def refuse() -> None:
    """Ask for nothing from now on: the task has answered."""
    _over.append(True)


def _ask(op: str, fields: dict, data: bytes) -> int:
    if _over:
        raise CallError("refused", "the task has answered already, and its program is ending")
    number = next(_numbers)
    asked = {"call": number, "op": op, **fields}
    if asked.keys() == _OF_A_TASK and not data:
        name = asked["name"]
        args = _arguments(asked.pop("args"), f"args of {name}")
        kwargs = _arguments(asked.pop("kwargs"), f"kwargs of {name}")
        said = _encode(asked)
        if len(args) + len(kwargs) > _SMALL:
            # What is large goes behind the fields: the host passes it on unread.
            data = f"[{args}, {kwargs}]".encode()
        else:
            said = f'{said[:-1]}, "args": {args}, "kwargs": {kwargs}}}'
        text = said.encode()
    else:
        text = _encode(asked).encode()
    call = pack_call(text, data)
    for size, most in ((len(call), MAX_CALL), (len(text), MAX_FIELDS)):
        if size > most:
            # The host would end the sandbox for it.
            raise CallError("failed", f"{size:,} bytes are asked with; at most {most:,} can be")
    send(CALL, call)
    return number


def _arguments(value: object, name: str) -> str:
    """Return what a task is called with as JSON. Raises `TypeError` for what is none."""
    try:
        return results.to_json(value, _encode)
    except (TypeError, ValueError, RecursionError) as error:
        said = results.reason(value, error, name)
        raise TypeError(f"the arguments are not JSON: {said}") from None


def _take() -> None:
    text, data = unpack_call(receive()[1])
    fields = json.loads(text)
    number = fields.pop("call")
    future = _waiting.get(number)
    if number in _given_up:
        _given_up.discard(number)
    elif future is None:
        _answers[number] = fields, data
    elif not future.done():
        future.set_result((fields, data))


def _checked(fields: dict, data: bytes) -> tuple[dict, bytes]:
    if "error" in fields:
        raise CallError(fields["error"], fields["message"])
    return fields, data
