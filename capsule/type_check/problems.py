"""What a type checker found in code, and how it is told."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Of one turn: as many as are told, and the characters of one.
_MOST, _LONG = 20, 400


class TypeProblem(NamedTuple):
    """One type error: the line and column where it is, from 1, what is wrong, and the rule.

    >>> print(TypeProblem(2, 5, "Name `x` used when not defined", "unresolved-reference"))
    line 2: Name `x` used when not defined (unresolved-reference)
    """

    line: int
    column: int
    message: str
    rule: str

    def __str__(self) -> str:
        said = self.message if len(self.message) <= _LONG else f"{self.message[:_LONG]}..."
        return f"line {self.line}: {said} ({self.rule})"


def listed(problems: Sequence[TypeProblem]) -> str:
    """Return the message of a turn that was not run for them.

    >>> print(listed([TypeProblem(1, 1, "Name `x` used when not defined", "unresolved-reference")]))
    1 type error, and nothing was run:
    line 1: Name `x` used when not defined (unresolved-reference)
    """
    count = len(problems)
    lines = [f"{count} type error{'s' * (count > 1)}, and nothing was run:"]
    lines += map(str, problems[:_MOST])
    if count > _MOST:
        lines.append(f"({count - _MOST} more)")
    return "\n".join(lines)
