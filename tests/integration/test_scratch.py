"""The private /tmp of a run: there, empty, bounded, and gone afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from capsule.confine import scratch
from capsule.process.cancel import Cancellation
from capsule.runner import run_budget
from capsule.runner.memory_budget import RunMemory
from capsule.runner.run import run
from tests.integration.workbench import Counting, system_alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Attempt
    from capsule.runner.observer import Which
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

FILL = """
import os
def main(files, size):
    for number in range(files):
        with open(f"/tmp/{number}", "wb") as file:
            for _ in range(size >> 20 or 1):
                file.write(bytes(min(size, 1 << 20)))
    return len(os.listdir("/tmp"))
"""


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    yield
    assert list(temporary.iterdir()) == []


def test_it_is_empty_in_each_run(bench: Workbench) -> None:
    assert [bench.run(FILL, 3, 100)["result"] for _ in range(2)] == [3, 3]


def test_tempfile_works(bench: Workbench) -> None:
    source = """
import tempfile
def main():
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"text")
        file.flush()
        return [folder.startswith("/tmp/"), open(file.name).read()]
"""
    assert bench.run(source)["result"] == [True, "text"]


@pytest.mark.parametrize(("files", "size"), [(2 * scratch.MAX_ENTRIES, 1), (1_000, 20 << 20)])
def test_they_fill_up_as_a_disk_does(bench: Workbench, files: int, size: int) -> None:
    error = bench.run(FILL, files, size)["error"]
    assert error is not None
    assert error["error_type"] == "task_error"
    assert "No space left on device" in error["message"]


def test_who_deletes_goes_on(bench: Workbench) -> None:
    source = """
import errno, os, tempfile
MIB = bytes(1 << 20)
def main():
    for number in range(8):
        with open("/tmp/large", "wb") as file:
            for _ in range(80): file.write(MIB)
        with tempfile.TemporaryFile(dir="/") as file:
            for _ in range(80): file.write(MIB)
        os.replace("/tmp/large", "/other")
    for number in range(6_000):
        os.mkdir("/tmp/folder"); os.rmdir("/tmp/folder")
        open("/file", "w").close(); os.unlink("/file")
    try:
        with open("/tmp/first", "wb") as file:
            for _ in range(120): file.write(MIB)
        with open("/tmp/second", "wb", 0) as file:
            while True: file.write(MIB)
    except OSError as error:
        return [errno.errorcode[error.errno], os.stat("/tmp/second").st_size >> 20]
"""
    assert bench.run(source, compute=10**12)["result"] == ["ENOSPC", 56]


def test_a_file_without_a_name_also_where_an_open_one_cannot_be_deleted(bench: Workbench) -> None:
    source = """
import os, tempfile
unlink = os.unlink
def is_open(path):
    for number in range(3, 64):
        try:
            if os.path.samestat(os.fstat(number), os.stat(path)): return True
        except OSError: pass
def refuse(path):
    # As above Windows.
    if is_open(path): raise PermissionError(2, "Permission denied", path)
    return unlink(path)
def use():
    with tempfile.TemporaryFile("w+", dir="/") as file:
        file.write("text")
        file.seek(0)
        found = [file.read(), len(os.listdir("/"))]
    with tempfile.SpooledTemporaryFile(1) as file:
        file.write(b"more")
        file.seek(0)
        found.append(file.read().decode())
    return [*found, len(os.listdir("/")), os.listdir("/tmp")]
def main():
    before = len(os.listdir("/"))
    found = [use()]
    os.unlink = refuse
    found.append(use())
    return [before, *found]
"""
    before, plain, refused = bench.run(source)["result"]
    here = 0 if os.name != "nt" else 1
    assert plain == ["text", before + here, "more", before, []]
    assert refused == ["text", before + 1, "more", before, []]


@pytest.mark.parametrize(
    ("files", "size", "said"),
    [
        (2 * scratch.MAX_ENTRIES, 1, "more than 10,000 files and folders"),
        (1_000, 20 << 20, "more than 256 MB"),
    ],
)
def test_a_flood_past_the_guard_ends_the_run(
    bench: Workbench, tmp_path: Path, files: int, size: int, said: str
) -> None:
    order = system_alone(FILL, tmp_path, bench)
    call = order.call._replace(args=[files, size])
    error = bench.run_order(order._replace(call=call))["error"]
    assert error is not None
    assert error["error_type"] == "policy_error"
    assert said in error["message"]


def test_folders_in_folders_count(bench: Workbench) -> None:
    source = """
import os
def main():
    for number in range(10**6):
        os.makedirs(f"/tmp/{number % 50}/{number}")
"""
    error = bench.run(source, compute=10**12)["error"]
    assert error is not None
    assert "No space left on device" in error["message"]


def test_a_single_file_is_bounded(bench: Workbench) -> None:
    error = bench.run(FILL, 1, 2 * scratch.MAX_FILE)["error"]
    assert error is not None
    assert error["error_type"] == "task_error"
    assert "File too large" in error["message"]


def test_a_flood_while_a_snapshot_is_taken(bench: Workbench) -> None:
    source = """
for number in range(10**6):
    open(f"/tmp/{number}", "wb").close()
def main(): return 1
"""
    error = bench.run(source)["error"]
    assert bench.recorder.plain is not None
    assert "No space left on device" in bench.recorder.plain
    assert error is not None
    assert error["error_type"] == "task_error"


def test_files_without_a_name_count(bench: Workbench) -> None:
    source = """
import os
def main():
    kept = []
    for number in range(40):
        kept.append(open(f"/tmp/{number}", "wb"))
        os.unlink(f"/tmp/{number}")
        for _ in range(20):
            kept[-1].write(bytes(1 << 20))
        kept[-1].flush()
    return len(kept)
"""
    error = bench.run(source, compute=10**11)["error"]
    assert error is not None
    assert "No space left on device" in error["message"]


@pytest.mark.parametrize("place", ["in the run", "in the import"])
def test_folders_without_end(bench: Workbench, place: str) -> None:
    source = """
import os
def dig():
    here = os.open("/tmp", os.O_RDONLY)
    while True:
        os.mkdir("a", dir_fd=here)
        inner = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
"""
    source += "def main(): dig()" if place == "in the run" else "dig()\ndef main(): pass"
    error = bench.run(source, compute=10**12)["error"]
    assert error is not None
    assert (error["error_type"], "deep" in error["message"]) == ("policy_error", True)


def test_a_flood_while_an_answer_waits_for_room(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class UntilTheFlood(Counting):
        def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
            super().ended(which, policy, done)
            if policy.task == "floods":
                ends.append(done)
                over.cancel()

    source = """
import posix, select, struct, time
from capsule import task
from capsule_guest import calls
def ask(name): calls.ask("task", {"name": name, "args": [], "kwargs": {}}, b"")
@task()
def large(): return "x" * (8 << 20)
@task(timeout="20s")
def floods():
    posix.write(1, struct.pack("<BI", 18, 4 << 20))
    with open("/tmp/file", "wb") as file:
        for _ in range(12): file.write(bytes(1 << 20))
    time.sleep(1000)
@task(timeout="60s")
def main():
    ask("large")
    select.select([0], [], [])
    # It is there, and keeps its room until it is read.
    ask("floods")
    time.sleep(1000)
"""
    monkeypatch.setattr(scratch, "MAX_BYTES", 8 << 20)
    monkeypatch.setattr(run_budget, "RunMemory", lambda: RunMemory(answers=9 << 20))
    ends: list[Attempt] = []
    with Cancellation() as over:
        envelope = run(bench.order(source), UntilTheFlood(), over)
    assert [done.outcome.error_type for done in ends] == ["policy_error"], (ends, envelope)
    assert "more than 8 MB" in ends[0].outcome.message
