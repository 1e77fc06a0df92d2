"""Deep programs: values where CPython outside gives values, else RecursionError, never a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

VALUES = [
    # What a compiler meets in generated code.
    'exec("if x == 0: pass\\n" + "".join(f"elif x == {i}: y = {i}\\n" for i in range(1, 401)), '
    '{"x": 400}) or 1',
    'eval(" + ".join(["x"] * 2000), {"x": 1}) == 2000',
    'eval(" + ".join(f"\'{i % 10}\'" for i in range(300))) == "0123456789" * 30',
    'eval("\'a\' " * 300) == "a" * 300',
    'eval("x" + ".f()" * 140, {"x": Chain()}).calls == 140',
    'eval("x" + "[0]" * 140, {"x": nested(140)}) == []',
    'eval("not " * 140 + "x", {"x": 1}) is True',
    'eval("[" * 60 + "]" * 60) == nested(59)',
    'eval("(" * 100 + "1" + ")" * 100) == 1',
    'compile("\\n".join(" " * i + "if x:" for i in range(90)) + "\\n" + " " * 90 + "y = 1", "s", '
    '"exec") is not None',
    # What is nested far deeper than the recursion limit: made, compared, printed, freed.
    "len(repr(nested(5_000))) == 10_002",
    "nested(5_000) == nested(5_000)",
    "json.loads('[' * 5_000 + ']' * 5_000) == nested(4_999)",
    "len(json.dumps(nested(5_000))) == 10_002",
    "freed(nested(1_000_000))",
    "freed(linked(1_000_000))",
    "freed(iterators(1_000_000))",
    "freed(tuples(1_000_000))",
    "freed(errors(1_000_000))",
    "hash(tuples(5_000)) == hash(tuples(5_000))",
    "pickle.loads(pickle.dumps(nested(400))) == nested(400)",
    # A raised recursion limit.
    "counted(990) == 990",
    "raised(counted, 4_000) == 4_000",
    "raised(plain, 50_000) == 50_000",
    "raised(compared, 1_500)",
    "raised(sorted_by, 500) == 0",
    "raised(copy.deepcopy, nested(3_000)) == nested(3_000)",
    "raised(method, Chain(), 20_000) == 20_000",
]
RAISED = [
    "plain(5_000)",
    "counted(5_000)",
    "raised(counted, 1_000_000)",
    "raised(compared, 1_000_000)",
    "repr(nested(1_000_000))",
    "nested(1_000_000) == nested(1_000_000)",
    "json.loads('[' * 100_000 + ']' * 100_000)",
    "json.loads('{\"a\":' * 100_000 + '1' + '}' * 100_000)",
    "json.dumps(nested(100_000))",
    "copy.deepcopy(nested(1_000_000))",
    "pickle.dumps(nested(1_000_000))",
    "raised(sorted_by, 1_000_000)",
    'eval("-" * 1_000 + "x" + "+x" * 100_000, {"x": 1})',
    "tuples(1_000_000) == tuples(1_000_000)",
    "nested(1_000_000) < nested(1_000_000)",
    "repr(tables(1_000_000))",
    "tables(1_000_000) == tables(1_000_000)",
    "raised(method, Endless(), 1)",
]
HEAD = """
import copy, functools, json, pickle, sys
class Chain:
    calls = 0
    def f(self):
        self.calls += 1
        return self
    def method(self, n): return 0 if n == 0 else 1 + self.method(n - 1)
class Endless:
    def __getattr__(self, name): return getattr(self, name + "x")
def nested(n):
    made = []
    for _ in range(n): made = [made]
    return made
def tuples(n):
    made = ()
    for _ in range(n): made = (made,)
    return made
def tables(n):
    made = {}
    for _ in range(n): made = {1: made}
    return made
def linked(n):
    made = None
    for _ in range(n):
        one = Chain(); one.next = made; made = one
    return made
def iterators(n):
    made = iter(())
    for _ in range(n): made = map(int, made)
    return made
def errors(n):
    made = None
    for _ in range(n):
        one = ValueError(); one.__cause__ = made; made = one
    return made
def freed(made):
    del made
    return True
def plain(n): return 0 if n == 0 else 1 + plain(n - 1)
@functools.lru_cache(None)
def counted(n): return 0 if n == 0 else 1 + counted(n - 1)
class Same:
    def __init__(self, inner): self.inner = inner
    def __eq__(self, other): return self.inner == other.inner
def compared(n):
    one = other = 0
    for _ in range(n): one, other = Same(one), Same(other)
    return one == other
def sorted_by(n): return 0 if n == 0 else sorted([0], key=lambda _: sorted_by(n - 1))[0]
def method(chain, n): return chain.method(n)
def raised(function, *args):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**8)
    try:
        return function(*args)
    finally:
        sys.setrecursionlimit(before)
"""


@pytest.mark.parametrize("text", VALUES)
def test_a_value(bench: Workbench, text: str) -> None:
    envelope = bench.run(f"{HEAD}\ndef main(): return bool({text})", compute=10**11)
    assert envelope["result"] is True, envelope["error"]


@pytest.mark.parametrize("text", RAISED)
def test_an_error_that_the_program_can_catch(bench: Workbench, text: str) -> None:
    source = f"""{HEAD}
def main():
    try:
        {text}
    except (RecursionError, MemoryError) as error:
        return type(error).__name__, plain(100)
"""
    envelope = bench.run(source, compute=10**12)
    assert envelope["success"], envelope["error"]
    name, after = envelope["result"]
    assert name in ("RecursionError", "MemoryError")
    assert after == 100


def test_recursion_without_end_is_the_tasks_own_error(bench: Workbench) -> None:
    envelope = bench.run("def main(): return main()")
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "task_error"
    assert envelope["error"]["message"].startswith("RecursionError")
