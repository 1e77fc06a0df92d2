"""What became of one program, problem or test of a suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from capsule import Envelope

_LONGEST = 300
# No text explains these away: the interpreter died, or broke the wire format.
CRASHES = ("sandbox_crashed", "protocol_error")


class Case(NamedTuple):
    """One case: `key` is SUITE/NAME, `said` a line on how it went, `crash` if the sandbox died."""

    key: str
    outcome: str
    said: str
    crash: bool = False

    @property
    def suite(self) -> str:
        """The suite that it is of.

        >>> Case("human-eval/12", "passed", "").suite
        'human-eval'
        """
        return self.key.partition("/")[0]


def ended(key: str, envelope: Envelope, said: str = "") -> Case:
    """Return what an envelope says of a case that was a run of its own."""
    error = envelope.error
    if error is None:
        return Case(key, "passed", said)
    text = f"{error.error_type}: {first_line(error.message)}"
    return Case(key, "failed", text, crash=error.error_type in CRASHES)


def first_line(text: str) -> str:
    r"""Return the first line of a message, cut where it is long.

    >>> first_line("no\nand why")
    'no'
    """
    lines = text.strip().splitlines() or [""]
    return lines[0][:_LONGEST]
