"""Kept things: made once, looked at before each use, made again when damaged."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.progress import Silent
from capsule.snapshot import cache, eviction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Notes:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, step: object) -> object:
        raise AssertionError(step)

    def note(self, text: str) -> None:
        self.said.append(text)


class Maker:
    """Makes an entry and counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> cache.Facts:
        self.times += 1
        (folder / "file").write_bytes(b"content")
        return {"number": 7}


@pytest.fixture
def obtain(tmp_path: Path) -> Callable[[Maker, Notes], cache.Entry]:
    return lambda maker, notes: cache.obtain(tmp_path / "store", "key", maker, notes)  # type: ignore[arg-type]


def test_an_entry_is_made_once(obtain: Callable[..., cache.Entry]) -> None:
    maker, notes = Maker(), Notes()
    first, second = obtain(maker, notes), obtain(maker, notes)
    assert first._replace(lease=None) == second._replace(lease=None)
    assert (first.folder / "file").read_bytes() == b"content"
    assert (first.facts, maker.times, notes.said) == ({"number": 7}, 1, [])


def damage_content(folder: Path) -> None:
    status = (folder / "file").stat()
    (folder / "file").write_bytes(b"c0ntent")
    os.utime(folder / "file", ns=(status.st_atime_ns, status.st_mtime_ns))


def damage_facts(folder: Path) -> None:
    index = folder / "entry.json"
    index.write_text(index.read_text().replace('"number": 7', '"number": 8'))


def damage_by_pipe(folder: Path) -> None:
    (folder / "entry.json").unlink()
    os.mkfifo(folder / "entry.json")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (damage_content, "file"),
        (damage_facts, "entry.json"),
        (lambda folder: (folder / "file").unlink(), "file"),
        (lambda folder: (folder / "file").write_bytes(b""), "file"),
        (lambda folder: (folder / "entry.json").write_text("{"), "entry.json"),
        (lambda folder: (folder / "entry.json").write_text("[]"), "entry.json"),
        (lambda folder: (folder / "entry.json").write_text("[" * 200_000), "entry.json"),
        (damage_by_pipe, "entry.json"),
    ],
)
def test_what_is_damaged_is_named_and_made_again(
    obtain: Callable[..., cache.Entry], damage: Callable[[Path], object], named: str
) -> None:
    maker, notes = Maker(), Notes()
    folder = obtain(maker, notes).folder
    damage(folder)
    entry = obtain(maker, notes)
    assert (entry.folder / "file").read_bytes() == b"content"
    assert entry.facts == {"number": 7}
    assert maker.times == 2
    assert f"{folder / named} is damaged" in notes.said[0]


def test_a_copy_is_as_good_as_the_first(obtain: Callable[..., cache.Entry]) -> None:
    maker, notes = Maker(), Notes()
    folder = obtain(maker, notes).folder
    os.utime(folder / "file", (0, 0))
    obtain(maker, notes)
    assert (maker.times, notes.said) == (1, [])


def test_nothing_is_left_of_what_could_not_be_made(
    obtain: Callable[..., cache.Entry], tmp_path: Path
) -> None:
    def fail(folder: Path) -> cache.Facts:
        (folder / "half").write_bytes(b"x")
        raise ToolchainError("no")

    with pytest.raises(ToolchainError, match="no"):
        obtain(fail, Notes())
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["key.lock"]


def test_many_at_once_make_it_once(obtain: Callable[..., cache.Entry]) -> None:
    maker = Maker()
    threads = [threading.Thread(target=obtain, args=(maker, Notes())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert maker.times == 1


def test_facts_that_are_missing_are_damage(tmp_path: Path) -> None:
    made = cache.obtain(tmp_path, "key", Maker(), Notes())  # type: ignore[arg-type]
    found = cache.look(made.folder, ("number", "size"))
    assert isinstance(found, cache.Damage)
    assert found.found == "it does not say size"


def test_what_is_in_use_is_not_deleted(tmp_path: Path) -> None:
    entry = cache.obtain(tmp_path / "tasks", "a" * 32, Maker(), Notes())  # type: ignore[arg-type]
    assert eviction.prune(tmp_path, eviction.Bounds(), all_of_it=True) == []
    assert entry.lease is not None
    entry.lease.release()
    assert len(eviction.prune(tmp_path, eviction.Bounds(), all_of_it=True)) == 1


def test_an_entry_that_is_deleted_all_the_time_is_made_in_the_end(tmp_path: Path) -> None:
    stop = threading.Event()

    def prune() -> None:
        while not stop.is_set():
            eviction.prune(tmp_path, eviction.Bounds(), all_of_it=True)

    pruner = threading.Thread(target=prune)
    pruner.start()
    try:
        for _ in range(300):
            entry = cache.obtain(tmp_path / "tasks", "a" * 32, Maker(), Notes())  # type: ignore[arg-type]
            assert (entry.folder / "file").read_bytes() == b"content"
            del entry
    finally:
        stop.set()
        pruner.join()


def test_a_copied_entry_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(folder: Path) -> cache.Facts:
        (folder / "content").write_bytes(b"x")
        return {"n": 1}

    made = cache.obtain(tmp_path / "store", "key", make, Silent())
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    hashed: list[Path] = []
    real = cache._sha256

    def counted(path: Path) -> str:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr(cache, "_sha256", counted)
    for _ in range(2):
        found = cache.obtain(tmp_path / "copy", "key", make, Silent())
        assert found.facts == made.facts
    assert [path.name for path in hashed] == ["content"]
    (tmp_path / "copy" / "key" / "content").write_bytes(b"y")
    assert isinstance(cache.look(tmp_path / "copy" / "key"), cache.Damage)
