"""What a type checker is told of the functions of the host."""

from __future__ import annotations

import ast

import pytest

from capsule.type_check import tool_stubs


def stub_of(signature: str) -> str:
    files = tool_stubs.files({"f": {"signature": signature, "doc": ""}})
    for text in files.values():
        ast.parse(text)
    said = next(line for line in files["capsule/tools.pyi"].splitlines() if "__call__" in line)
    return said.partition("__call__")[2].removesuffix(": ...")


@pytest.mark.parametrize(
    ("signature", "stub"),
    [
        ("()", "(self) -> Any"),
        ("(n: int) -> int", "(self, n: int) -> int"),
        (
            "(a: str, /, b=1, *, c: bool = True)",
            "(self, a: str, /, b: Any=..., *, c: bool=...) -> Any",
        ),
        ("(*names: str, **more: float)", "(self, *names: str, **more: float) -> Any"),
        ("(x: int | None = None) -> str | None", "(self, x: int | None=...) -> str | None"),
        ("(x: Optional[int]) -> Union[int, str]", "(self, x: Optional[int]) -> Union[int, str]"),
        ("(x: Literal['a', 1]) -> Literal['b']", "(self, x: Literal['a', 1]) -> Literal['b']"),
        # What JSON makes of it: a tuple comes back as a list, a date never was one.
        ("(x: Sequence[str]) -> Sequence[str]", "(self, x: Sequence[str]) -> list[str]"),
        ("(x: tuple[int, int]) -> tuple[int, int]", "(self, x: Any) -> Any"),
        ("(x: datetime.date) -> dict[str, shop.Order]", "(self, x: Any) -> dict[str, Any]"),
        ("(x: collections.abc.Mapping[str, int])", "(self, x: Mapping[str, int]) -> Any"),
        ("(x: Optional, y: Literal[Colour.RED])", "(self, x: Any, y: Any) -> Any"),
        # What is no code takes anything.
        ("(...)", "(self, *args: Any, **kwargs: Any) -> Any"),
        ("(x=<object object at 0x7f>)", "(self, *args: Any, **kwargs: Any) -> Any"),
        ("(x): import os\ndef g()", "(self, *args: Any, **kwargs: Any) -> Any"),
        ("(x: 'a' * 9) -> f()", "(self, x: Any) -> Any"),
    ],
)
def test_signatures(signature: str, stub: str) -> None:
    assert stub_of(signature) == stub


def test_a_name_that_is_none_is_left_out() -> None:
    text = tool_stubs.files({"a b": {"signature": "()", "doc": ""}})["__builtins__.pyi"]
    assert "a b" not in text
