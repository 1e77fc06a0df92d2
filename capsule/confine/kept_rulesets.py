"""Rulesets of Landlock that are used again: many runs of a program reach the same files.

To make one takes four calls of the system for each of fourteen paths, a tenth of what this program
does for a run. A rule is about the file that was at its path, and not about the path: so before a
ruleset is used again, it is looked whether the same files are there. What was mounted anew may have
the number of before, and no rule any more: with each change of what is mounted, all are made anew.
"""

from __future__ import annotations

import os
import select
import sys
from threading import Lock

from capsule.confine import scratch_reserve
from capsule.confine.landlock import Ruleset
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from pathlib import Path

    from capsule.confine.landlock import Rule

    # Device and number of a file, which no other there gets while a ruleset has it; or no file.
    Place = tuple[int, int] | None

# Each is a descriptor. A program keeps folders for so many runs (`scratch_reserve`).
_MOST = 32


class _Kept(NamedTuple):
    """A ruleset, the paths of those that may change, and what was there when it was made."""

    ruleset: Ruleset
    paths: tuple[str, ...]
    places: tuple[Place, ...]


# By what it was asked for; None where that was once, which it may never be again.
_kept: dict[Hashable, _Kept | None] = {}
_lock = Lock()


def ruleset(
    key: Hashable, rules: Callable[[], Iterable[Rule]], version: int, fixed: frozenset[Path]
) -> Ruleset:
    """Return a ruleset of `rules`, for an ABI of this `version`.

    While a program keeps folders for its next runs, it keeps rulesets too. `key` is what the rules
    are made of: paths, of which none may be `nofollow`. Those that are `fixed` are taken to stay
    the same while this program runs. Raises `OSError` when the kernel refuses.
    """
    if not scratch_reserve.is_kept():
        return Ruleset(rules(), version)
    with _lock:
        if _mounts.changed():
            _kept.clear()
        asked_before, kept = key in _kept, _kept.get(key)
    if kept is None or _places(kept.paths) != kept.places:
        made = tuple(rules())
        changing = (os.fspath(rule.path) for rule in made if rule.path not in fixed)
        paths = tuple(changing) if asked_before else ()
        places = _places(paths)
        found = Ruleset(made, version)
        # One whose files were being replaced is not for the next run.
        kept = _Kept(found, paths, places) if paths and _places(paths) == places else None
    else:
        found = kept.ruleset
    with _lock:
        if scratch_reserve.is_kept() and _mounts.known:
            # Another thread may have made one for the same files.
            _kept[key] = kept or _kept.pop(key, None)
        if len(_kept) > _MOST:
            del _kept[next(iter(_kept))]
    return found


class _Mounts:
    """Whether anything was mounted or unmounted since it was asked last, as the kernel says."""

    def __init__(self) -> None:
        self._file = -1
        if sys.platform == "linux":
            self._poll = select.poll()

    @property
    def known(self) -> bool:
        """Whether the kernel tells."""
        return self._file >= 0

    def changed(self) -> bool:
        """Say so; also for the first time, and where nobody knows."""
        if sys.platform != "linux":
            return True
        if self._file < 0:
            try:
                self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return True
            self._poll.register(self._file, select.POLLPRI)
            self._poll.poll(0)
            return True
        return bool(self._poll.poll(0))

    def close(self) -> None:
        """Ask no more, until it is asked again."""
        if sys.platform == "linux" and self._file >= 0:
            self._poll.unregister(self._file)
            os.close(self._file)
            self._file = -1


def _places(paths: Iterable[str]) -> tuple[Place, ...]:
    found: list[Place] = []
    for path in paths:
        # Not by `suppress`, which takes as long as the call.
        try:
            status = os.stat(path)  # noqa: PTH116 - objects for paths take most of the time
        except OSError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino))
    return tuple(found)


def forget() -> None:
    """Keep none of them any longer."""
    with _lock:
        _kept.clear()
        _mounts.close()


def _in_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = Lock()
    _kept.clear()
    # What one of both is told, the other one is not.
    _mounts.close()


_mounts = _Mounts()
scratch_reserve.at_end(forget)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
