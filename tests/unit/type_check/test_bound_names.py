"""The names that code binds, as text tells them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from capsule.type_check.bound_names import lines_in_scopes, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a: int = 1; b, (c, *d) = e", "a b c d"),
        ("with f() as a: pass\ntry: pass\nexcept E as b: pass", "a b"),
        (
            "match x:\n    case [a, *b] | {'k': c, **d}: pass\n    case int() as e: pass",
            "a b c d e",
        ),
        ("async def a(b): c = 1\nlambda d: (e := 1)\n[f for f in g]", "a"),
        ("[(a := b) for b in (c := d)]\n{e: f for e, f in g if (h := e)}", "a c h"),
        ("if (a := 1): import b.c as d, e.f", "a d e"),
        ("from m import *", ""),
        ("is python?", ""),
    ],
)
def test_names_that_code_binds(code: str, names: str) -> None:
    assert list(names_in(code).modules) == names.split()
    assert names_in(code).is_read == (code != "is python?")


def test_modules_of_a_name_that_import_alone_binds() -> None:
    code = "import a.b\nimport a.c\nimport d.e as f\ntry: import g\nexcept ImportError: g = None"
    assert names_in(code).modules == {"a": ("a.b", "a.c"), "f": (), "g": ()}


@pytest.mark.parametrize(
    ("code", "deleted"),
    [
        ("a = 1; del a", "a"),
        ("del a, b[0], c.d", "a"),
        ("del a\na = 1", ""),
        ("del a\nimport a.b", ""),
        ("if c: del a", ""),
        ("def f():\n    del a", ""),
    ],
)
def test_names_that_are_gone(code: str, deleted: str) -> None:
    assert names_in(code).deleted == set(deleted.split())


def test_names_that_functions_look_up() -> None:
    code = "def f(a): return b\nc = lambda: d\nclass E:\n    g = h\n    def i(self): return j\nk"
    assert {"b", "d", "j"} <= names_in(code).looked_up
    assert not {"h", "k"} & names_in(code).looked_up


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("a['k'] = b[0]; c.d.e[1] += 1; print(f.g)", "a c"),
        ("for a.b, (c[0], *d[1:]) in e: pass\nwith f() as g.h: pass", "a c d g"),
        ("def f(a):\n    if a: b().c['d'].setdefault(e)[f] = 1", "b"),
        ("'a'.b = (c or d).e = 1; f = 1; del g[0]; h: int = 1", ""),
        ("for is a1 1 b?", "a1 b"),
    ],
)
def test_names_of_what_gets_a_key_or_an_attribute(code: str, changed: str) -> None:
    assert names_in(code).changed == set(changed.split())


def test_names_that_functions_share() -> None:
    code = "global a\ndef f():\n    def g():\n        global b, \\\n            c\n'global d'"
    assert names_in(code).shared == {"a", "b", "c"}


def test_lines_in_scopes() -> None:
    code = "a\n@g(\n    lambda: b\n)\ndef f():\n    pass\nd\nclass E:\n    h = (\n)\nf"
    assert lines_in_scopes(code) == {3, 5, 6, 8, 9, 10}
    assert not lines_in_scopes("def f(")


@pytest.mark.parametrize(
    "code",
    ["x = " + "lambda: " * 500 + "y", "[lambda: await y]\n" * 500, "f(" * 50 + ")" * 50],
    ids=["nested", "beside", "calls"],
)
def test_each_node_is_seen_a_few_times(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the host that reads, unbounded: functions in functions were read again for each."""
    tree = ast.parse(code)
    nodes = sum(1 for _ in ast.walk(tree))
    seen = 0
    children = ast.iter_child_nodes

    def counted(node: ast.AST) -> Iterator[ast.AST]:
        nonlocal seen
        seen += 1
        return children(node)

    monkeypatch.setattr(ast, "iter_child_nodes", counted)
    names_in(code)
    assert nodes <= seen <= 3 * nodes
    seen = 0
    lines_in_scopes(code)
    assert 0 < seen <= nodes
