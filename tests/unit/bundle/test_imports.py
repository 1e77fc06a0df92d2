"""Imports of a source, wherever they stand."""

from __future__ import annotations

import ast

import pytest

from capsule.bundle.imports import imported_names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a", ["a"]),
        ("import a.b.c as d, e", ["a", "e"]),
        ("from a.b import c, d", ["a"]),
        ("from a import *", ["a"]),
        ("from . import a", []),
        ("from .a import b", []),
        ("from __future__ import annotations", ["__future__"]),
        ("def f():\n  import a\n  class B:\n    from b import c", ["a", "b"]),
        ("async def f():\n  with x:\n    import a", ["a"]),
        (
            "try:\n  import a\nexcept E:\n  import b\nelse:\n  import c\nfinally:\n  import d",
            list("abcd"),
        ),
        ("try:\n  import a\nexcept* E:\n  import b", ["a", "b"]),
        ("match x:\n  case 1:\n    import a", ["a"]),
        ("while x: import a\nelse: import b", ["a", "b"]),
        ("if __name__ == '__main__': import a", ["a"]),
        ("if TYPE_CHECKING:\n  import a\nelse:\n  import b", ["b"]),
        ("import typing as t\nif t.TYPE_CHECKING:\n  if x:\n    import a", ["typing"]),
        ("if not TYPE_CHECKING: import a", ["a"]),
        ("x = 'import a'  # import b", []),
    ],
)
def test_imported_names(source: str, names: list[str]) -> None:
    assert list(imported_names(ast.parse(source))) == names
