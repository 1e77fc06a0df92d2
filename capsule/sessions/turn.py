"""What a turn answers: an envelope, with what a notebook would show beside it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Self

from capsule.sdk.envelope import Envelope

if TYPE_CHECKING:
    from concurrent.futures import Future

    from capsule import envelope as plain
    from capsule.sessions.kept_turn import Answered, KeptState
    from capsule.sessions.scratch_files import FileChange


class State:
    """A handle of the state behind a turn: usable at once, with a name when it is kept."""

    def __init__(self, kept: Future[KeptState]) -> None:
        self._kept = kept

    def __repr__(self) -> str:
        kept = self._kept
        return f"<State {kept.result().name if kept.done() and not kept.exception() else '...'}>"

    @property
    def name(self) -> str:
        """Its name, waiting until it is kept. Raises `CapsuleError` where that failed."""
        return self._kept.result().name


class Kept:
    """What came of keeping a state: its name, and what the turn took of fuel."""

    def __init__(self, state: KeptState) -> None:
        self.name, self.fuel_consumed = state.name, state.fuel

    def __repr__(self) -> str:
        return f"<Kept {self.name}, {self.fuel_consumed} fuel>"


class Turn(Envelope):
    """The envelope of a turn, and more as attributes.

    `text` is the repr of the last expression's value, `result` the value where it is JSON;
    `displays` are what was shown, each the data by kind (images in base64); `files` what the turn
    did to the files of the working folder; `state` is a handle of what it left.
    """

    text: str
    displays: list[dict[str, Any]]
    files: list[FileChange]
    state: State
    _kept: Future[KeptState]

    @classmethod
    def of_answer(cls, answered: Answered) -> Self:
        """Return an answer as programs get it."""
        made = cls()
        made.update(Envelope.of(_plain(answered.envelope)))
        said = answered.envelope["result"] if answered.envelope["success"] else None
        shown: dict[str, Any] = said if isinstance(said, dict) else {}
        text, displays = shown.get("text", ""), shown.get("displays", [])
        made.__dict__["index"] = None
        made.__dict__["text"] = text if isinstance(text, str) else ""
        made.__dict__["displays"] = _displays(displays)
        made.__dict__["files"] = answered.changes
        made.__dict__["state"] = State(answered.kept)
        made.__dict__["_kept"] = answered.kept
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy, whose state is kept with this one's: frameworks copy what tools answer."""
        memo[id(self._kept)] = self._kept
        made = type(self)()
        made.update(deepcopy(dict(self), memo))
        made.__dict__.update(deepcopy(self.__dict__, memo))
        return made


def _plain(envelope: plain.Envelope) -> plain.Envelope:
    result = envelope["result"]
    value = result.get("value") if isinstance(result, dict) else None
    return {**envelope, "result": value}


def _displays(said: object) -> list[dict[str, Any]]:
    if not isinstance(said, list):
        return []
    return [each for each in said if isinstance(each, dict)]
