"""Seeing which variables the import of a task looks up: where the host grants one, it is done anew.

Every way to `os.environ` ends at the dict behind it, which another one stands in for meanwhile.
Nothing here is a wall: code that gets around it only harms its own results.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# All of them; also where there are too many to name.
ALL = "*"
_MOST, _LONGEST = 1_000, 256


class EnvironMonitor:
    """What was looked up, set or taken away while it stands: names in the order of the alphabet."""

    def __init__(self) -> None:
        self._seen = _Seen()

    @property
    def names(self) -> list[str]:
        """The names; `ALL` is among them when somebody went through all variables."""
        return sorted(self._seen.names)

    def __enter__(self) -> EnvironMonitor:
        self._data = os.environ._data  # type: ignore[attr-defined]
        dict.update(self._seen, self._data)
        _put(self._seen)
        return self

    def __exit__(self, *exc: object) -> None:
        self._data.clear()
        self._data.update(dict.items(self._seen))
        _put(self._data)


def _put(data: dict) -> None:
    os.environ._data = os.environb._data = data  # type: ignore[attr-defined]


class _Seen(dict):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def _see(self, key: object) -> None:
        name = os.fsdecode(key) if isinstance(key, bytes) else ""
        # Others are no names that a policy could grant.
        if 0 < len(name) <= _LONGEST and name.isprintable():
            self.names.add(name if len(self.names) < _MOST else ALL)

    def __getitem__(self, key: object) -> object:
        self._see(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._see(key)
        return super().__contains__(key)

    def __setitem__(self, key: object, value: object) -> None:
        self._see(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: object) -> None:
        self._see(key)
        super().__delitem__(key)

    def __iter__(self) -> Iterator:
        self.names.add(ALL)
        return super().__iter__()

    def __len__(self) -> int:
        self.names.add(ALL)
        return super().__len__()
