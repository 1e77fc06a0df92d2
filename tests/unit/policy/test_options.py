"""Options that are written down are read as the same again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.folders import parse_folder
from capsule.policy.options import UNSET, Options, overlay, parse_options, written
from capsule.policy.units import MAX_COMPUTE, MAX_RAM, MAX_RETRIES, MAX_TIMEOUT

if TYPE_CHECKING:
    from capsule.errors import CapsuleError
    from capsule.policy.invalid_value import InvalidValueError

FOLDERS = st.builds(
    lambda name, mode: parse_folder({"path": f"./{name}", "mode": mode}),
    st.sampled_from(["data", "data/in", "a b", "\u00e9"]),
    st.sampled_from(["ro", "rw"]),
)


def optional(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | strategy


def several(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() | st.lists(strategy, max_size=3, unique=True).map(tuple)


OPTIONS = st.builds(
    Options,
    compute=optional(st.just(UNSET) | st.integers(1, MAX_COMPUTE)),
    ram=optional(st.just(UNSET) | st.integers(1, MAX_RAM)),
    timeout=optional(st.just(UNSET) | st.integers(1, MAX_TIMEOUT)),
    max_retries=optional(st.integers(0, MAX_RETRIES)),
    allowed_files=st.none() | st.lists(FOLDERS, max_size=3, unique=True).map(tuple),
    allowed_hosts=several(st.sampled_from(["a.com", "*.b.com", "localhost:80", "*"])),
    env_variables=several(st.sampled_from(["A", "B_C"])),
)


def blame(option: str, wrong: InvalidValueError) -> CapsuleError:
    raise AssertionError((option, wrong.message))


@given(OPTIONS)
def test_what_is_written_is_read_again(options: Options) -> None:
    literal = json.loads(json.dumps(written(options)))
    assert parse_options(literal, blame) == options


def test_none_takes_the_place_of_a_default() -> None:
    own = parse_options({"ram": None, "compute": None, "timeout": None}, blame)
    assert own == Options(UNSET, UNSET, UNSET)
    assert overlay(own, Options(compute=5, ram=1 << 30, timeout=9, max_retries=2)) == Options(
        UNSET, UNSET, UNSET, max_retries=2
    )
