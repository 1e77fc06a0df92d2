"""What `json` gives and raises, whether its package is imported or not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import direct_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner)
)
TEXTS = st.text(
    alphabet='[]{},:"\\ \n\t0123456789.eE+-nulltrueNaInfity\ufeff\0\ud800é', max_size=24
)


@pytest.fixture(autouse=True)
def _without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the functions of C asked first; the package is imported for what they do not take."""
    monkeypatch.setattr(direct_json, "sys", Modules())


class Modules:
    """A program that has imported nothing."""

    modules: tuple[str, ...] = ()


def outcome(call: Any, *args: Any, **named: Any) -> tuple[str, str]:
    """Return what comes of it; NaN is not equal to itself, and 1 is to 1.0."""
    try:
        return "", repr(call(*args, **named))
    except (ValueError, TypeError, RecursionError) as error:
        return type(error).__name__, str(error)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([None, 1]))
def test_values_are_written_alike(
    value: Any, ensure_ascii: bool, allow_nan: bool, indent: int | None
) -> None:
    options = {"ensure_ascii": ensure_ascii, "allow_nan": allow_nan, "indent": indent}
    assert outcome(direct_json.dumps, value, **options) == outcome(json.dumps, value, **options)


@given(VALUES, st.booleans())
def test_and_read_alike(value: Any, as_bytes: bool) -> None:
    text: Any = json.dumps(value)
    assert outcome(direct_json.loads, text.encode() if as_bytes else text) == ("", repr(value))


@given(TEXTS, st.sampled_from(["", "utf-8", "utf-8-sig", "utf-16", "utf-32-le"]))
def test_texts_that_are_none_are_refused_alike(text: Any, encoding: str) -> None:
    given = text.encode(encoding, "surrogatepass") if encoding else text
    assert outcome(direct_json.loads, given) == outcome(json.loads, given)


def refuse(text: str) -> Any:
    raise ValueError(f"no {text}")


@pytest.mark.parametrize(
    "text", ["[NaN]", "-Infinity", "1.5e5", '{"a": 1, "a": 2}', "[" * 100_000, "9" * 5_000, ""]
)
def test_what_hooks_say_is_raised(text: str) -> None:
    hooks = {"parse_constant": refuse, "parse_float": refuse}
    assert outcome(direct_json.loads, text, **hooks) == outcome(json.loads, text, **hooks)


def circular() -> list[Any]:
    around: list[Any] = []
    around.append(around)
    return around


@pytest.mark.parametrize("value", [{1: 2, None: 3}, {(): 1}, {1, 2}, object, circular()], ids=repr)
@pytest.mark.parametrize("default", [None, lambda value: [*value]])
def test_other_values_and_what_makes_some_of_them(value: Any, default: Any) -> None:
    options = {"default": default, "sort_keys": True}
    assert outcome(direct_json.dumps, value, **options) == outcome(json.dumps, value, **options)


def test_the_package_is_not_imported_for_what_is_plain() -> None:
    code = (
        "import sys\nfrom capsule import direct_json\n"
        "direct_json.loads(direct_json.dumps({'a': [1, 2.5, 'é']}))\n"
        "print('json' in sys.modules, 're' in sys.modules)\n"
        "try: direct_json.loads('[1,')\nexcept ValueError as error: print(type(error), error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    first, error = done.stdout.splitlines()
    assert first == "False False"
    assert error.startswith(
        "<class 'json.decoder.JSONDecodeError'> Expecting value: line 1 column 4"
    )
