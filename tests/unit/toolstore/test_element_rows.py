"""A sparse function table says the same in fewer bytes of what wasmtime writes and reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import wasm
from capsule.toolstore import element_rows
from capsule.toolstore.element_rows import Row, sparse_table
from capsule.wasm import MalformedModuleError

ROWS = st.lists(
    st.tuples(st.integers(0, 5_000), st.lists(st.integers(0, 300), min_size=1, max_size=9)),
    max_size=8,
)


def module(content: bytes) -> bytes:
    """Return a module that is a section of elements alone."""
    return wasm.HEADER + wasm.section(wasm.ELEMENT, content)


def placed(gaps: list[tuple[int, list[int]]]) -> list[Row]:
    """Return rows with these gaps in front of them."""
    rows, at = [], 0
    for gap, functions in gaps:
        rows.append(Row(at + gap, functions))
        at += gap + len(functions)
    return rows


def table(source: bytes) -> dict[int, int]:
    """Return which function is where, by a reader of this test's own."""
    (section,) = wasm.sections(source)
    found: dict[int, int] = {}
    count, at = wasm.read_uleb(source, section.start, section.end)
    for _ in range(count):
        kind = source[at]
        assert source[at + 1] == 0x41
        place, at = wasm.read_sleb(source, at + 2, section.end)
        length, at = wasm.read_uleb(source, at + 1, section.end)
        for offset in range(length):
            at += kind == 4
            found[place + offset], at = wasm.read_uleb(source, at, section.end)
            at += kind == 4
    assert at == section.end
    return found


@given(ROWS)
def test_rows_are_read_as_they_were_written(gaps: list[tuple[int, list[int]]]) -> None:
    source = module(element_rows.encode(placed(gaps)))
    (section,) = wasm.sections(source)
    assert element_rows.read(source, section) == placed(gaps)


@given(ROWS)
def test_a_table_holds_the_same(gaps: list[tuple[int, list[int]]]) -> None:
    source = module(element_rows.encode(placed(gaps)))
    assert table(sparse_table(source)) == table(source)


def test_what_is_dense_stays_as_it_is() -> None:
    source = module(element_rows.encode(placed([(1, list(range(500))), (40, [1] * 20)])))
    assert sparse_table(source) == source
    assert sparse_table(wasm.HEADER) == wasm.HEADER
    assert sparse_table(module(wasm.vector([]))) == module(wasm.vector([]))


def test_a_segment_of_an_expression_is_at_the_first_wide_gap() -> None:
    rows = placed([(1, [7, 8, 9]), (2, [1] * 50), (4_000, [5, 6]), (3, [4])])
    made = sparse_table(module(element_rows.encode(rows)))
    alone = bytes.fromhex("04") + b"\x41" + wasm.sleb(4_056) + bytes.fromhex("0b01d2050b")
    rest = [Row(4_057, [6]), rows[3]]
    begin, end = element_rows.encode(rows[:2])[1:], element_rows.encode(rest)[1:]
    assert made == module(bytes([5]) + begin + alone + end)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("010100410b00", "kind 1"),
        ("010423000b00", "kind 4"),
        ("010023000b00", "kind 0"),
        ("010041000000", "not a constant"),
        ("010041", "end"),
    ],
)
def test_what_is_not_known_is_refused(content: str, said: str) -> None:
    source = module(bytes.fromhex(content))
    with pytest.raises(MalformedModuleError, match=said):
        sparse_table(source)
