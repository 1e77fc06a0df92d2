"""Values in messages: short, on their line, and never failing, whatever a hostile source holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capsule.message_text import nearest, printable, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_shown_is_short_and_printable(value: object) -> None:
    text = shown(value)
    assert len(text) <= 400  # 80 characters, each escaped at worst
    assert text.isprintable()


def test_shown_survives_what_repr_does_not() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "a value of type list"
    assert shown(1 << 100_000) == "a number of 100001 bits"
    assert shown([1 << 100_000]) == "a value of type list"


@given(st.text())
def test_printable_leaves_nothing_that_moves_a_cursor(text: str) -> None:
    assert printable(text).isprintable()


def test_nearest_knows_prefixes_dashes_and_slips() -> None:
    known = ("default_ram", "max_timeout", "allowed_hosts")
    assert nearest("ram", known) == "default_ram"
    assert nearest("allowed-hosts", known) == "allowed_hosts"
    assert nearest("alowed_host", known) == "allowed_hosts"
    assert nearest("zzz", known) is None
    assert nearest("x" * 1_000_000, known) is None
