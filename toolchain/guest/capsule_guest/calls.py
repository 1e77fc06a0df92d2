"""Asking the host for something, while the task runs."""

from __future__ import annotations

import itertools
import json

from capsule.shared.frames import CALL, MAX_CALL, MAX_FIELDS, pack_call, unpack_call
from capsule.shared.json_scalars import scalar
from capsule_guest import pauses, results
from capsule_guest.channel import receive, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_numbers = itertools.count(1)
# Calls without an answer, each with who is told of it; None where somebody looks for it himself.
_open: dict[int, Callable[[tuple[dict, bytes]], None] | None] = {}
# Answers that came while another was waited for.
_answers: dict[int, tuple[dict, bytes]] = {}
# Not empty when the task has answered: nobody is there any more to do what is asked.
_over: list[bool] = []
# While the host does these, others have their turn. Not so with what leads to them: whoever waits
# below another on the stack has sent all that he has to send.
_LASTING = frozenset(("task", "tool", "http.answer", "http.read"))
_OFTEN_SOON, _SOON = frozenset(("http.read",)), 0.005
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
    number = ask(op, fields, data)
    if pauses.others and op in _LASTING and not (op in _OFTEN_SOON and comes(_SOON)):
        pauses.ways["wait"](lambda: number in _answers, None, "the host")
    while number not in _answers:
        take()
    return answer(number)


async def call_async(op: str, fields: dict, data: bytes = b"") -> tuple[dict, bytes]:
    """Ask, and let the event loop go on until the answer is there."""
    import asyncio

    future = asyncio.get_running_loop().create_future()

    def tell(answered: tuple[dict, bytes]) -> None:
        if not future.done():
            future.set_result(answered)

    number = ask(op, fields, data, tell)
    try:
        return checked(*await future)
    except asyncio.CancelledError:
        if number in _open:
            forget(number)
            ask("give up", {"of": number})
        raise


def refuse(refused: bool = True) -> None:
    """Ask for nothing from now on: the task has answered."""
    _over[:] = [True] if refused else []


def outstanding() -> bool:
    """Say whether the host owes an answer."""
    return bool(_open)


def comes(seconds: float = 0) -> bool:
    """Say whether an answer begins to come, waiting for so many seconds."""
    poll = _poll()
    poll.register(0, 1)
    return bool(poll.poll(seconds * 1000))


def _poll():  # type: ignore[no-untyped-def]
    from select import poll

    return poll()


def has_answer(number: int) -> bool:
    """Say whether the answer to a call is there."""
    return number in _answers


def answer(number: int) -> tuple[dict, bytes]:
    """Return the answer to a call, which is there. Raises `CallError`."""
    return checked(*_answers.pop(number))


def forget(number: int) -> None:
    """Want no answer to a call any more; it comes all the same."""
    if number in _open:
        _open[number] = _ignore


def _ignore(answered: tuple[dict, bytes]) -> None:
    """Take an answer that nobody wants."""


def ask(
    op: str,
    fields: dict,
    data: bytes = b"",
    tell: Callable[[tuple[dict, bytes]], None] | None = None,
) -> int:
    """Ask, and return the number of the call; `tell` is given the answer when it is taken.

    Raises `CallError` for what is too large, and when the task has answered already.
    """
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
    if op != "give up":
        _open[number] = tell
    return number


def _arguments(value: object, name: str) -> str:
    """Return what a task is called with as JSON. Raises `TypeError` for what is none."""
    try:
        return results.to_json(value, _encode)
    except (TypeError, ValueError, RecursionError) as error:
        said = results.reason(value, error, name)
        raise TypeError(f"the arguments are not JSON: {said}") from None


def take() -> None:
    """Take the next answer, waiting for it."""
    text, data = unpack_call(receive()[1])
    fields = json.loads(text)
    number = fields.pop("call")
    tell = _open.pop(number, _ignore)
    if tell is None:
        _answers[number] = fields, data
    else:
        tell((fields, data))


def checked(fields: dict, data: bytes) -> tuple[dict, bytes]:
    """Return an answer as it came. Raises `CallError` where it says that nothing was done."""
    if "error" in fields:
        raise CallError(fields["error"], fields["message"])
    return fields, data
