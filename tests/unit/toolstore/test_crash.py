"""Processes that are killed, and processes that start at once: real ones, in a real home."""

from __future__ import annotations

import os
import select
import signal
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest

from capsule.toolstore import file_index, prepare
from capsule.toolstore.manage import remove, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capsule.progress import Progress
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.pins import Wheel
    from tests.unit.toolstore.conftest import Bench, Watcher

    Fork = Callable[[Callable[[], object]], int]
    Ended = Callable[[int], int]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder but the record, which holds times and inodes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "record.json"
    }


@pytest.fixture
def whole(bench: Bench) -> dict[str, bytes]:
    """Return what an undisturbed first run leaves, in a home that is then removed."""
    found = contents(bench.open().root)
    remove(bench.home, progress=bench.silent)
    bench.work()
    return found


def dying_at(moves: int, job: Callable[[], object]) -> Callable[[], None]:
    """Return `job` for a process that is killed just before it moves its n-th file into place."""
    real, left = os.replace, count(moves, -1)

    def replace(*arguments: str) -> None:
        if next(left) == 0:
            die()
        real(*arguments)

    def run() -> None:
        os.replace = replace  # type: ignore[assignment]
        job()

    return run


def test_killed_before_any_move_it_goes_on_from_there(
    bench: Bench, whole: dict[str, bytes], fork: Fork, ended: Ended
) -> None:
    """Every part and every record is put in place by a move: die before each of them in turn."""
    for moves in count():
        status = ended(fork(dying_at(moves, bench.open)))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        found = bench.open()
        assert contents(found.root) == whole
        work = bench.work()
        # What was in its place is not fetched again: at most the part that was in the making.
        assert len(work) <= 4, (moves, work)
        assert {finding.state for finding in verify(bench.home, sources=bench.sources())} == {"ok"}
        remove(bench.home, progress=bench.silent)
    assert moves > 12  # 7 parts and their records


def test_killed_at_every_move_of_one_long_first_run(
    bench: Bench, whole: dict[str, bytes], fork: Fork, ended: Ended
) -> None:
    """Each process gets two moves further than the last, a part and its record: that will do."""
    for deaths in count():
        status = ended(fork(dying_at(2, bench.open)))
        if status == 0:
            break
        assert (status, deaths < 20) == (-signal.SIGKILL, True)
    assert deaths > 5
    assert contents(bench.open().root) == whole
    assert len(bench.work()) <= 6


def test_killed_while_it_downloads(
    bench: Bench, whole: dict[str, bytes], fork: Fork, ended: Ended
) -> None:
    def half(wheel: Wheel, staging: Path, progress: Progress) -> Path:
        (staging / wheel.file).write_bytes((bench.index / wheel.file).read_bytes()[:100])
        die()
        return staging

    assert ended(fork(lambda: bench.open(fetch=half))) == -signal.SIGKILL
    assert list(bench.layout.staging.iterdir())
    assert contents(bench.open().root) == whole
    assert not bench.layout.staging.exists()


def test_killed_while_it_compiles(
    bench: Bench, whole: dict[str, bytes], fork: Fork, ended: Ended
) -> None:
    """The compiler has written half of its file when the process that waits for it dies."""
    gate = bench.folder / "gate"
    gate.touch()
    bench.release("1.0.0", trouble=f'[ -e {gate} ] && echo half > "$6" && kill -9 $PPID')
    assert ended(fork(bench.open)) == -signal.SIGKILL
    bench.work()
    gate.unlink()
    found = bench.open()
    assert bench.work() == ["compile core.wasm"]
    assert found.interpreter.read_bytes() == whole["core.cwasm"]
    assert not bench.layout.staging.exists()


def test_killed_while_it_compiles_again(bench: Bench, fork: Fork, ended: Ended) -> None:
    """The old code is gone, the new is not recorded: that must not look like damage."""
    bench.release("1.0.0", trouble='echo "for this processor: $$" >> "$6"')
    first = bench.open()
    again = lambda: prepare.renew(bench.layout, first, bench.silent, bench.sources())  # noqa: E731
    for moves in count():
        status = ended(fork(dying_at(moves, again)))
        assert bench.open().interpreter.exists()
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert moves > 1


def test_killed_while_it_removes(bench: Bench, fork: Fork, ended: Ended) -> None:
    bench.open()

    def removing() -> None:
        os.unlink = lambda *_, **__: die()
        remove(bench.home, progress=bench.silent)

    assert ended(fork(removing)) == -signal.SIGKILL
    assert not bench.layout.root.exists()
    assert list(bench.layout.base.glob(".removed-*"))
    bench.open()
    assert not list(bench.layout.base.glob(".removed-*"))


def test_two_first_runs_at_once_do_the_work_once(
    bench: Bench, watcher: Watcher, fork: Fork, ended: Ended
) -> None:
    """The first is in the middle of its download until it hears that the second waits."""
    working, waiting = os.pipe(), os.pipe()

    def fetch(wheel: Wheel, staging: Path, progress: Progress) -> Path:
        os.write(working[1], b"x")
        select.select([waiting[0]], [], [], 60)
        return bench.fetch(wheel, staging, progress)

    watcher.note = lambda text: os.write(waiting[1], text.encode())  # type: ignore[method-assign, assignment]
    first = fork(lambda: bench.open(fetch=fetch))
    assert select.select([working[0]], [], [], 60)[0]
    second = fork(lambda: bench.open(progress=watcher))
    assert (ended(first), ended(second)) == (0, 0)
    assert os.read(waiting[0], 100) == b"another capsule is preparing what is needed here, waiting"
    assert bench.work() == ["fetch tiny-wasmtime", "fetch tiny-python", "compile core.wasm"]
    for end in (*working, *waiting):
        os.close(end)


def test_many_first_runs_of_both_flavours(bench: Bench, fork: Fork, ended: Ended) -> None:
    flavours: list[Flavour] = ["core", "science"] * 4
    jobs = [fork(partial(bench.open, flavour)) for flavour in flavours]
    assert [ended(job) for job in jobs] == [0] * 8
    assert sorted(bench.work()) == [
        "compile core.wasm",
        "compile science.wasm",
        "fetch tiny-python",
        "fetch tiny-wasmtime",
    ]
    known = file_index.read(bench.layout.record)
    assert known is not None
    assert {"core.cwasm", "science.cwasm"} <= known.files.keys()
