"""Which items go together, how many are on their way, and what is done with those that were lost.

Nothing here knows of clusters, threads or time: it is told what happened, and says what is next.
An item is in one place at any time: it waits, or is in one chunk that is at work, or is over. So
nothing comes of it twice, and nothing is left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from capsule.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Collection

# How long a chunk should take, in seconds: long against what a cluster spends on one, and short
# against how long anybody waits for results.
CHUNK_SECONDS = 0.5
# A node answers a chunk after so many seconds, with what is done; the rest is given out again.
ANSWER_SECONDS = 1.0
_MOST_ITEMS = 1_000
# Bytes of arguments and files: of a chunk, and of all items that are not over, which this program
# holds, as they may be lost. Where there are many slots, their chunks are smaller for that.
_MOST_BYTES = 4 << 20
_MOST_OPEN = 128 << 20
# How many chunks there are for each slot: one that runs, and one that waits behind it.
_AHEAD = 2
# How much of what is known of the time of an item is what the last chunk showed.
_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class Item:
    """An item that is on its way: its arguments as JSON, and how often it was lost."""

    index: int
    text: bytes
    lost: int = 0


class ChunkPlan:
    """Makes chunks of items; `at_once` is how many may be at work, None for what slots allow.

    An item that was lost is begun `attempts` times in all.

    >>> plan = ChunkPlan(None, attempts=2)
    >>> plan.add(Item(0, b"[[1], {}]"))
    >>> number, items = plan.due(slots=1)
    >>> plan.finished(number, 1, 0.01), plan.is_empty
    ((0,), True)
    """

    def __init__(self, at_once: int | None, *, attempts: int) -> None:
        self._at_once, self._attempts = at_once, attempts
        self._waiting: deque[Item] = deque()
        self._bytes = self._open_bytes = 0
        self._at_work: dict[int, tuple[Item, ...]] = {}
        self._next = 0
        self._seconds: float | None = None
        self._size = 1

    def __repr__(self) -> str:
        return f"<ChunkPlan of {len(self._waiting)} items that wait, {len(self._at_work)} chunks>"

    @property
    def is_empty(self) -> bool:
        """Whether every item is over."""
        return not self._waiting and not self._at_work

    @property
    def open_items(self) -> int:
        """How many items are not over."""
        return len(self._waiting) + sum(map(len, self._at_work.values()))

    @property
    def size(self) -> int:
        """How many items the next chunk may have."""
        return self._size

    def has_room(self, slots: int) -> bool:
        """Say whether another item should be taken now."""
        return (
            len(self._at_work) < self._most(slots)
            and len(self._waiting) < self._size
            and self._bytes < self._most_bytes(slots)
            and self._open_bytes < _MOST_OPEN
        )

    def add(self, item: Item) -> None:
        """Take an item."""
        self._waiting.append(item)
        self._bytes += len(item.text)
        self._open_bytes += len(item.text)

    def due(self, slots: int) -> tuple[int, tuple[Item, ...]] | None:
        """Return a chunk that is to be given out now, with its number; None for none.

        One that is not full is due where a slot has nothing to do, or none is there: a cluster that
        grows with its work has to be given some.
        """
        at_work = len(self._at_work)
        if not self._waiting or at_work >= self._most(slots):
            return None
        most = self._most_bytes(slots)
        full = len(self._waiting) >= self._size or self._bytes >= most
        # It gets no fuller while this is all that may be taken.
        full = full or self._open_bytes >= _MOST_OPEN
        # Whoever was lost goes alone: it may be what ended the process.
        alone = self._waiting[0].lost > 0
        if not (full or alone or at_work < max(1, slots)):
            return None
        chunk = [self._taken()]
        size = len(chunk[0].text)
        while not alone and self._waiting and len(chunk) < self._size:
            size += len(self._waiting[0].text)
            if size > most or self._waiting[0].lost:
                break
            chunk.append(self._taken())
        number, self._next = self._next, self._next + 1
        self._at_work[number] = tuple(chunk)
        return number, self._at_work[number]

    def is_at_work(self, number: int) -> bool:
        """Say whether a chunk was given out and is not over."""
        return number in self._at_work

    def first(self, number: int, count: int) -> list[int]:
        """Return the indexes of the first `count` items of a chunk that is at work."""
        return [item.index for item in self._at_work[number][:count]]

    def finished(self, number: int, done: int, seconds: float) -> tuple[int, ...]:
        """Take it that the first `done` items of a chunk are over, and return their indexes.

        The others are given out again: they have not begun. Raises `EngineError` where that cannot
        be.
        """
        items = self._at_work.pop(number)
        if not 0 < done <= len(items):
            raise EngineError(f"a node answered {done} of {len(items)} items")
        self._put_back(items[done:])
        self._let_go(items[:done])
        each = seconds / done
        known = self._seconds
        self._seconds = each if known is None else known + _WEIGHT * (each - known)
        fitting = int(CHUNK_SECONDS / max(self._seconds, 1e-6))
        self._size = max(1, min(fitting, 2 * self._size, _MOST_ITEMS))
        return tuple(item.index for item in items[:done])

    def lost(self, number: int) -> tuple[int, ...]:
        """Take it that what had a chunk is gone; return the indexes of what is not tried again."""
        items = self._at_work.pop(number)
        again = [replace(item, lost=item.lost + 1) for item in items]
        self._put_back([item for item in again if item.lost < self._attempts])
        over = [item for item in again if item.lost >= self._attempts]
        self._let_go(over)
        return tuple(item.index for item in over)

    def _most(self, slots: int) -> int:
        return _AHEAD * max(1, slots) if self._at_once is None else self._at_once

    def _most_bytes(self, slots: int) -> int:
        """Return how many bytes a chunk may have, unless it is one item."""
        return min(_MOST_BYTES, _MOST_OPEN // self._most(slots))

    def _taken(self) -> Item:
        item = self._waiting.popleft()
        self._bytes -= len(item.text)
        return item

    def _put_back(self, items: Collection[Item]) -> None:
        self._waiting.extendleft(reversed(tuple(items)))
        self._bytes += sum(len(item.text) for item in items)

    def _let_go(self, items: Collection[Item]) -> None:
        self._open_bytes -= sum(len(item.text) for item in items)
