"""Functions go, and whatever named one that is behind them, or was one of them, still makes sense."""

from __future__ import annotations

import pytest

from capsule import wasm
from capsule.toolstore import strip_functions as stripping

TRAP = b"\x00\x00\x0b"
# Two functions are imported, so the first of the module's own is number 2.
IMPORTS = [wasm.name("host") + wasm.name(name) + b"\x00\x00" for name in ("a", "b")]
KINDS = [0, 0, 1, 0, 2, 0, 1]
BODIES = [
    # Lengths of one byte, two and three.
    b"\x00" + b"\x01" * count + b"\x0b"
    for count in (1, 5, 126, 300, 20_000, 2, 0)
]


def call(index: int, *, wide: bool = True) -> bytes:
    number = wasm.uleb(index)
    if wide:
        number = bytes([index & 0x7F | 0x80, index >> 7 | 0x80]) + b"\x80\x80\x00"
    return b"\x10" + number


def calling(*indices: int, wide: bool = True) -> bytes:
    return b"\x00" + b"".join(call(index, wide=wide) for index in indices) + b"\x0b"


def module(
    bodies: list[bytes],
    *,
    elements: tuple[tuple[int, list[int]], ...] = (),
    exports: tuple[tuple[str, int, int], ...] = (),
    kinds: list[int] = KINDS,
) -> bytes:
    segments = [
        b"\x00\x41"
        + wasm.sleb(place)
        + b"\x0b"
        + wasm.vector([wasm.uleb(index) for index in indices])
        for place, indices in elements
    ]
    return (
        wasm.HEADER
        + wasm.section(wasm.CUSTOM, wasm.name("first") + b"x" * 300)
        + wasm.section(wasm.TYPE, wasm.vector([b"\x60\x00\x00"] * 3))
        + wasm.section(wasm.IMPORT, wasm.vector(IMPORTS))
        + wasm.section(wasm.FUNCTION, wasm.vector([wasm.uleb(kind) for kind in kinds]))
        + wasm.section(
            wasm.EXPORT,
            wasm.vector([wasm.name(n) + bytes([kind]) + wasm.uleb(i) for n, kind, i in exports]),
        )
        + wasm.section(wasm.ELEMENT, wasm.vector(segments))
        + wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in bodies]))
        + wasm.section(wasm.DATA, wasm.vector([b"\x01\x03abc"]))
        + wasm.section(wasm.CUSTOM, wasm.name("name") + b"y" * 300)
    )


ALL = (0, len(BODIES) - 1)


def strip_functions(
    source: bytes, ranges: list[tuple[int, int]], packages: tuple[int, int] | None = None
) -> bytes:
    """Cut the ranges, of packages that begin and end with them if nothing else is said."""
    span = packages or ((ranges[0][0], ranges[-1][1]) if ranges else ALL)
    return stripping.strip_functions(source, ranges, span)


def cut(first: int, last: int) -> list[tuple[int, int]]:
    return [(first, last)]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (2, 4), (0, 6), (6, 6), (3, 5)])
def test_the_range_goes_and_the_rest_stays(first: int, last: int) -> None:
    left = [k for k in range(len(BODIES)) if not first <= k <= last]
    expected = module([BODIES[k] for k in left], kinds=[KINDS[k] for k in left])
    found = strip_functions(module(BODIES), cut(first, last))
    assert found == b"".join(
        [wasm.HEADER]
        + [
            wasm.section(kind, expected[start:end])
            for kind, start, end in wasm.sections(expected)
            if kind != wasm.CUSTOM
        ]
    )


def test_a_function_that_moved_up_is_called_by_its_new_number() -> None:
    bodies = [calling(0, 2, 7), *BODIES[1:6], calling(8, wide=False)]
    found = strip_functions(module(bodies), cut(1, 4))
    code = [calling(0, 2, 3), BODIES[5], calling(4, wide=False)]
    assert wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in code])) in found


def test_a_call_of_one_that_is_gone_leads_to_a_trap_of_its_type() -> None:
    # Of the kinds 0, 1, 0 and 2.
    bodies = [calling(3, 4, 5, 3), *BODIES[1:5], BODIES[5], calling(6)]
    found = strip_functions(module(bodies), cut(1, 4))
    code = [calling(3, 4, 3, 3), TRAP, TRAP, TRAP, BODIES[5], calling(5)]
    assert wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in code])) in found
    kinds = [wasm.uleb(kind) for kind in (0, 0, 1, 2, 0, 1)]
    assert wasm.section(wasm.FUNCTION, wasm.vector(kinds)) in found


def test_places_in_the_table_stay_and_those_of_what_is_gone_are_empty() -> None:
    found = strip_functions(module(BODIES, elements=((1, [0, 3, 2, 8, 4, 5, 7]),)), cut(1, 3))
    left = module([], elements=((1, [0]), (3, [2, 5]), (7, [4])))
    (segments,) = (left[s.start : s.end] for s in wasm.sections(left) if s.kind == wasm.ELEMENT)
    assert wasm.section(wasm.ELEMENT, segments) in found


def test_what_is_exported_keeps_its_name() -> None:
    exports = ("memory", 2, 0), ("early", 0, 2), ("late", 0, 8)
    found = strip_functions(module(BODIES, exports=exports), cut(1, 3))
    left = module([], exports=(("memory", 2, 0), ("early", 0, 2), ("late", 0, 5)))
    (section,) = (left[s.start : s.end] for s in wasm.sections(left) if s.kind == wasm.EXPORT)
    assert wasm.section(wasm.EXPORT, section) in found


def test_several_ranges_go() -> None:
    left = [0, 3, 6]
    expected = module([BODIES[k] for k in left], kinds=[KINDS[k] for k in left])
    found = strip_functions(module(BODIES), [(1, 2), (4, 5)])
    sections = [
        wasm.section(kind, expected[start:end])
        for kind, start, end in wasm.sections(expected)
        if kind != wasm.CUSTOM
    ]
    assert found == wasm.HEADER + b"".join(sections)


def test_one_trap_of_a_type_serves_all_ranges() -> None:
    # 2, 3 and 6 are of kind 0, as 4 is of kind 1; both are imported functions more.
    bodies = [calling(3, 7, 4), *BODIES[1:3], calling(2), *BODIES[4:6], calling(5)]
    kinds = [0, 0, 1, 0, 2, 0, 1]
    found = strip_functions(module(bodies, kinds=kinds), [(1, 2), (4, 5)])
    code = [calling(3, 3, 4), TRAP, TRAP, calling(2), calling(5)]
    assert wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in code])) in found


def test_what_a_package_that_stays_calls_stays_with_what_that_calls() -> None:
    # Function 3 lies between the ranges and calls 1, that calls 5; and 2 is called by Python's own
    # function alone.
    bodies = [calling(4), calling(7), BODIES[1], calling(3), BODIES[4], BODIES[5], BODIES[6]]
    found = strip_functions(module(bodies), [(1, 2), (4, 5)])
    # Imported are two; then 0, 1, a trap where 2 was, 3, 5 and 6.
    code = [calling(4), calling(6), TRAP, calling(3), BODIES[5], BODIES[6]]
    assert wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in code])) in found


def test_a_package_may_lie_in_front_of_all_that_goes_or_behind_it() -> None:
    bodies = [BODIES[0], calling(5), BODIES[2], BODIES[3], BODIES[4], BODIES[5], calling(6)]
    # Functions 1 and 6 keep 3 and 4: as packages, or as a library behind any package.
    for packages, stay in (((1, 6), {3, 4}), ((1, 4), {3, 4}), ((2, 6), {4}), ((2, 4), set())):
        found = strip_functions(module(bodies), [(2, 4)], packages)
        assert all((BODIES[k] in found) == (k in stay) for k in (3, 4)), packages


@pytest.mark.parametrize(
    "ranges", [[], [(3, 4), (1, 2)], [(1, 3), (3, 4)], [(1, 2), (5, 7)], [(2, 1)]]
)
def test_ranges_that_are_not_in_order(ranges: list[tuple[int, int]]) -> None:
    with pytest.raises(wasm.MalformedModuleError, match=r"to go"):
        strip_functions(module(BODIES), ranges)


@pytest.mark.parametrize(("first", "last"), [(0, 7), (7, 7), (5, 4), (-1, 2)])
def test_a_range_that_the_module_does_not_have(first: int, last: int) -> None:
    with pytest.raises(wasm.MalformedModuleError, match="the module has 7"):
        strip_functions(module(BODIES), cut(first, last))


def test_a_function_that_is_exported_cannot_go() -> None:
    with pytest.raises(wasm.MalformedModuleError, match="is named where no call is"):
        strip_functions(module(BODIES, exports=(("x", 0, 3),)), cut(1, 1))


def test_a_number_that_finds_no_room() -> None:
    # Numbers 126 to 128 go. The trap for the second of them is the third of the traps, number 128.
    caller = b"\x00" + call(126) + call(127, wide=False) + call(128) + b"\x0b"
    bodies = [*[b"\x00\x0b"] * 127, caller]
    with pytest.raises(wasm.MalformedModuleError, match=r"no room for 128 in 1 bytes"):
        strip_functions(module(bodies, kinds=[*[0] * 125, 2, 1, 0]), cut(124, 126))


def test_a_function_that_runs_past_its_section() -> None:
    body = wasm.uleb(2) + wasm.sized(b"\x00\x0b") + b"\x40\x00\x0b"
    broken = (
        wasm.HEADER
        + wasm.section(wasm.FUNCTION, wasm.vector([b"\x00", b"\x00"]))
        + wasm.section(wasm.CODE, body)
    )
    with pytest.raises(wasm.MalformedModuleError, match="runs past"):
        strip_functions(broken, cut(0, 1))


def test_what_is_no_module() -> None:
    with pytest.raises(wasm.MalformedModuleError, match="not a WebAssembly module"):
        strip_functions(b"PK\x03\x04 and more", cut(0, 0))


def test_a_module_without_code() -> None:
    with pytest.raises(wasm.MalformedModuleError, match="no code"):
        strip_functions(wasm.HEADER, cut(0, 0))


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (wasm.GLOBAL, b"\x70\x00\xd2\x03\x0b"),  # its first value is function 3
        (wasm.GLOBAL, b"\x7f\x00\x41\x03\x41\x03\x6a\x0b"),  # a sum
        (wasm.TABLE, b"\x40\x00\x70\x00\x03\xd2\x03\x0b"),  # full of function 3
    ],
)
def test_what_else_could_name_a_function_is_refused(kind: int, item: bytes) -> None:
    whole = module(BODIES)
    named = wasm.HEADER + wasm.section(kind, wasm.vector([item])) + whole[len(wasm.HEADER) :]
    with pytest.raises(wasm.MalformedModuleError, match="not expected in a section"):
        strip_functions(named, cut(1, 1))


def test_tables_and_globals_that_name_none_stay() -> None:
    tables = wasm.section(wasm.TABLE, wasm.vector([b"\x70\x00\x03", b"\x6f\x01\x03\xff\x01"]))
    values = [b"\x7f\x01\x41\xff\x00\x0b", b"\x7c\x00\x44" + b"\x0b" * 8 + b"\x0b"]
    plain = tables + wasm.section(wasm.GLOBAL, wasm.vector(values))
    whole = module(BODIES)
    assert plain in strip_functions(wasm.HEADER + plain + whole[len(wasm.HEADER) :], cut(1, 1))
