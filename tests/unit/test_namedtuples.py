"""capsule's named tuples are those of typing, but for what defining them costs."""

from __future__ import annotations

import copy
import pickle
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import namedtuples
from tests.unit.test_layers import MODULES


class _Ours(namedtuples.NamedTuple):
    """A pair and a rest."""

    a: int
    b: list[NoSuchType]  # type: ignore[name-defined]  # noqa: F821 - nobody looks at it
    c: str = "c"
    d: None = None

    @property
    def double(self) -> int:
        """Twice a."""
        return self.a * 2

    def more(self, by: int = 1) -> _Ours:
        return self._replace(a=self.a + by)


# mypy knows what cannot be equal, and what cannot be called.
Ours: Any = _Ours


class Theirs(typing.NamedTuple):
    a: Any
    b: Any
    c: Any = "c"
    d: Any = None


KEYS = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.lists(st.integers(), max_size=6), st.dictionaries(KEYS, st.integers(), max_size=4))
def test_a_call_gives_what_it_gives_there(args: list[Any], keywords: dict[str, Any]) -> None:
    try:
        expected = Theirs(*args, **keywords)
    except TypeError:
        with pytest.raises(TypeError):
            Ours(*args, **keywords)
        return
    found = Ours(*args, **keywords)
    assert found == expected
    assert tuple(found) == tuple(expected)
    assert (found.a, found.b, found.c, found.d) == (expected.a, expected.b, expected.c, expected.d)


@given(st.dictionaries(KEYS, st.integers(), max_size=3))
def test_replacing_does_what_it_does_there(changes: dict[str, Any]) -> None:
    try:
        expected = Theirs(1, 2)._replace(**changes)
    except (TypeError, ValueError):  # which of the two depends on Python
        with pytest.raises((TypeError, ValueError), match="unexpected field names: \\['e'\\]"):
            Ours(1, [])._replace(**changes)
        return
    assert Ours(1, 2)._replace(**changes) == expected


def test_the_rest_is_the_same_too() -> None:
    found = Ours(1, [2])
    expected = Theirs(1, [2])
    assert repr(found) == repr(expected).replace("Theirs", "_Ours")
    assert found._fields == expected._fields == ("a", "b", "c", "d")
    assert found._asdict() == expected._asdict()
    assert found._field_defaults == expected._field_defaults
    assert Ours._make([1, 2, 3, 4]) == (1, 2, 3, 4)
    assert (found.double, found.more(2).a, Ours.__doc__) == (2, 3, "A pair and a rest.")
    assert issubclass(Ours, tuple)
    assert type(found.more()) is Ours
    assert type(copy.deepcopy(found)) is type(pickle.loads(pickle.dumps(found))) is Ours  # noqa: S301 - its own
    assert hash(Ours(1, 2)) == hash((1, 2, "c", None))
    match found:
        case Ours(first, second):
            assert (first, second) == (1, [2])
    with pytest.raises(AttributeError):
        found.a = 2
    with pytest.raises(AttributeError):
        found.z = 2


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"capsule.namedtuples"}))
def test_no_module_uses_the_slow_ones(module: str) -> None:
    lines = MODULES[module].read_text().splitlines()
    assert not [line for line in lines if line.startswith("from typing") and "NamedTuple" in line]
