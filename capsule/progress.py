"""How long work tells the outside how far it is, without knowing who listens.

Functions that download or compile take a `Progress`; only the command line draws one.
"""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol
else:
    Protocol = object


class Step(NamedTuple):
    """One piece of long work.

    `total` is in `unit`: bytes to move, items to run (0 when nobody knows), or the seconds that
    the work usually takes (a compile cannot say how far it is, only how long it has been going).
    """

    label: str
    total: float
    unit: Literal["bytes", "seconds", "items"]


class Tracker(Protocol):
    """What a running step reports to; leaving the `with` block ends the step."""

    def update(self, done: float) -> None:
        """Say how much is done so far, in the unit of the step."""

    def __enter__(self) -> Tracker: ...

    def __exit__(self, kind: object, *rest: object) -> None: ...


class Progress(Protocol):
    """Where long work is announced."""

    def step(self, step: Step) -> Tracker:
        """Begin `step`; use the answer in a `with` statement."""

    def note(self, text: str) -> None:
        """Say one line that stands on its own."""


class Silent:
    """The `Progress` that says nothing: for programs and for `--quiet`."""

    def step(self, step: Step) -> Silent:  # noqa: ARG002 - the protocol's signature
        return self

    def note(self, text: str) -> None:
        """Ignore `text`."""

    def update(self, done: float) -> None:
        """Ignore `done`."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """End nothing."""
