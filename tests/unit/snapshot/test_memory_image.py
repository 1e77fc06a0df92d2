"""Memory as a module: what it holds, what is refused, and its holes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsule import wasm
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun
from capsule.snapshot.initial_memory import initial_memory
from capsule.snapshot.memory_image import Image, write_sparse

if TYPE_CHECKING:
    from pathlib import Path

INITIAL = bytes(STACK_TOP) + b"i" * PAGE + bytes(wasm.PAGE - PAGE)
SIZE = len(INITIAL) + 4 * wasm.PAGE


def run(page: int, pages: int = 1, byte: bytes = b"p") -> PageRun:
    return PageRun(STACK_TOP + page * PAGE, byte * pages * PAGE)


def written(folder: Path, image: Image) -> Path:
    path = folder / "image.wasm"
    with path.open("wb") as file:
        image.write(file)
    return path


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, SIZE // PAGE - STACK_TOP // PAGE - 1), max_size=8))
def test_it_begins_as_the_memory_was(
    tmp_path_factory: pytest.TempPathFactory, changed: set[int]
) -> None:
    expected = bytearray(INITIAL) + bytes(SIZE - len(INITIAL))
    pages = [run(page) for page in sorted(changed)]
    for each in pages:
        expected[each.offset : each.offset + PAGE] = each.data
    folder = tmp_path_factory.mktemp("image")
    assert initial_memory(written(folder, Image(INITIAL, pages, SIZE))) == expected


def test_it_is_one_segment_and_exported(tmp_path: Path) -> None:
    module = written(tmp_path, Image(INITIAL)).read_bytes()
    found = {each.kind: module[each.start : each.end] for each in wasm.sections(module)}
    assert list(found) == [wasm.MEMORY, wasm.EXPORT, wasm.DATA]
    assert found[wasm.EXPORT] == wasm.vector([wasm.name("memory") + b"\x02\x00"])
    assert found[wasm.DATA][0] == 1


@pytest.mark.parametrize(
    ("pages", "size"),
    [
        ([run(-1)], SIZE),
        ([PageRun(0, b"x")], SIZE),
        ([run(80)], SIZE),
        ([run(79, 2)], SIZE),
        ([run(3), run(2)], SIZE),
        ([run(2, 2), run(3)], SIZE),
        ([], SIZE + 1),
        ([], len(INITIAL) - wasm.PAGE),
        ([], (1 << 32) + wasm.PAGE),
    ],
)
def test_what_no_snapshot_has_is_refused(pages: list[PageRun], size: int) -> None:
    with pytest.raises(wasm.MalformedModuleError):
        Image(INITIAL, pages, size)


def test_what_is_zero_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    data = b"a" * PAGE + bytes(64 << 20) + b"b" * PAGE
    with path.open("wb") as file:
        write_sparse(file, 0, data)
        file.truncate(len(data))
    assert path.read_bytes() == data
    if hasattr(os.stat_result, "st_blocks"):
        assert path.stat().st_blocks * 512 < 1 << 20
