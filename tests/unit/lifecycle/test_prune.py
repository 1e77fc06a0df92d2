"""What is old or too much goes, the oldest runs first, a few at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from capsule.lifecycle import ids, prune, reader
from capsule.lifecycle.prune import Bounds, Upkeep
from capsule.lifecycle.reader import Filters
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import row

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86_400 * 10**9


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Writer]:
    kept = Writer(tmp_path / "lifecycle")
    kept._connect()
    yield kept
    kept.close()


def of(kept: Writer) -> sqlite3.Connection:
    assert kept._connection is not None
    return kept._connection


def names(home: Path) -> list[str]:
    return sorted(run.last.run for run in reader.runs(home, Filters(limit=100_000)))


def run_of(day: int) -> str:
    """The name of a run of so many days ago."""
    return ids.earliest(time.time_ns() - day * DAY) + ids.new_run()[9:]


def test_old_runs_go_with_all_that_they_called(tmp_path: Path, kept: Writer) -> None:
    old, young = run_of(31), run_of(29)
    kept.write([row(run, count) for run in (old, young) for count in range(1, 700)])
    assert prune.prune(of(kept), Bounds(), time.time_ns()) == 699
    assert set(names(tmp_path)) == {young}


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, kept: Writer) -> None:
    runs = [run_of(day) for day in range(20, 0, -1)]
    kept.write([row(run, count) for run in runs for count in range(1, 101)])
    prune.prune(of(kept), Bounds(rows=1_500), time.time_ns())
    assert sorted(set(names(tmp_path))) == runs[10:]
    assert prune.prune(of(kept), Bounds(rows=1_500), time.time_ns()) == 0


def test_the_oldest_go_when_they_are_too_large_and_the_file_shrinks(
    tmp_path: Path, kept: Writer
) -> None:
    runs = [run_of(day) for day in range(20, 0, -1)]
    kept.write([row(run, count, stdout="x" * 10_000) for run in runs for count in range(1, 101)])
    assert prune.size_of(of(kept)) > 16 << 20
    prune.prune(of(kept), Bounds(size=16 << 20), time.time_ns())
    assert prune.size_of(of(kept)) < 12 << 20
    assert max(names(tmp_path)) == runs[-1]
    of(kept).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (tmp_path / "lifecycle" / "runs.db").stat().st_size < 16 << 20


def test_one_run_above_the_bound_does_not_keep_it_busy_for_ever(kept: Writer) -> None:
    run = run_of(1)
    kept.write([row(run, count) for count in range(1, 1_200)])
    assert prune.prune(of(kept), Bounds(rows=10), time.time_ns()) == 1_199
    assert prune.prune(of(kept), Bounds(rows=10), time.time_ns()) == 0


def test_it_is_done_once_an_hour_by_whoever_comes_first(kept: Writer) -> None:
    assert Upkeep().do(of(kept))
    assert not Upkeep().do(of(kept))
    of(kept).execute("UPDATE upkeep SET at_ns = at_ns - ?", (3_601 * 10**9,))
    mine = Upkeep()
    assert mine.do(of(kept))
    assert not mine.do(of(kept))


def test_a_clock_that_was_set_back_stops_nothing(kept: Writer) -> None:
    assert Upkeep().do(of(kept))
    of(kept).execute("UPDATE upkeep SET at_ns = at_ns + ?", (DAY,))
    assert Upkeep().do(of(kept))


def test_it_is_done_sooner_when_there_is_a_lot(kept: Writer) -> None:
    upkeep = Upkeep(Bounds(size=4 << 20))
    assert upkeep.do(of(kept))
    upkeep.wrote(1_999)
    assert not upkeep.do(of(kept))
    upkeep.wrote(1)
    assert upkeep.do(of(kept))
    kept.write([row(stdout="x" * 100_000) for _ in range(60)])
    assert upkeep.do(of(kept))
    assert prune.size_of(of(kept)) <= 3 << 20


def test_the_writer_does_it(tmp_path: Path, kept: Writer) -> None:
    old, young = run_of(40), run_of(0)
    kept.write([row(old), row(young)])
    kept.tidy()
    assert names(tmp_path) == [young]


def test_what_goes_on_comes_back_when_it_ends(tmp_path: Path, kept: Writer) -> None:
    attempt = row(run_of(40))
    kept.write([attempt._replace(ended=None)])
    kept.tidy()
    assert names(tmp_path) == []
    kept.write([attempt])
    assert names(tmp_path) == [attempt.created.run]
