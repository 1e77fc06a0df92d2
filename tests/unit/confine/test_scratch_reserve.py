"""The folders of a run are used again only where nobody could tell."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from capsule.confine import scratch_reserve
from capsule.confine.scratch import scratch
from capsule.confine.scratch_reserve import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows makes new folders")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", f"{tmp_path}")
    return tmp_path


@pytest.fixture
def keeper(place: Path) -> Iterator[Keeper]:
    made = Keeper()
    yield made
    made.close()
    assert list(place.rglob("*")) == []


def used(leave: Callable[[Path], object] = lambda _: None) -> Path:
    """Return where the folders of a run were, in which `leave` left something."""
    with scratch() as made:
        assert [sorted(folder.iterdir()) for folder in (made.working, made.temporary)] == [[], []]
        leave(made.working)
        leave(made.temporary)
        return made.path


def test_nothing_is_kept_where_nobody_asked_for_it(place: Path) -> None:
    assert used() != used()
    assert list(place.rglob("*")) == []


def files(folder: Path) -> None:
    (folder / "file").write_text("of another run")
    (folder / "link").symlink_to("file")
    (folder / "closed" / "inner").mkdir(parents=True)
    (folder / "closed").chmod(0o500)


def another_mode(folder: Path) -> None:
    folder.chmod(0o777)


def deep(folder: Path) -> None:
    for _ in range(100):
        folder /= "x"
        folder.mkdir()


@pytest.mark.parametrize("leave", [lambda _: None, files, another_mode, deep])
def test_the_next_run_has_them_as_new(keeper: Keeper, leave: Callable[[Path], object]) -> None:
    first = used(leave)
    before = time.time()
    with scratch() as made:
        assert made.path == first
        for folder in (made.working, made.temporary):
            status = folder.stat()
            assert (list(folder.iterdir()), status.st_mode & 0o777) == ([], 0o700)
            # When the run before wrote there is not told.
            assert status.st_mtime <= before


def moved_away(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}.away"))
    folder.mkdir(mode=0o700)


def one_beside(folder: Path) -> None:
    folder.with_name("beside").touch()


def gone(folder: Path) -> None:
    folder.rmdir()


def a_link(folder: Path) -> None:
    folder.rmdir()
    folder.symlink_to("/")


@pytest.mark.parametrize("change", [moved_away, one_beside, gone, a_link])
def test_what_is_not_as_it_was_is_not_used_again(
    keeper: Keeper, change: Callable[[Path], object]
) -> None:
    assert used(change) != used()


def test_a_folder_that_stayed_large_is_not_used_again(place: Path, keeper: Keeper) -> None:
    def many(folder: Path) -> None:
        for number in range(2_000):
            (folder / f"{number:0200}").touch()

    with scratch() as made:
        first, size = made.path, made.working.stat().st_size
        many(made.working)
        grown = made.working.stat().st_size
        for file in made.working.iterdir():
            file.unlink()
        stays = made.working.stat().st_size > size
    assert grown >= size
    assert (used() == first) is not stays


def test_each_of_many_runs_at_once_has_its_own(place: Path, keeper: Keeper) -> None:
    at_work: set[Path] = set()
    wrong: list[Path] = []
    lock, begin = threading.Lock(), threading.Barrier(8)

    def run() -> None:
        begin.wait()
        for _ in range(30):
            with scratch() as made:
                with lock:
                    if made.path in at_work:
                        wrong.append(made.path)
                    at_work.add(made.path)
                files(made.working)
                with lock:
                    at_work.discard(made.path)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_last_to_close_deletes_them(place: Path) -> None:
    first, second = Keeper(), Keeper()
    kept = used()
    first.close()
    first.close()
    assert used() == kept
    with scratch():
        second.close()
    assert list(place.rglob("*")) == []
    assert used() != kept


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_has_none_of_them(keeper: Keeper) -> None:
    kept = used()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        # Whatever fails here ends the child, and nothing of the tests runs in it.
        try:
            os.write(writing, f"{scratch_reserve.take()}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    assert os.read(reading, 100) == b"None"
    os.close(reading)
    assert used() == kept
