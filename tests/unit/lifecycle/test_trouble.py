"""Disks that are full, files that are broken, locks that others keep: no run ever notices."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from capsule.errors import CapsuleError
from capsule.lifecycle import database, prune, reader, schema
from capsule.lifecycle.recorder import Recorder
from capsule.lifecycle.writer import LostError, Writer
from tests.unit.lifecycle.conftest import created, ended, go, record, row, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.lifecycle.conftest import Program


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Writer]:
    """A store in a state root."""
    kept = Writer(tmp_path / "lifecycle", patience=0)
    yield kept
    kept.close()


def recorded(home: Path) -> list[str]:
    return [run.last.task for run in reader.runs(home)]


def damage(path: Path, how: str) -> None:
    # What lies in the log would mend it: the last to close a database empties its log.
    connection = sqlite3.connect(path)
    connection.execute("SELECT * FROM attempts").fetchall()
    connection.close()
    content = path.read_bytes()
    if how == "not a database":
        path.write_bytes(b"this is a text\n" * 1000)
    elif how == "cut off":
        path.write_bytes(content[: len(content) // 2 + 100])
    else:
        path.write_bytes(content[:100] + b"\xa5" * (len(content) - 100))


@pytest.mark.parametrize("how", ["not a database", "cut off", "overwritten"])
def test_a_damaged_file_is_put_aside_and_begun_anew(
    tmp_path: Path, kept: Writer, notes: list[str], how: str
) -> None:
    kept.write([row() for _ in range(20)])
    kept.close()
    path = tmp_path / "lifecycle" / "runs.db"
    damage(path, how)
    size = path.stat().st_size
    with Recorder(tmp_path, notes.append) as recorder:
        record(recorder, created(task="new"), ended())
    assert recorded(tmp_path) == ["new"]
    (aside,) = (tmp_path / "lifecycle").glob("runs.db.broken-*")
    assert aside.stat().st_size == size
    assert notes == [f"the record of runs was damaged and begun anew; it is {aside} now"]


def test_a_file_that_breaks_while_it_is_open_is_put_aside_too(tmp_path: Path, kept: Writer) -> None:
    kept.write([row() for _ in range(20)])
    assert kept._connection is not None
    kept._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (tmp_path / "lifecycle" / "runs.db-wal").unlink()
    path = tmp_path / "lifecycle" / "runs.db"
    with path.open("r+b") as file:
        file.write(b"x" * 8192)
    kept._disconnect()
    again = row()
    kept.write([again])
    assert [run.last.id for run in reader.runs(tmp_path)] == [again.created.id]
    assert kept.set_aside is not None


def test_what_is_put_aside_does_not_fill_the_disk(tmp_path: Path, kept: Writer) -> None:
    path = tmp_path / "lifecycle" / "runs.db"
    for _ in range(6):
        kept.write([row()])
        kept._disconnect()
        damage(path, "not a database")
    kept.write([row()])
    assert len(list(path.parent.glob("runs.db.broken-*"))) == 3


def test_two_programs_put_a_damaged_file_aside_once(tmp_path: Path, kept: Writer) -> None:
    kept.write([row()])
    kept.close()
    folder = tmp_path / "lifecycle"
    opened = database.identity(folder)
    assert database.put_aside(folder, opened) is not None
    other = Writer(folder)
    other.write([row()])
    assert database.put_aside(folder, opened) is None
    other.close()
    assert len(reader.runs(tmp_path)) == 1


def test_a_damaged_file_is_an_error_of_the_reader_once(tmp_path: Path, kept: Writer) -> None:
    kept.write([row()])
    kept.close()
    damage(tmp_path / "lifecycle" / "runs.db", "not a database")
    with pytest.raises(CapsuleError, match=r"damaged: it is .*/runs\.db\.broken-\d+ now"):
        reader.runs(tmp_path)
    assert reader.runs(tmp_path) == []


def test_a_file_of_the_future_is_left_alone(tmp_path: Path, kept: Writer, notes: list[str]) -> None:
    kept.write([row()])
    kept.close()
    path = tmp_path / "lifecycle" / "runs.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    connection.close()
    before = path.read_bytes()
    with Recorder(tmp_path, notes.append) as recorder:
        record(recorder, created(), ended())
        record(recorder, created(), ended())
    assert path.read_bytes() == before
    reason = "a later version of capsule keeps it, and this one leaves it alone"
    assert notes == [f"runs are not recorded: {reason}"]
    with pytest.raises(CapsuleError, match="a later version of capsule keeps the record"):
        reader.running(tmp_path)


def test_a_file_that_is_deleted_meanwhile_is_made_again(tmp_path: Path, kept: Writer) -> None:
    kept.write([row()])
    for path in (tmp_path / "lifecycle").glob("runs.db*"):
        path.unlink()
    kept.write([row()])
    assert len(reader.runs(tmp_path)) == 1


def test_the_log_of_a_file_that_was_deleted_is_not_taken_for_the_new_ones(
    tmp_path: Path, kept: Writer
) -> None:
    kept.write([row() for _ in range(10)])
    (tmp_path / "lifecycle" / "runs.db").unlink()
    kept.write([row()])
    assert len(reader.runs(tmp_path)) == 1


def test_a_state_root_that_cannot_be_written(tmp_path: Path, notes: list[str]) -> None:
    (tmp_path / "file").write_text("")
    with Recorder(tmp_path / "file", notes.append) as recorder:
        record(recorder, created(), ended())
        record(recorder, created(), ended())
    assert notes == ["some runs are not recorded: Not a directory"]


READS_ONLY = """
import os, sys
from pathlib import Path
from capsule.lifecycle import reader
from capsule.lifecycle.recorder import Recorder
from tests.unit.lifecycle.conftest import created, ended, record
home = Path(sys.argv[1])
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
with Recorder(home, print) as recorder:
    record(recorder, created(task="more"), ended())
print([run.last.task for run in reader.runs(home)], len(reader.running(home)))
"""


@pytest.mark.parametrize("beside", [True, False])
def test_a_home_that_is_only_read(
    tmp_path_factory: pytest.TempPathFactory, program: Program, beside: bool
) -> None:
    home = tmp_path_factory.mktemp("home")
    kept = Writer(home / "lifecycle")
    kept.write([row()])
    other = sqlite3.connect(home / "lifecycle" / "runs.db")
    try:
        if beside:
            other.execute("SELECT * FROM attempts").fetchall()
        else:
            assert kept._connection is not None
            kept._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        kept.close()
    finally:
        if not beside:
            other.close()
    if not beside:
        for end in ("-wal", "-shm"):
            (home / "lifecycle" / f"runs.db{end}").unlink(missing_ok=True)
    # Whoever runs this: it is another user then, or this one without the right to write.
    above = home
    while above.stat().st_uid == os.getuid() and above != above.parent:
        above.chmod(0o755)
        above = above.parent
    for path in (home / "lifecycle").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (home / "lifecycle").chmod(0o555)
    home.chmod(0o555)
    try:
        said, _ = program(READS_ONLY, home).communicate(timeout=60)
    finally:
        home.chmod(0o755)
        (home / "lifecycle").chmod(0o755)
        other.close()
    first, _, second = said.partition("\n")
    assert first.startswith("some runs are not recorded: ")
    assert second == "['main'] 0\n"


FULL = """
import resource, sys
from pathlib import Path
from capsule.lifecycle import reader
from capsule.lifecycle.recorder import Recorder
from tests.unit.lifecycle.conftest import created, ended, record
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
with Recorder(Path(sys.argv[1]), print) as recorder:
    for _ in range(50):
        record(recorder, created(), ended(stdout="x" * 10000))
"""


@pytest.mark.parametrize("size", [0, 4096, 60_000, 200_000])
def test_a_disk_that_is_full(tmp_path: Path, program: Program, size: int) -> None:
    process = program(FULL, tmp_path, size)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.startswith("some runs are not recorded: ")
    assert said.count("\n") == 1
    assert recorded(tmp_path) == []
    with Recorder(tmp_path, pytest.fail) as recorder:
        record(recorder, created(), ended())
    assert recorded(tmp_path) == ["main"]


def test_a_database_that_may_not_grow(tmp_path: Path, kept: Writer) -> None:
    kept.write([row()])
    assert kept._connection is not None
    kept._connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(LostError, match="full"):
        kept.write([row(stdout="x" * 100_000)])
    kept.write([row(stdout="x" * 100_000)])
    assert len(reader.runs(tmp_path)) == 2


HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
connection.close()
print("let go", flush=True)
"""


def test_a_lock_that_another_program_keeps(
    tmp_path: Path, kept: Writer, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    kept.write([row()])
    holder = program(HOLDS, tmp_path / "lifecycle" / "runs.db")
    assert told(holder) == "held\n"
    kept.close()
    with pytest.raises(LostError, match="another program keeps it locked"):
        kept.write([row()])
    assert len(reader.runs(tmp_path)) == 1  # reading goes on


def test_a_lock_that_another_program_gives_back_in_time(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    patient = Writer(tmp_path / "lifecycle", patience=60)
    patient.write([row()])
    holder = program(HOLDS, tmp_path / "lifecycle" / "runs.db")
    assert told(holder) == "held\n"
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            go(holder)
            assert told(holder) == "let go\n"

    monkeypatch.setattr(time, "sleep", pause)
    patient.write([row()])
    patient.close()
    assert pauses == [0.01, 0.02, 0.04]
    assert len(reader.runs(tmp_path)) == 2


def test_whoever_prunes_meets_a_lock(
    tmp_path: Path, kept: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> bool:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(prune.Upkeep, "do", locked)
    kept.write([row()])
    kept.tidy()


MIGRATED = (*schema.STEPS, ("ALTER TABLE attempts ADD COLUMN color TEXT DEFAULT 'red'",))


@pytest.mark.parametrize("version", range(len(schema.STEPS) + 1))
def test_an_older_file_is_migrated_with_all_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    folder = tmp_path / "lifecycle"
    monkeypatch.setattr(schema, "STEPS", MIGRATED[:version])
    old = database.open_to_write(folder)
    rows = 0
    if version:
        kept = Writer(folder)
        kept.write([row() for _ in range(10)])
        kept.close()
        rows = 10
    old.close()
    monkeypatch.setattr(schema, "STEPS", MIGRATED)
    assert len(reader.runs(tmp_path)) == rows
    kept = Writer(folder)
    kept.write([row()])
    assert kept._connection is not None
    assert schema.version_of(kept._connection) == len(MIGRATED)
    colors = kept._connection.execute("SELECT color FROM attempts").fetchall()
    assert colors == [("red",)] * (rows + 1)
    kept.close()


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, kept: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write([row()])
    kept.close()
    wrong = (*schema.STEPS, ("ALTER TABLE attempts ADD COLUMN a TEXT", "NO SQL"))
    with monkeypatch.context() as patched:
        patched.setattr(schema, "STEPS", wrong)
        with pytest.raises(LostError, match="syntax error"):
            kept.write([row()])
    kept.write([row()])
    assert len(reader.runs(tmp_path)) == 2


MIGRATES = """
import sys
from pathlib import Path
from capsule.lifecycle import database, schema
schema.STEPS = (*schema.STEPS, ("CREATE TABLE once (x)", "INSERT INTO once VALUES (1)"))
sys.stdin.read()
connection = database.open_to_write(Path(sys.argv[1]))
print(connection.execute("SELECT count(*) FROM once").fetchone()[0])
connection.close()
"""


@pytest.mark.parametrize("there", [True, False])
def test_many_programs_migrate_once(
    tmp_path: Path, kept: Writer, program: Program, there: bool
) -> None:
    if there:
        kept.write([row()])
    programs = [program(MIGRATES, tmp_path / "lifecycle") for _ in range(6)]
    for process in programs:
        go(process)
    assert [process.communicate(timeout=60)[0] for process in programs] == ["1\n"] * 6


def test_the_columns_are_those_of_the_table(tmp_path: Path, kept: Writer) -> None:
    kept.write([row()])
    assert kept._connection is not None
    columns = kept._connection.execute("PRAGMA table_info(attempts)").fetchall()
    assert tuple(column[1] for column in columns) == schema.Attempt._fields
    assert kept._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert kept._connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert time.time_ns() > reader.runs(tmp_path)[0].created_ns
