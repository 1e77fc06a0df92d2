"""What short programs leave beside the database, and how it gets in there."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from capsule.lifecycle import database, reader, spool
from capsule.lifecycle.recorder import FOLDER, Recorder
from capsule.lifecycle.writer import Writer
from tests.unit.lifecycle.conftest import REPOSITORY, created, ended, record, row

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.lifecycle.events import Created


def brief(home: Path, notes: list[str], made: Created | None = None) -> Created:
    """Record one attempt as a short command does."""
    made = made or created()
    with Recorder(home, notes.append, brief=True) as recorder:
        record(recorder, made, ended())
    return made


def files(home: Path) -> list[Path]:
    return sorted((home / FOLDER / spool.FOLDER).glob("*"))


def test_a_short_command_leaves_a_file_and_the_next_look_takes_it_in(
    tmp_path: Path, notes: list[str]
) -> None:
    made = [brief(tmp_path, notes) for _ in range(3)]
    assert len(files(tmp_path)) == 3
    assert not (tmp_path / FOLDER / "runs.db").exists()
    assert {path.stat().st_mode & 0o777 for path in files(tmp_path)} == {0o600}
    found = reader.runs(tmp_path)
    assert [summary.last.run for summary in found] == [one.run for one in reversed(made)]
    assert {summary.last.state for summary in found} == {"completed"}
    assert files(tmp_path) == []
    assert notes == []


def test_sqlite_is_not_imported_for_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.unit.lifecycle.test_spool import brief\n"
        "before = 'sqlite3' in sys.modules; sys.modules.pop('sqlite3', None)\n"
        "brief(Path(sys.argv[1]), [])\n"
        "print('sqlite3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
    assert len(files(tmp_path)) == 1


def test_one_that_runs_longer_writes_the_database_and_takes_in(
    tmp_path: Path, notes: list[str]
) -> None:
    left = brief(tmp_path, notes)
    with Recorder(tmp_path, notes.append) as recorder:
        record(recorder, mine := created(), ended())
    assert files(tmp_path) == []
    assert {summary.last.run for summary in reader.runs(tmp_path)} == {left.run, mine.run}


def test_many_files_are_taken_in_by_who_would_leave_one_more(
    tmp_path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MOST", 5)
    made = {brief(tmp_path, notes).run for _ in range(12)}
    assert len(files(tmp_path)) <= 5
    assert (tmp_path / FOLDER / "runs.db").exists()
    assert {summary.last.run for summary in reader.runs(tmp_path)} == made


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[1, 2]", '["id", [[1]]]', '["other", []]', "null", '[[], "x"]'],
)
def test_a_damaged_file_keeps_nobody_out(tmp_path: Path, notes: list[str], text: str) -> None:
    made = brief(tmp_path, notes)
    (tmp_path / FOLDER / spool.FOLDER / "0.json").write_text(text)
    assert [summary.last.run for summary in reader.runs(tmp_path)] == [made.run]
    assert files(tmp_path) == []


def test_rows_of_the_wrong_width_are_not_rows(tmp_path: Path, notes: list[str]) -> None:
    from capsule.lifecycle.schema import COLUMNS

    made = brief(tmp_path, notes)
    (tmp_path / FOLDER / spool.FOLDER / "0.json").write_text(json.dumps([COLUMNS, [[1, 2]]]))
    assert [summary.last.run for summary in reader.runs(tmp_path)] == [made.run]


def test_a_file_that_is_being_written_is_left(tmp_path: Path, notes: list[str]) -> None:
    brief(tmp_path, notes)
    unfinished = tmp_path / FOLDER / spool.FOLDER / "0.new"
    unfinished.write_text("[")
    assert len(reader.runs(tmp_path)) == 1
    assert files(tmp_path) == [unfinished]
    # Its program was killed, if it is not finished by now.
    os.utime(unfinished, (0, 0))
    brief(tmp_path, notes)
    assert len(reader.runs(tmp_path)) == 2
    assert files(tmp_path) == []


def test_one_that_did_not_end_is_closed_by_the_next_look(tmp_path: Path) -> None:
    spool.leave(tmp_path / FOLDER, [row()._replace(ended=None)])
    (summary,) = reader.runs(tmp_path)
    assert (summary.last.state, summary.last.error_type) == ("failed", reader.HOST_DIED)
    assert reader.running(tmp_path) == []


def test_where_nothing_can_be_written_it_is_said_once(tmp_path: Path, notes: list[str]) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    brief(tmp_path, notes)
    assert len(notes) == 1
    assert "not recorded" in notes[0]


def test_two_that_take_in_at_once(tmp_path: Path, notes: list[str]) -> None:
    made = {brief(tmp_path, notes).run for _ in range(40)}
    program = (
        "import sys; from pathlib import Path\n"
        "from capsule.lifecycle import reader\n"
        "print(len(reader.runs(Path(sys.argv[1]), reader.Filters(limit=100))))"
    )
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            env={"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for one in readers:
        one.communicate(timeout=60)
        assert one.returncode == 0
    assert {s.last.run for s in reader.runs(tmp_path, reader.Filters(limit=100))} == made
    assert files(tmp_path) == []


@pytest.mark.parametrize("full", [False, True])
def test_a_short_command_does_not_wait_at_its_end_for_a_lock(
    tmp_path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    first = brief(tmp_path, notes)
    assert len(reader.runs(tmp_path)) == 1
    holder = sqlite3.connect(
        tmp_path / FOLDER / spool.NAME, isolation_level=None, check_same_thread=False
    )
    holder.execute("BEGIN IMMEDIATE")
    busy = threading.Event()
    waited = Writer._waited

    def told(store: Writer, seconds: float) -> bool:
        busy.set()
        if full and store._hurry is None:
            # It found no place for its rows, and waits as others do.
            holder.rollback()
        return waited(store, seconds)

    monkeypatch.setattr(Writer, "_waited", told)
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    monkeypatch.setattr(spool, "MOST", 0 if full else 100)
    recorder = Recorder(tmp_path, notes.append, brief=True)
    made, below = created(), created()
    record(recorder, made, ended())
    recorder.created(below)
    assert busy.wait(60)  # it writes what it knows by now
    recorder.ended(below.id, ended(stdout="the end"))
    recorder.close()
    holder.rollback()
    holder.close()
    assert len(files(tmp_path)) == (not full)
    runs = {first.run, made.run, below.run}
    assert {summary.last.run for summary in reader.runs(tmp_path)} == runs
    assert reader.run(tmp_path, below.run).attempts[0].attempt.stdout == "the end"
    assert notes == []
