"""Rows, files and databases that capsule did not write, or not so: they harm nothing but themselves."""

from __future__ import annotations

import itertools
import json
import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from capsule.cli.render.html_page import page
from capsule.cli.render.ps import ps_lines
from capsule.cli.render.run_list import run_list
from capsule.cli.render.trace import trace
from capsule.errors import CapsuleError
from capsule.lifecycle import reader, schema, spool
from capsule.lifecycle.columns import values
from capsule.lifecycle.owner_process import Host
from capsule.lifecycle.recorder import FOLDER, Recorder
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import created, ended, record, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUN = "0123456789abcdef"


def changed(**changes: object) -> list[object]:
    """The values of a row of which some are not as capsule writes them."""
    sound = values(row(RUN), Host("0" * 12, 1, ""))
    named = dict(zip(schema.Attempt._fields, sound, strict=True))
    return list({**named, **changes}.values())


# Each would be an error of whoever writes it, or of whoever shows it.
UNSOUND = [
    changed(id=None),
    changed(id="no-dot", run="no-dot"),
    changed(id=f"{RUN}.x"),
    changed(created_ns=None),
    changed(created_ns="now"),
    changed(state="bogus"),
    changed(how="nope"),
    changed(task=[1]),
    changed(task="\ud800"),
    changed(fuel_consumed=1 << 70),
    changed(duration_ms=1.5),
    changed(ram_used=-1),
    changed(depth=5000),
    changed(host="../../victim", host_started="a/b", state="running"),
]
ODD = [
    changed(parent=f"{RUN}.1"),
    changed(host_requests="{"),
    changed(host_requests="3"),
    changed(host_requests="[1]"),
    changed(host_requests="[" * 100_000),
    changed(elapsed_ns=None),
    changed(created_ns=(1 << 63) - 1),
]


def leave(home: Path, rows: list[list[object]], name: str = "0") -> Path:
    """Leave rows as a short command does."""
    folder = home / FOLDER / spool.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps([schema.COLUMNS, rows]))
    return path


def shown(home: Path) -> list[str]:
    """Show all that there is in all ways, and return the names of the runs."""
    now = time.time_ns()
    found = reader.runs(home)
    assert list(run_list(found, now, 80))
    list(ps_lines(reader.running(home), now, 80))
    for summary in found:
        run = reader.run(home, summary.last.run)
        assert list(trace(run, now, 80))
        assert page(run, now)
    return [summary.last.run for summary in found]


def test_rows_that_are_not_sound_are_no_rows(tmp_path: Path) -> None:
    for number, values_ in enumerate(UNSOUND):
        leave(tmp_path, [values_], str(number))
    spool.leave(tmp_path / FOLDER, [row(RUN)])
    assert shown(tmp_path) == [RUN]
    assert list((tmp_path / FOLDER / spool.FOLDER).iterdir()) == []


def in_a_table_that_takes_anything(home: Path, rows: list[list[object]]) -> None:
    folder = home / FOLDER
    folder.mkdir()
    with sqlite3.connect(folder / spool.NAME) as connection:
        connection.execute(f"CREATE TABLE attempts ({schema.COLUMNS})")
        places = ", ".join("?" * len(schema.Attempt._fields))
        connection.executemany(f"INSERT INTO attempts VALUES ({places})", rows)  # noqa: S608
        connection.execute("PRAGMA user_version = 1")
    connection.close()


# By their number: the values have the time, and workers of one run collect the same names.
@pytest.mark.parametrize(
    "values_", [v for v in UNSOUND if v[6] not in ([1], "\ud800")], ids=itertools.count()
)
def test_rows_of_a_table_that_are_not_sound_are_not_shown(
    tmp_path: Path, values_: list[object]
) -> None:
    if any(type(value) is int and value >= 1 << 63 for value in values_):
        values_[-10] = 2.0**70
    other = changed(id="ffff.1", run="ffff")
    in_a_table_that_takes_anything(tmp_path, [values_, other])
    assert shown(tmp_path) == ["ffff"]


@pytest.mark.parametrize("values_", ODD, ids=lambda values_: str(values_)[:60])
def test_what_is_odd_in_a_row_is_shown_all_the_same(tmp_path: Path, values_: list[object]) -> None:
    leave(tmp_path, [values_])
    assert shown(tmp_path) == [RUN]


def test_a_chain_of_callers_that_never_ends(tmp_path: Path) -> None:
    in_a_ring = [
        changed(id=f"{RUN}.{n}", parent=f"{RUN}.{n % 400 + 1}", depth=n % 90) for n in range(1, 401)
    ]
    leave(tmp_path, in_a_ring)
    assert shown(tmp_path)[:1] == [RUN]


def test_the_name_of_a_host_deletes_nothing(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / FOLDER / "hosts").mkdir(parents=True)
    wicked = changed(host="../../victim", host_started="a/b", state="running")
    kept = Writer(tmp_path / FOLDER)
    kept.write([row()])
    assert kept._connection is not None
    kept._connection.execute(schema.WRITE, wicked)
    kept.close()
    reader.running(tmp_path)
    assert victim.read_text() == "precious"


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def one_that_nests_too_deep(path: Path) -> None:
    path.write_text("[" * 200_000)


@pytest.mark.parametrize("make", [a_folder, a_pipe, a_link_to_nothing, one_that_nests_too_deep])
def test_what_else_lies_there_keeps_nobody_out(
    tmp_path: Path, notes: list[str], make: Callable[[Path], None]
) -> None:
    first = row()
    spool.leave(tmp_path / FOLDER, [first])
    make(tmp_path / FOLDER / spool.FOLDER / "0.json")
    assert shown(tmp_path) == [first.created.run]
    with Recorder(tmp_path, notes.append) as recorder:
        record(recorder, created(), ended())
    assert len(reader.runs(tmp_path)) == 2
    assert notes == []


def of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE attempts (x)")
    connection.close()


def of_another_program_with_a_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE things (x)")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


def with_a_version_below_zero(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = -3")
    connection.close()


@pytest.mark.parametrize(
    "make", [of_another_program, of_another_program_with_a_version, with_a_version_below_zero]
)
@pytest.mark.parametrize("first", ["reader", "writer"])
def test_a_database_of_another_program_is_put_aside(
    tmp_path: Path, notes: list[str], make: Callable[[Path], None], first: str
) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    make(folder / spool.NAME)
    before = (folder / spool.NAME).read_bytes()
    if first == "reader":
        with pytest.raises(CapsuleError, match=r"damaged: it is .*runs\.db\.broken-\d+ now"):
            reader.runs(tmp_path)
    with Recorder(tmp_path, notes.append) as recorder:
        record(recorder, created(), ended())
    assert len(notes) == (first == "writer")
    assert len(reader.runs(tmp_path)) == 1
    (aside,) = folder.glob("runs.db.broken-*")
    assert aside.read_bytes() == before


def test_no_damage_lasts(tmp_path: Path) -> None:
    """Whatever the disk does to the file, the second look or the next run has a sound record."""
    folder = tmp_path / FOLDER
    kept = Writer(folder)
    kept.write([row(stdout="text " * 50) for _ in range(40)])
    assert kept._connection is not None
    kept._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept.close()
    path = folder / spool.NAME
    whole = path.read_bytes()
    dice = random.Random(1)  # noqa: S311 - the same each time
    for turn in range(60):
        for old in folder.glob("runs.db*"):
            old.unlink()
        data = bytearray(whole)
        if turn % 3 == 0:
            for _ in range(20):
                data[dice.randrange(100, len(data))] = dice.randrange(256)
        elif turn % 3 == 1:
            page_ = dice.randrange(1, len(data) // 4096) * 4096
            data[page_ : page_ + 4096] = dice.randbytes(4096)
        else:
            del data[dice.randrange(len(data)) :]
        path.write_bytes(data)
        said: list[str] = []
        made = created()
        for _ in range(3):
            try:
                shown(tmp_path)
                break
            except CapsuleError as error:
                said.append(error.message)
        with Recorder(tmp_path, said.append) as recorder:
            record(recorder, made, ended())
        assert made.run in [summary.last.run for summary in reader.runs(tmp_path)], (turn, said)
