"""`threading.local` for strands: what each keeps is put in place whenever it has its turn.

The interpreter's own has one dictionary for its one thread, and is as fast as ever while there are
no strands.
"""

from __future__ import annotations

import _thread
from weakref import ref

from capsule_guest.threads import strands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Kept = tuple[ref[Any], tuple, dict, dict[int, dict]]

_all: dict[int, Kept] = {}


class local(_thread._local):  # noqa: N801 - as `threading` calls it
    """Attributes whose values differ from thread to thread."""

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls, *args, **kwargs)
        number = id(made)
        _all[number] = (ref(made, lambda _: _all.pop(number, None)), args, kwargs, {})
        strands.exchange = exchange
        return made


def exchange(old: int, new: int) -> None:
    """Put away what the thread `old` keeps, and lay out what `new` does."""
    for found, args, kwargs, kept in [*_all.values()]:
        owner = found()
        if owner is None:
            continue
        values = owner.__dict__
        kept[old] = dict(values)
        values.clear()
        if new in kept:
            values.update(kept.pop(new))
        elif type(owner).__init__ is not object.__init__:
            owner.__init__(*args, **kwargs)
