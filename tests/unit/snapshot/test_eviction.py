"""What stays in the cache and what goes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from capsule.progress import Silent
from capsule.snapshot import cache as entry_cache
from capsule.snapshot.eviction import Bounds, contents, prune, prune_at_times
from capsule.toolstore import files
from capsule.toolstore.toolchain_lock import locked

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0
DAY = 24 * HOUR


def hexadecimal(key: str) -> str:
    """A name like those of real entries."""
    return key.ljust(16).encode().hex()


class Cache:
    """A cache whose entries can be of any age and size."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, store_name: str, key: str, *, age: float = HOUR, size: int = 1 << 20) -> Path:
        def make(folder: Path) -> entry_cache.Facts:
            (folder / "content").write_bytes(b"x" * size)
            return {"number": 1}

        folder = entry_cache.obtain(self.path / store_name, hexadecimal(key), make, Silent()).folder
        then = time.time() - age
        os.utime(folder / entry_cache.INDEX, (then, then))
        return folder

    def names(self) -> list[str]:
        return sorted(
            bytes.fromhex(kept.path.name).decode().strip() for kept in contents(self.path)
        )


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_no_cache_has_no_contents(cache: Cache) -> None:
    assert contents(cache.path) == []
    assert prune(cache.path, Bounds()) == []


def test_contents_are_listed_longest_unused_first(cache: Cache) -> None:
    cache.put("tasks", "new", age=HOUR)
    cache.put("generic", "old", age=DAY, size=3 << 20)
    old, new = contents(cache.path)
    assert (old.kind, new.kind) == ("generic", "tasks")
    assert (old.path.name, new.path.name) == (hexadecimal("old"), hexadecimal("new"))
    assert 3 << 20 <= old.size < 4 << 20
    assert time.time() - old.used == pytest.approx(DAY, abs=60)


def test_what_is_old_goes(cache: Cache) -> None:
    cache.put("tasks", "old", age=31 * DAY)
    cache.put("tasks", "young", age=29 * DAY)
    assert [kept.path.name for kept in prune(cache.path, Bounds())] == [hexadecimal("old")]
    assert cache.names() == ["young"]
    young = hexadecimal("young")
    assert sorted(path.name for path in (cache.path / "tasks").iterdir()) == [
        young,
        f"{young}.lock",
    ]


def test_what_is_too_much_goes_the_longest_unused_first(cache: Cache) -> None:
    for number in range(5):
        cache.put("tasks", f"entry{number}", age=(10 - number) * HOUR)
    prune(cache.path, Bounds(size=(2 << 20) + 100_000))
    assert cache.names() == ["entry3", "entry4"]
    prune(cache.path, Bounds(entries=1))
    assert cache.names() == ["entry4"]


def test_what_was_used_in_the_last_minute_stays(cache: Cache) -> None:
    cache.put("tasks", "used", age=30)
    cache.put("tasks", "unused", age=90)
    prune(cache.path, Bounds(age=0, size=0, entries=0))
    assert cache.names() == ["used"]


def test_all_of_it_is_all_of_it(cache: Cache) -> None:
    cache.put("tasks", "used", age=0)
    (cache.path / "resolutions").mkdir()
    (cache.path / "resolutions" / "x.json").write_text("{}")
    prune(cache.path, Bounds(), all_of_it=True)
    assert contents(cache.path) == []
    assert list((cache.path / "resolutions").iterdir()) == []


def test_an_entry_that_is_being_made_stays(cache: Cache) -> None:
    folder = cache.put("tasks", "busy", age=90 * DAY)
    with locked(folder.with_name(f"{folder.name}.lock"), Silent()):
        assert prune(cache.path, Bounds()) == []
    assert cache.names() == ["busy"]
    assert len(prune(cache.path, Bounds())) == 1


def test_a_use_is_noted(cache: Cache) -> None:
    cache.put("tasks", "entry", age=29 * DAY)
    entry_cache.obtain(cache.path / "tasks", hexadecimal("entry"), lambda folder: {}, Silent())
    assert time.time() - contents(cache.path)[0].used < 60


def test_leftovers_of_killed_processes_go(cache: Cache) -> None:
    cache.put("tasks", "entry")
    leftover = cache.path / "tasks" / ".new-abc-1"
    leftover.mkdir()
    prune(cache.path, Bounds())
    assert leftover.exists()
    then = time.time() - 2 * DAY
    os.utime(leftover, (then, then))
    prune(cache.path, Bounds())
    assert not leftover.exists()


def test_links_are_not_followed(cache: Cache, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "entry").mkdir(parents=True)
    cache.put("tasks", "entry")
    (cache.path / "linked").symlink_to(outside)
    (cache.path / "tasks" / "link").symlink_to(outside)
    prune(cache.path, Bounds(), all_of_it=True)
    assert (outside / "entry").is_dir()


def test_it_is_done_at_times(cache: Cache) -> None:
    tasks = cache.put("tasks", "old", age=31 * DAY).parent
    prune_at_times(tasks)
    assert cache.names() == []
    cache.put("tasks", "older", age=40 * DAY)
    prune_at_times(tasks)
    assert cache.names() == ["older"]
    prune_at_times(tasks, Bounds(size=1))
    assert cache.names() == []


def test_a_crowd_is_thinned_out(cache: Cache) -> None:
    tasks = cache.put("tasks", "entry0", age=10 * HOUR).parent
    for number in range(1, 8):
        cache.put("tasks", f"entry{number}", age=(10 - number) * HOUR)
    prune_at_times(tasks, Bounds(entries=7))
    prune_at_times(tasks, Bounds(entries=7))
    assert cache.names() == ["entry5", "entry6", "entry7"]


def test_growth_is_noticed_without_looking(cache: Cache) -> None:
    tasks = cache.put("tasks", "first").parent
    prune_at_times(tasks)
    cache.put("tasks", "old", age=29 * DAY)
    files.note_growth(cache.path, 3 << 30)
    cache.put("tasks", "young", age=2 * HOUR)
    prune_at_times(tasks)
    # Nothing was above the bound after all; what is there is known exactly from now on.
    assert len(cache.names()) == 3
    assert 3 << 20 < sum(map(int, (cache.path / files.GROWTH).read_text().split())) < 4 << 20


def test_a_cache_that_cannot_be_pruned_stays(tmp_path: Path) -> None:
    prune_at_times(tmp_path / "missing" / "tasks")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_never_touched(cache: Cache) -> None:
    """As when the home is /var, whose cache is that of the system."""
    cache.put("tasks", "ours", age=40 * DAY)
    foreign = [
        cache.path / "apt" / "archives",
        cache.path / "fonts" / hexadecimal("a cache of fonts"),
        cache.path / "tasks" / "a folder of the user",
        cache.path / "tasks" / hexadecimal("no index inside"),
        cache.path / "resolutions" / "folder",
    ]
    then = time.time() - 400 * DAY
    for folder in foreign:
        folder.mkdir(parents=True)
        (folder / "file").touch()
        os.utime(folder, (then, then))
    prune(cache.path, Bounds(age=0, size=0, entries=0))
    prune(cache.path, Bounds(), all_of_it=True)
    assert cache.names() == []
    assert all((folder / "file").exists() for folder in foreign)
