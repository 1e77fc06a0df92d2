"""Whether a row is one that capsule can have written.

The files of the record can be damaged, or be of somebody else. What is read of them is shown, and
names files of hosts: a row that is not sound is no row.
"""

from __future__ import annotations

from capsule.lifecycle.events import HOWS, STATES
from capsule.lifecycle.schema import Attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXTS = {"id", "run", "task", "state", "host", "host_started"}
_NUMBERS = {"depth", "number", "created_ns", "host_pid", "compute", "landlock", "seccomp"}
_OPTIONAL_TEXTS = {
    "parent", "retry_of", "file", "how", "error_type", "message", "traceback", "host_requests",
    "stdout", "stderr",
}  # fmt: skip
_KINDS: tuple[tuple[type, ...], ...] = tuple(
    (str,)
    if name in _TEXTS
    else (int,)
    if name in _NUMBERS
    else (str, type(None))
    if name in _OPTIONAL_TEXTS
    else (int, type(None))
    for name in Attempt._fields
)
_HOWS = (None, *HOWS)
# Of SQLite; all that capsule counts is far below it, and nothing is below zero.
_MOST = (1 << 63) - 1
# Far more than tasks may call each other: whoever draws a tree goes down by as much.
_DEEPEST = 100


def is_sound(values: Sequence[object]) -> bool:
    """Say whether these are the values of a row, in the order of the columns."""
    if len(values) != len(_KINDS):
        return False
    for value, kinds in zip(values, _KINDS, strict=True):
        if type(value) not in kinds or (type(value) is int and not 0 <= value <= _MOST):
            return False
        if type(value) is str and not _can_be_written(value):
            return False
    row = Attempt(*values)  # type: ignore[arg-type]
    name, _, count = row.id.rpartition(".")
    return (
        name == row.run
        and all(part.isascii() and part.isalnum() for part in (name, row.host))
        and count.isascii()
        and count.isdecimal()
        and row.depth <= _DEEPEST
        and row.state in STATES
        and row.how in _HOWS
    )


def _can_be_written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
