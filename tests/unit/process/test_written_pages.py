"""Which pages a process has written, and what is in them, is read while it waits."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from capsule.process import written_pages as module
from capsule.process.written_pages import written_pages

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from capsule.process.written_pages import Written

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of pages")

PAGE = 4096
PAGES = 64
# It maps the image as the sandbox's memory is, writes a page here and there, and waits.
PROGRAM = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    there = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
for page in (3, 4, 40):
    there[page * 4096] = 7
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(bytes([1]) * PAGE * PAGES)
    return path


@contextmanager
def _process(image: Path) -> Iterator[int]:
    words = [sys.executable, "-c", PROGRAM, str(image)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        yield process.pid
        process.stdin.close()


def _pages(pid: int, image: Path) -> Generator[Written]:
    found = written_pages(pid, image, 0, PAGE * PAGES)
    assert found is not None
    yield from found


def _check(pid: int, image: Path) -> None:
    page = bytes([7]) + bytes([1]) * (PAGE - 1)
    (runs, there), *more = _pages(pid, image)
    assert not more
    assert runs == [(3 * PAGE, 2 * PAGE), (40 * PAGE, PAGE)]
    assert there[: 3 * PAGE] == 3 * page


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_what_was_written_is_found(image: Path) -> None:
    with _process(image) as pid:
        _check(pid, image)


def test_it_is_found_where_the_system_has_no_call_for_it(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROOMS", [])
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    with _process(image) as pid:
        before = _open_descriptors()
        _check(pid, image)
        assert _open_descriptors() == before


def test_nothing_stays_open_of_what_never_begins(image: Path) -> None:
    with _process(image) as pid:
        before = _open_descriptors()
        assert written_pages(pid, image, 0, PAGE * PAGES) is not None
        assert _open_descriptors() == before


def test_memory_for_many_at_once_is_given_back(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROOMS", [])
    with _process(image) as pid:
        many = [_pages(pid, image) for _ in range(20)]
        there = [next(each).there for each in many]
        assert len({id(each) for each in there}) == len(many)
        for each in many:
            each.close()
    assert 0 < len(module._ROOMS) <= 4
