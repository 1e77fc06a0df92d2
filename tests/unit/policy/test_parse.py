"""Parsing: errors that show the place, and bounds on what a hostile source can cost."""

from __future__ import annotations

import ast
import sys
import warnings

import pytest

from capsule.errors import UsageError
from capsule.policy.parse import MAX_MARKS, parse
from capsule.policy.parse_cost import count_marks

PYTHON = f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def test_a_syntax_error_shows_its_line_and_a_caret() -> None:
    with pytest.raises(UsageError) as caught:
        parse("x = 1\ndef f(:\n    pass\n", "t.py")
    assert caught.value.message == "t.py:2: invalid syntax\n    def f(:\n          ^"
    assert caught.value.hint is not None
    assert PYTHON in caught.value.hint


def test_the_caret_stands_below_the_place_in_indented_and_long_lines() -> None:
    for source in ("if 1:\n        y = = 2\n", "x = 1; " * 1000 + "y = = 2"):
        with pytest.raises(UsageError) as caught:
            parse(source, "t.py")
        _, line, caret = caught.value.message.split("\n")
        assert line[: caret.index("^")].endswith("y = ")
        assert line[caret.index("^")] == "="
        assert len(line) < 120


@pytest.mark.parametrize(
    "source",
    [
        "if 1:\npass",
        "if 1:\n\tx\n        y",
        "(",
        "'''",
        "f'{'",
        "x = 07",
        "\\",
        "\x1b[2J",
        "def f():",
        "return = 1",
        "9" * 5000,
        "(" * 300,
        "\u00a0x",
        "'\\N{no such}'",
        "\x0c\x0c)",
        "x\x1a",
    ],
)
def test_every_syntax_error_is_a_usage_error_in_printable_text(source: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(source, "t.py")
    assert str(caught.value).replace("\n", "").isprintable()
    assert caught.value.message.startswith("t.py:")


@pytest.mark.parametrize(
    "source",
    [
        "-" * 100_000 + "1",
        "not " * 50_000 + "1",
        "lambda:" * 20_000 + "1",
        "1" + "**1" * 50_000,
        "1if 1else " * 9_000 + "1",
    ],
)
def test_deep_nesting_is_a_usage_error(source: str) -> None:
    with pytest.raises(UsageError, match=f"nested too deeply for {PYTHON}"):
        parse(source, "t.py")


@pytest.mark.parametrize("more", ["+1", ".a", "()"])
def test_what_only_goes_deep_to_the_left_is_read_or_refused(more: str) -> None:
    source = "a" + more * 50_000
    if sys.version_info >= (3, 14):
        assert parse(source, "t.py").tree.body
    else:
        with pytest.raises(UsageError, match=f"nested too deeply for {PYTHON}"):
            parse(source, "t.py")


def test_what_the_source_warns_about_reaches_nobody() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        parse("x = '\\d'; y = 1 is 1; z = 1if 1else 2", "t.py")
        warnings.warn("after", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in seen] == ["after"]


def test_warnings_as_errors_do_not_make_a_good_source_bad() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse("x = '\\d'", "t.py").tree.body


@pytest.mark.parametrize(
    "line", ["x\n", "0;", "1or ", "1or\t", "1or\f", "[],", "a=", "@a\n", "lambda:0,"]
)
def test_dense_code_is_refused_before_it_is_parsed(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ast, "parse", None)  # calling it fails; parsing takes seconds and 500 MB
    source = line * (MAX_MARKS // count_marks(line.encode() * 100) * 100 + 100)
    with pytest.raises(UsageError, match=r"t.py: too much code in one file: 300,\d\d\d operators"):
        parse(source, "t.py")


def test_ten_megabytes_of_data_in_a_string_are_fine() -> None:
    source = parse("DATA = '" + "q7Zx" * 2_600_000 + "'", "t.py")
    assert source.tree.body


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="linear since Python 3.12")
def test_f_strings_that_take_minutes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse("{0}," * 40_000, "t.py").tree.body  # as many braces, without an f-string
    monkeypatch.setattr(ast, "parse", None)
    with pytest.raises(UsageError, match="would take minutes to read its f-strings"):
        parse("f'''" + "a" * 1_000_000 + "{0}" * 10_000 + "'''", "t.py")


def test_errors_of_the_parser_itself_are_usage_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise OverflowError("line number \x1b too large")

    monkeypatch.setattr(ast, "parse", fail)
    with pytest.raises(UsageError, match=r"cannot read it: line number \\x1b too large"):
        parse("x", "t.py")


def test_a_snippet_is_one_short_line() -> None:
    source = parse("x = '\u00e9\u00e9' + y\nz = [\n1]\nlong = '" + "a" * 100 + "'", "t.py")
    values = [node.value for node in source.tree.body]  # type: ignore[attr-defined]
    assert source.snippet(values[0]) == "'\u00e9\u00e9' + y"
    assert source.snippet(values[1]) == "[..."
    assert source.snippet(values[2]) == "'" + "a" * 59 + "..."
