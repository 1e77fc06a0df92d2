"""Bytes are changed where the pins say, and only where what they say stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.paths import toolchain_data
from capsule.toolstore import pins
from capsule.toolstore.binary_patch import patched
from capsule.toolstore.import_memory import import_memory
from capsule.toolstore.pins import Patch

if TYPE_CHECKING:
    from tests.unit.toolstore.conftest import Bench


def test_the_store_holds_the_patched_interpreter(bench: Bench) -> None:
    pinned = pins.load(bench.pins).interpreter
    root = bench.open("science").root
    content = (root / "interpreter.wasm").read_bytes()
    assert len(content) == pinned.wasm.size
    (patch,) = pinned.patches
    assert content[patch.at : patch.at + 2] == patch.after
    assert content[patch.at :].startswith(patch.after)
    assert (root / "science.cwasm").read_bytes().endswith(import_memory(content))


@pytest.mark.parametrize("source", [b"other bytes", b"goo", b""])
def test_other_bytes_than_the_pins_say_are_left_alone(source: bytes) -> None:
    with pytest.raises(ToolchainError, match=r"at byte 0, where 676f6f64 is to be changed \(why\)"):
        patched(source, [Patch("why", "", 0, 0, b"good", b"best")])


def test_patches_of_the_real_interpreter_change_no_lengths_and_do_not_overlap() -> None:
    taken: set[int] = set()
    for patch in pins.load(toolchain_data() / "pins.toml").interpreter.patches:
        assert len(patch.before) == len(patch.after)
        assert patch.before != patch.after
        bytes_of = set(range(patch.at, patch.at + len(patch.after)))
        assert not bytes_of & taken
        taken |= bytes_of
