"""What a node answers to a chunk: made there, and read here as a stranger's.

Each envelope is JSON of its own inside of the answer, so that one that cannot be written or read
fails its item, and not what came with it.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, TypeVar

from capsule.envelope import refusal
from capsule.errors import EngineError
from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from capsule.envelope import Envelope

T = TypeVar("T")
_KEYS = refusal("", "engine_error", "").keys()
_EXECUTION = refusal("", "engine_error", "")["execution"].keys()


class ChunkAnswer(NamedTuple):
    """What came of a chunk's first items, in their order, by index, and the seconds that took.

    `refused` says why the node does nothing of the task, with its hint; `begun` that another worker
    had begun the chunk before.
    """

    node: str
    seconds: float = 0.0
    done: Sequence[tuple[int, Envelope]] = ()
    refused: tuple[str, str | None] | None = None
    begun: bool = False


def item_text(index: int, envelope: Envelope) -> str:
    """Return the JSON of what came of an item."""
    try:
        text = json.dumps(envelope)
    except RecursionError:
        text = json.dumps(_too_deep())
    return json.dumps([index, text])


def done_answer(node: str, seconds: float, done: Sequence[str]) -> bytes:
    """Return the answer that has what `item_text` made."""
    said = f'"node": {json.dumps(node)}, "seconds": {seconds}'
    return f'{{{said}, "done": [{", ".join(done)}]}}'.encode()


def read_answer(data: bytes) -> ChunkAnswer:
    """Return what an answer says. Raises `EngineError` for what is none."""
    node = ""
    try:
        said = json.loads(data)
        node = printable(_a(str, said["node"]))
        if "refused" in said:
            hint = said["refused"]["hint"]
            reason = _a(str, said["refused"]["message"])
            return ChunkAnswer(node, refused=(reason, hint if hint is None else _a(str, hint)))
        if "begun" in said:
            return ChunkAnswer(node, begun=True)
        done = [(_a(int, index), _envelope(text)) for index, text in said["done"]]
        seconds = _time(said["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        of = f"the node {node}" if node else "a node"
        raise EngineError(
            f"{of} answered what is no answer: {type(wrong).__name__}: {shown(str(wrong))}",
            hint="install the same version of capsule on all machines",
        ) from None
    return ChunkAnswer(node, seconds, done)


def _time(value: Any) -> float:
    seconds = float(value)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError("its seconds are no time")
    return seconds


def _envelope(text: str) -> Envelope:
    try:
        said: Any = json.loads(text)
    except RecursionError:
        return _too_deep()
    error = said["error"]
    if said.keys() != _KEYS or not said["execution"].keys() >= _EXECUTION:
        raise ValueError("an envelope has other keys")
    if _a(bool, said["success"]) != (error is None):
        raise ValueError("an envelope has an error and a success, or neither")
    if error is not None:
        _a(str, error["error_type"])
        _a(str, error["message"])
    found: Envelope = said
    return found


def _too_deep() -> Envelope:
    return refusal("", "protocol_error", "its answer is nested too deeply to travel")


def _a(kind: type[T], value: object) -> T:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected")
    return value
