"""Running a source as a program, as `__main__`: its last expression gives the result."""

from __future__ import annotations

import _ast
import linecache
import sys
from importlib.util import decode_source
from types import ModuleType

from capsule_guest import loader
from capsule_guest.loader import ROOT

# Where the bundle has the source: under the name that it is shown by lies what others import.
SOURCE = "__main__.py"
_ONLY_AST = 0x400  # PyCF_ONLY_AST, without the module that names it


def run(path: str, source: bytes, words: list) -> object:
    """Run `source`, shown as `path`, with `words` as its `sys.argv`; return the result.

    It may be something to wait for: the last expression may call a coroutine function.
    """
    filename, package = ROOT + path, path.rpartition("/")[0].replace("/", ".")
    module = ModuleType("__main__")
    module.__dict__.update(
        __file__=f"/{path}", __package__=package or None, __builtins__=__builtins__
    )
    sys.modules["__main__"] = module
    loader.ran(module)
    sys.argv[:] = map(str, words)
    text = decode_source(source)
    # Not under a loader's name: it is no module that could be found again.
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    tree = compile(source, filename, "exec", _ONLY_AST, dont_inherit=True)
    if tree.body and _is_guard(tree.body[-1]):  # type: ignore[attr-defined]
        tree.body[-1:] = tree.body[-1].body  # type: ignore[attr-defined]
    last = tree.body[-1] if tree.body else None  # type: ignore[attr-defined]
    if not isinstance(last, _ast.Expr):
        exec(compile(tree, filename, "exec", dont_inherit=True), module.__dict__)
        return None
    del tree.body[-1]  # type: ignore[attr-defined]
    exec(compile(tree, filename, "exec", dont_inherit=True), module.__dict__)
    value = compile(_ast.Expression(last.value), filename, "eval", dont_inherit=True)
    return eval(value, module.__dict__)  # noqa: S307 - what the sandbox is there for


def _is_guard(node) -> bool:  # type: ignore[no-untyped-def]
    """Say whether this is `if __name__ == "__main__":`, which holds here."""
    test = getattr(node, "test", None)
    return (
        isinstance(node, _ast.If)
        and not node.orelse
        and isinstance(test, _ast.Compare)
        and isinstance(test.left, _ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], _ast.Eq)
        and isinstance(test.comparators[0], _ast.Constant)
        and test.comparators[0].value == "__main__"
    )
