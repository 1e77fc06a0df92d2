"""The flavours: few, in order, and each made of what is pinned."""

from __future__ import annotations

from itertools import pairwise

from capsule.paths import toolchain_data
from capsule.toolstore import pins
from capsule.toolstore.flavours import FLAVOURS, KEEPS, NATIVES, flavour_with, standing_in

PINNED = pins.load(toolchain_data() / "pins.toml").interpreter


def test_the_smaller_ones_come_first() -> None:
    sizes = [cut.size for cut in PINNED.cuts]
    assert sizes == sorted(sizes)
    assert [cut.flavour for cut in PINNED.cuts] == [*FLAVOURS[:-1]]
    assert KEEPS[FLAVOURS[-1]] == NATIVES


def test_whatever_is_wanted_there_is_one_and_it_is_the_smallest() -> None:
    for flavour in FLAVOURS:
        assert flavour_with(KEEPS[flavour]) == flavour
    for name in NATIVES:
        assert name in KEEPS[flavour_with([name])]


def test_what_stands_in_has_all_that_is_wanted() -> None:
    for flavour in FLAVOURS:
        assert standing_in(flavour)[0] == flavour
        assert all(KEEPS[flavour] <= KEEPS[each] for each in standing_in(flavour))
    assert standing_in("core") == ("core",)


def test_what_is_cut_and_what_is_kept_is_all_there_is() -> None:
    natives = PINNED.natives
    first, last = natives.packages
    everything = set(range(first, last + 1))
    for flavour in FLAVOURS:
        gone = natives.without(KEEPS[flavour])
        functions = [index for begin, end in gone for index in range(begin, end + 1)]
        assert len(functions) == len(set(functions))
        assert everything >= set(functions)
        # Ranges that touch are one.
        assert all(end + 1 < begin for (_, end), (begin, _) in pairwise(gone))
    assert natives.without(KEEPS["core"]) == [(first, last)]
    assert natives.without(NATIVES) == []


def test_of_each_package_with_functions_some_flavour_is_without() -> None:
    named = {each.package for each in PINNED.natives.ranges}
    assert named | {"contourpy", "kiwisolver"} == NATIVES
