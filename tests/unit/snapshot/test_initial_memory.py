"""The memory that a module starts with, read from its data segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import wasm
from capsule.snapshot.changed_pages import PageRun
from capsule.snapshot.initial_memory import initial_memory
from capsule.snapshot.preopens import ADDRESS, SIZE, forgotten

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = wasm.section(wasm.MEMORY, b"\x01\x00\x01")


def active(offset: int, data: bytes) -> bytes:
    return b"\x00\x41" + wasm.sleb(offset) + b"\x0b" + wasm.sized(data)


def module(folder: Path, *segments: bytes, before: bytes = MEMORY) -> Path:
    path = folder / "module.wasm"
    data = wasm.section(wasm.DATA, wasm.vector(segments))
    path.write_bytes(wasm.HEADER + before + data)
    return path


def test_active_segments_are_there_and_passive_ones_are_not(tmp_path: Path) -> None:
    path = module(tmp_path, b"\x01\x03xyz", active(5, b"abc"), active(65_000, b"d"))
    memory = initial_memory(path)
    assert len(memory) == wasm.PAGE
    assert bytes(memory[5:8]) == b"abc"
    assert memory[65_000] == ord("d")
    assert sum(memory) == sum(b"abcd")


@pytest.mark.parametrize(
    ("segment", "before"),
    [
        (b"\x02\x00\x41\x00\x0b\x00", MEMORY),
        (b"\x00\x23\x00\x0b\x00", MEMORY),
        (active(wasm.PAGE - 2, b"abc"), MEMORY),
        (active(-1, b"abc"), MEMORY),
        (b"\x00\x41\x00\x0b\x7fabc", MEMORY),
        (active(0, b"abc"), b""),
        (active(0, b"abc"), MEMORY + wasm.section(wasm.START, b"\x00")),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, segment: bytes, before: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError):
        initial_memory(module(tmp_path, segment, before=before))


@given(
    st.lists(
        st.tuples(st.integers(ADDRESS - 64, ADDRESS + 64), st.binary(min_size=1, max_size=100)),
        max_size=5,
    )
)
def test_the_list_of_folders_is_cleared_and_nothing_else(runs: list[tuple[int, bytes]]) -> None:
    found = forgotten([PageRun(offset, data) for offset, data in runs])
    for (offset, data), run in zip(runs, found, strict=True):
        assert (run.offset, len(run.data)) == (offset, len(data))
        for place, (was, now) in enumerate(zip(data, run.data, strict=True), offset):
            assert now == (0 if ADDRESS <= place < ADDRESS + SIZE else was)
