"""`capsule doctor`: what it says of the record, the worker and the cache, sound and unsound."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from capsule import __version__
from tests.integration.records import command_with_a_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.command import Command

pytestmark = pytest.mark.integration


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    made = command_with_a_record(toolchain_home, tmp_path)
    # The path of a socket has to be short.
    made.environ["CAPSULE_SOCKET"] = str(tmp_path / "w")
    return made


@pytest.fixture
def listening(capsule: Command) -> Iterator[None]:
    process = capsule.popen("worker", "--listen")
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"capsule: listening at ")
    yield
    process.terminate()
    process.communicate(timeout=20)


def row(capsule: Command, name: str) -> dict[str, str]:
    rows: list[dict[str, str]] = json.loads(capsule("doctor", "--json").out)
    return next(row for row in rows if row["name"] == name)


def database(capsule: Command) -> Path:
    return capsule.folder / "home" / "lifecycle" / "runs.db"


def test_nothing_is_recorded_yet_and_the_doctor_makes_no_record(capsule: Command) -> None:
    assert row(capsule, "record")["found"] == "no run is recorded yet"
    assert not database(capsule).parent.exists()


def test_what_is_recorded_is_counted(capsule: Command) -> None:
    assert capsule("run", "hello.py").code == 0
    assert capsule("trace").code == 0
    found = row(capsule, "record")
    assert found["state"] == "ok"
    assert found["found"].startswith("1 attempt, 0.")
    capsule.environ["CAPSULE_RECORD"] = "0"
    assert row(capsule, "record")["found"] == "off, by CAPSULE_RECORD=0"


def test_a_record_that_cannot_be_used(capsule: Command) -> None:
    database(capsule).parent.parent.joinpath("lifecycle").write_text("in the way")
    found = row(capsule, "record")
    assert (found["state"], found["remedy"]) == ("warning", "move it out of the way")
    database(capsule).parent.unlink()
    capsule.write("home/lifecycle/runs.db", "no database" * 1_000)
    found = row(capsule, "record")
    assert (found["state"], found["found"]) == ("warning", "runs are not recorded: it is damaged")
    assert found["remedy"].startswith("any run: it puts a damaged runs.db aside")
    # What the remedy says is so.
    assert capsule("run", "hello.py").code == 0
    assert row(capsule, "record")["state"] == "ok"
    with closing(sqlite3.connect(database(capsule))) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert row(capsule, "record")["remedy"] == "upgrade capsule"


def test_a_record_that_is_locked(capsule: Command) -> None:
    assert capsule("run", "hello.py").code == 0
    assert capsule("trace").code == 0
    with closing(sqlite3.connect(database(capsule), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        found = row(capsule, "record")
    assert found["found"] == "runs are not recorded: another program keeps it locked"


def test_no_worker_listens(capsule: Command) -> None:
    assert row(capsule, "worker")["state"] == "ok"
    assert row(capsule, "worker")["found"].startswith("none listens")


@pytest.mark.usefixtures("listening")
def test_a_worker_listens(capsule: Command) -> None:
    found = row(capsule, "worker")
    assert found["state"] == "ok"
    assert found["found"] == f"one listens at {capsule.environ['CAPSULE_SOCKET']}, of this version"
    # Nothing was run by asking it.
    assert json.loads(capsule("trace", "--json").out) == []


@pytest.mark.usefixtures("listening")
def test_a_worker_with_other_variables(capsule: Command) -> None:
    capsule.environ["PIP_RETRIES"] = "1"
    found = row(capsule, "worker")
    assert found["state"] == "warning"
    assert "with other variables than here" in found["found"]
    assert "capsule worker --listen" in found["remedy"]


def test_a_worker_that_is_gone_and_one_of_another_version(capsule: Command) -> None:
    program = """
import socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.bind(sys.argv[1])
    server.listen()
    print("ready", flush=True)
    other, _ = server.accept()
    other.recv(1 << 20)
    other.sendall(b"\\0" + b"9.9\\x1b[2J")
    other.close()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, capsule.environ["CAPSULE_SOCKET"]], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        found = row(capsule, "worker")
        assert "one listens of version 9.9\\x1b[2J, which takes none" in found["found"]
        assert other.wait(20) == 0
    # The socket is left over, and nobody is behind it.
    assert row(capsule, "worker")["found"].startswith("none answers at ")


def test_a_place_that_others_can_write_to(capsule: Command) -> None:
    capsule.write("w", "")
    capsule.folder.chmod(0o777)
    assert "not yours alone" in row(capsule, "worker")["found"]


def test_the_cache_is_measured(capsule: Command) -> None:
    assert capsule("run", "hello.py").code == 0
    found = row(capsule, "cache")
    assert found["found"].endswith("; up to 2,147 MB are kept")


def test_rows_fit_on_a_terminal(capsule: Command) -> None:
    done = capsule.on_terminal("doctor")
    assert done.code == 0
    names = [line[5:17].strip() for line in done.out.splitlines() if line[:4].strip()]
    assert names == [
        *("version", "state", "installer", "toolchain", "wasmtime"),
        *("confinement", "cache", "record", "worker", "run"),
    ]
    for line in done.out.splitlines():
        # A path stays whole, for whoever copies it.
        assert len(line) <= 80 or str(capsule.folder) in line, line
    assert __version__ in done.out
    assert done.out.count("\x1b") == 0
