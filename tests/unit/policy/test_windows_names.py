"""Names that mean something else on Windows, in policies."""

from __future__ import annotations

import pytest

from capsule.policy.windows_names import is_read_otherwise
from capsule.snapshot.guard_names import DEVICES


@pytest.mark.parametrize(
    "name",
    [
        *("c:", "c:data", "data:stream", "a\\b", "data.", "data ", "...", "a?", "a*", "a<b", 'a"b'),
        *(device.decode() for device in DEVICES),
        *(f"{device.decode().lower()}.tar.gz" for device in DEVICES),
        *("nul .txt", "Con", "aux  ", "com1  .x"),
    ],
)
def test_what_is_read_otherwise(name: str) -> None:
    assert is_read_otherwise(name)


@pytest.mark.parametrize(
    "name",
    [
        "data",
        ".hidden",
        "a.b",
        "console",
        "com10",
        "null",
        "a.con",
        " con",
        "größe",
        "co.m1",
        "a b",
    ],
)
def test_what_is_a_name(name: str) -> None:
    assert not is_read_otherwise(name)
