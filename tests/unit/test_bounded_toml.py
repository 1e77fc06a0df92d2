"""TOML of strangers: what is above a bound is refused before `tomllib` sees it.

All inputs are of harmless sizes: a key of 40 parts costs `tomllib` nothing that anyone notices.
"""

from __future__ import annotations

import contextlib
import tomllib
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import bounded_toml
from capsule.bounded_toml import MAX_DEPTH, MAX_PARTS, MAX_SQUARES, TomlBoundError, check, loads

LONG = ".".join("abcd" * 10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c = 1",
        "\"a\" . 'b'\t.c = 1.5",
        ".".join(["k"] * MAX_PARTS) + " = 1",
        f"[{'.'.join(['k'] * MAX_PARTS)}]",
        f"x = '{LONG}'",
        f'x = "{LONG} \\" {LONG}"',
        f'x = """{LONG}\n"{LONG}""\\"""{LONG}"""',
        f"x = '''{LONG}\n'{LONG}''{LONG}'''''",
        f"# {LONG}\nx = 1 # {LONG}",
        "x = 1979-05-27T07:32:00.999999-07:00",
        f"x = {'[' * MAX_DEPTH}{']' * MAX_DEPTH}",
        "[[a.b]]\nx = {c.d = [1, {e = 2}]}\n" * 20,
        "x = [\n1.5, # why\n2.5,\n]\ny.z = 1",
        "a.b = '''x'''\r\nc.d = 1\r\n",
    ],
)
def test_what_is_within_the_bounds_is_read_as_ever(text: str) -> None:
    assert loads(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"[[{LONG}]]",
        f"x = {{{LONG} = 1}}",
        f"x = [\n{{{LONG} = 1}}]",
        " \t.\t ".join("abcd" * 10) + " = 1",
        ".".join(["'a.b'", '"c\\"d"'] * 20) + " = 1",
        f"x = '''\n'''\n{LONG} = 1",
        f'x = """a"""""\n{LONG} = 1',
        f'x = "\\\\"\n{LONG} = 1',
        f"x = 'a\\'\n{LONG} = 1",
        f"# '''\n{LONG} = 1",
        f'x = "#"\n{LONG} = 1',
        f"x = 1\r\n{LONG} = 1",
    ],
)
def test_a_key_of_many_parts_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tomllib.loads(text)
    monkeypatch.setattr(tomllib, "loads", None)
    with pytest.raises(TomlBoundError, match=f"a dotted key of more than {MAX_PARTS} parts"):
        loads(text)


@pytest.mark.parametrize("opens", ["[", "{a=", "[{a="])
def test_nesting_is_bounded(opens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tomllib, "loads", None)
    with pytest.raises(TomlBoundError, match="line 2: nested too deeply, more than 64 levels"):
        loads("\nx = " + opens * (MAX_DEPTH + 1))


def test_many_long_keys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = ".".join(["k"] * MAX_PARTS) + "=1\n"
    check(key * (MAX_SQUARES // MAX_PARTS**2))
    with pytest.raises(TomlBoundError, match="too many dotted keys"):
        check(key * (MAX_SQUARES // MAX_PARTS**2 + 1))


def test_the_line_is_told() -> None:
    with pytest.raises(TomlBoundError, match="line 3: a dotted key"):
        check(f"a = 1\n\n{LONG} = 1")


PIECES = st.sampled_from(
    [
        "a",
        "1",
        ".",
        " ",
        "\t",
        "=",
        "\n",
        "'",
        '"',
        "'''",
        '"""',
        "\\",
        "#",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'a'",
        '"b"',
        "a=1\n",
        "a.b.c",
        "x='''",
        'x="""',
        "\r\n",
        "é",
        "-",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_key_that_tomllib_reads_is_missed(text: str) -> None:
    seen = [1]
    parser: Any = import_module("tomllib._parser")
    parse_key = parser.parse_key

    def counted(*args: Any) -> Any:
        position, key = parse_key(*args)
        seen.append(len(key))
        return position, key

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded_toml, "MAX_PARTS", 2)
        patch.setattr(parser, "parse_key", counted)
        try:
            check(text)
        except TomlBoundError:
            return
        with contextlib.suppress(ValueError):
            tomllib.loads(text)
    assert max(seen) <= 2
