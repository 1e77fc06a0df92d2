"""Which names a module binds, and in which scope its statements stand."""

from __future__ import annotations

import ast

import pytest

from capsule.policy.statements import bindings, walk


def kinds(source: str) -> dict[str, list[str]]:
    found = bindings(ast.parse(source))
    return {name: [place.kind for place in places] for name, places in found.items()}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import capsule", {"capsule": ["module"]}),
        ("import capsule as c", {"c": ["module"]}),
        ("import capsule.x", {"capsule": ["module"]}),
        ("import capsule.x as c", {"c": ["other"]}),
        ("import a.b, c as d", {"a": ["other"], "d": ["other"]}),
        ("from capsule import task", {"task": ["task"]}),
        ("from capsule import task as t, run", {"t": ["task"], "run": ["other"]}),
        ("from capsule import *", {"task": ["task"]}),
        ("from other import *", {}),
        ("from .capsule import task", {"task": ["other"]}),
        ("from . import task", {"task": ["other"]}),
        ("from capsule.shared import task", {"task": ["other"]}),
        ("a = b = 1", {"a": ["assignment"], "b": ["assignment"]}),
        ("a: int = 1", {"a": ["assignment"]}),
        ("a: int", {}),
        ("a += 1", {"a": ["other"]}),
        ("(a, [b, *c]) = x", {"a": ["other"], "b": ["other"], "c": ["other"]}),
        ("a.b = c[d] = 1", {}),
        ("del a", {"a": ["other"]}),
        ("for a in b: c = 1\nelse: d = 1", {"a": ["other"], "c": ["other"], "d": ["other"]}),
        ("with a as b: pass", {"b": ["other"]}),
        ("try: pass\nexcept E as e: f = 1", {"e": ["other"], "f": ["other"]}),
        ("print(a := 1)", {"a": ["other"]}),
        ("x = [a := 1]", {"x": ["assignment"], "a": ["other"]}),
        ("[a for a in b if (c := a)]", {"c": ["other"]}),
        ("lambda a: (b := a)", {}),
        ("@(d := e)\ndef f(a=(b := 1)): c = 1", {"f": ["other"], "d": ["other"], "b": ["other"]}),
        ("class A(B): c = 1", {"A": ["other"]}),
        ("def f():\n  global g\n  g = h = 1", {"f": ["other"], "g": ["other"]}),
        ("match x:\n case a: b = 1", {"a": ["other"], "b": ["other"]}),
        (
            "match x:\n case [1, *a] | {'k': b, **c}: pass",
            {"a": ["other"], "b": ["other"], "c": ["other"]},
        ),
        ("if __name__ == '__main__':\n a = 1\nelse:\n b = 1", {"b": ["other"]}),
        ("if '__main__' == __name__: a = 1", {}),
        ("if __name__ != '__main__': a = 1", {"a": ["other"]}),
    ],
)
def test_bindings(source: str, expected: dict[str, list[str]]) -> None:
    assert kinds(source) == expected


def test_walk_keeps_the_order_and_names_the_scope() -> None:
    source = "if a:\n b\nelse:\n c\nclass D:\n def e(): f\ntry: g\nfinally: h\n"
    seen = [
        (node.value.id, scope)
        for node, scope in walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name)
    ]
    assert seen == [("b", "block"), ("c", "block"), ("f", "inner"), ("g", "block"), ("h", "block")]


def test_walk_needs_no_stack_of_its_own_depth() -> None:
    deep = ast.parse("x")
    for _ in range(50_000):
        deep = ast.Module([ast.If(ast.Constant(1), deep.body, [])], [])
    assert sum(1 for _ in walk(deep)) == 50_001
    while deep.body and isinstance(deep.body[0], ast.If):  # taken apart: freeing it recurses
        deep = ast.Module(deep.body[0].body, [])
