"""Compiling a function again, as a generator that stops wherever it may have to wait.

Each call that may wait becomes one that can stop: `queue.get()` is `(yield from steps) if
type(steps := stoppable(queue.get)()) is Steps else steps`. All else is as it was: names, line
numbers, cells, defaults. Which calls may wait is told by their names, and by what the functions of
the same file call: the others are left alone.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import textwrap
import tokenize
from importlib.util import decode_source

from capsule_guest.loader import ROOT, BundleFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

# What waits goes by these names, whatever it is a method of.
_WAITING = frozenset(
    (
        "acquire", "as_completed", "done", "empty", "exception", "get", "get_nowait", "is_alive",
        "is_set", "join", "locked", "put", "put_nowait", "result", "run", "run_forever",
        "run_until_complete", "select", "shutdown", "sleep", "wait", "wait_for",
    )
)  # fmt: skip
# What surely does not: these are called where a thread starts, as they would be outside.
_PROMPT = frozenset(
    name
    for owner in (builtins, str, bytes, list, dict, set, tuple, int, float)
    for name in dir(owner)
) | frozenset(
    (
        "monotonic", "perf_counter", "time", "sqrt", "current_thread", "get_ident", "randint",
        "random",
    )
)  # fmt: skip
# The names that a function that was compiled again has besides its own.
_FUNCTION = "_capsule_function"
ADAPTER, ENTERING, TYPE, KIND, _KEPT = (
    f"_capsule_{name}" for name in ("stoppable", "can_enter", "type", "steps", "answer")
)

_files: dict[str, File] = {}


def compiled(code: CodeType) -> CodeType | None:
    """Return the code of the generator; None where there is none, or nothing in it waits."""
    file = file_of(code.co_filename)
    node = None if file is None else file.find(code)
    if file is None or node is None or not file.may_wait(node):
        return None
    try:
        return compile_steps(file, node, code)
    except (SyntaxError, ValueError, RecursionError):
        return None


def compiled_alone(code: CodeType, module: dict[str, Any]) -> CodeType | None:
    """Return the code of the generator for a function of a package: only its lines are read."""
    lines = linecache.getlines(code.co_filename, module)[code.co_firstlineno - 1 :]
    if not lines:
        return None
    try:
        text = textwrap.dedent("".join(inspect.getblock(lines)))
        tree = ast.increment_lineno(ast.parse(text), code.co_firstlineno - 1)
        file = File(tree, code.co_qualname.split(".")[-2:-1])
        node = file.find(code)
        return None if node is None else compile_steps(file, node, code)
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return None


def file_of(filename: str) -> File | None:
    """Return what is known of a file of the task; None for one of a library."""
    if filename not in _files:
        source = _source_of(filename)
        if source is None:
            return None
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            tree = ast.Module([], [])
        _files[filename] = File(tree)
    return _files[filename]


def _source_of(filename: str) -> str | None:
    if filename.startswith(ROOT):
        for finder in sys.meta_path:
            if isinstance(finder, BundleFinder) and filename.removeprefix(ROOT) in finder.files:
                return decode_source(finder.files[filename.removeprefix(ROOT)])
    kept = linecache.cache.get(filename) if filename.startswith((ROOT, "<")) else None
    return "".join(kept[2]) if kept is not None and len(kept) > 2 else None


class File:
    """The functions of a file, by the line where each begins, and what each may wait for."""

    def __init__(self, tree: ast.Module, owner: list[str] | None = None) -> None:
        self._at: dict[tuple[str, int], list[tuple[Function, str | None]]] = {}
        called: dict[str, set[str]] = {}
        self._collect(tree, owner[0] if owner else None, called)
        self.waiting: set[str] = set(_WAITING) | {
            name for name, node in self._named() if _is_task(node)
        }
        self.prompt = set(_PROMPT)
        # What calls what waits, waits; what calls only what is prompt, is.
        _grow(self.waiting, called, lambda body: bool(body & self.waiting))
        _grow(self.prompt, called, lambda body: body <= self.prompt)
        self.prompt -= self.waiting

    def _collect(self, node: ast.AST, owner: str | None, called: dict[str, set[str]]) -> None:
        for child in ast.iter_child_nodes(node):
            within = owner
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                name = getattr(child, "name", "<lambda>")
                first = min(
                    [child.lineno, *(d.lineno for d in getattr(child, "decorator_list", ()))]
                )
                self._at.setdefault((name, first), []).append((child, owner))
                called.setdefault(name, set()).update(_called(child))
            elif isinstance(child, ast.ClassDef):
                within = child.name
            self._collect(child, within, called)

    def _named(self) -> list[tuple[str, Function]]:
        return [(name, node) for (name, _), found in self._at.items() for node, _ in found]

    def find(self, code: CodeType) -> Function | None:
        found = self._at.get((code.co_name, code.co_firstlineno), [])
        return found[0][0] if len(found) == 1 else None

    def owner(self, node: Function) -> str | None:
        """Return the class that a method stands in, after which its private names are called."""
        return next(owner for found in self._at.values() for each, owner in found if each is node)

    def may_wait(self, node: Function) -> bool:
        return isinstance(node, (ast.FunctionDef, ast.Lambda)) and bool(
            _called(node) & self.waiting or _has_with(node)
        )

    def is_prompt(self, node: Function) -> bool:
        return not isinstance(node, ast.AsyncFunctionDef) and _called(node) <= self.prompt


def _grow(names: set[str], called: dict[str, set[str]], grows: Callable[[set[str]], bool]) -> None:
    """Add the functions whose calls are such that they belong to `names`, until there are none."""
    more = True
    while more:
        found = {name for name, body in called.items() if grows(body)} - names
        names |= found
        more = bool(found)


def _is_task(node: Function) -> bool:
    """Say whether it is decorated as a task: a call of it is one of the host."""
    for each in getattr(node, "decorator_list", ()):
        called = each.func if isinstance(each, ast.Call) else each
        if getattr(called, "id", getattr(called, "attr", None)) == "task":
            return True
    return False


def _body(node: Function) -> list[ast.AST]:
    return [node.body] if isinstance(node, ast.Lambda) else list(node.body)


def _within(node: Function) -> Any:
    """Yield the nodes of a function's own body, not those of functions in it."""
    todo = _body(node)
    while todo:
        each = todo.pop()
        yield each
        if not isinstance(each, _SCOPES):
            todo.extend(ast.iter_child_nodes(each))


_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


def _name_of(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else "?"


def _called(node: Function) -> set[str]:
    return {_name_of(each) for each in _within(node) if isinstance(each, ast.Call)}


def _has_with(node: Function) -> bool:
    return any(isinstance(each, ast.With) for each in _within(node))


class _Rewriter(ast.NodeTransformer):
    """Makes the calls of one function that may wait ones that can stop."""

    def __init__(self, file: File, known: set[str]) -> None:
        self._file = file
        self._known = known
        self._depth = 0

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, _SCOPES) else super().generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = _name_of(node)
        if name == "super" or not (name in self._file.waiting or name in self._known):
            return node
        node.func = ast.Call(ast.Name(ADAPTER, ast.Load()), [node.func], [])
        return _stops(node)

    def visit_With(self, node: ast.With) -> ast.AST:
        self.generic_visit(node)
        for item in node.items:
            entering = ast.Call(ast.Name(ENTERING, ast.Load()), [item.context_expr], [])
            item.context_expr = _stops(entering)
        return node


def _stops(call: ast.Call) -> ast.expr:
    kept = ast.NamedExpr(ast.Name(_KEPT, ast.Store()), call)
    kind = ast.Call(ast.Name(TYPE, ast.Load()), [kept], [])
    return ast.IfExp(
        ast.Compare(kind, [ast.Is()], [ast.Name(KIND, ast.Load())]),
        ast.YieldFrom(ast.Name(_KEPT, ast.Load())),
        ast.Name(_KEPT, ast.Load()),
    )


def compile_steps(file: File, node: Function, code: CodeType) -> CodeType | None:
    import copy

    if any(isinstance(each, (ast.Yield, ast.YieldFrom, ast.Await)) for each in _within(node)):
        return None
    owner = file.owner(node)
    # What is called by a name that is given to the function, or kept for it: anything.
    known = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    rewriter = _Rewriter(file, known)
    made = copy.deepcopy(node)
    if isinstance(made, ast.Lambda):
        body: list[Any] = [ast.Return(rewriter.visit(made.body))]
        function = ast.FunctionDef(_FUNCTION, made.args, body, [])
    else:
        made.body = [rewriter.visit(each) for each in made.body]
        # By its own name, a call of itself would be of what is made here.
        made.name, made.decorator_list, made.returns = _FUNCTION, [], None
        function = made  # type: ignore[assignment]
    for argument in ast.walk(function.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    # Their values are those of the function itself; how many there are is all that counts.
    function.args.defaults = [ast.Constant(None) for _ in function.args.defaults]
    function.args.kw_defaults = [each and ast.Constant(None) for each in function.args.kw_defaults]
    never = ast.If(ast.Constant(0), [ast.Expr(ast.Yield(None))], [])
    function.body = [*function.body, never]  # type: ignore[list-item]
    # A function around it has all that it takes from outside as its own names.
    outer = [*code.co_freevars, ADAPTER, ENTERING, TYPE, KIND]
    statements: list[Any] = [function]
    if owner is not None:
        statements = [ast.ClassDef(owner, [], [], [function], [])]
        if owner not in code.co_freevars:
            # The class that is meant in the function is the real one.
            statements.insert(0, ast.Global([owner]))
    around = ast.FunctionDef(
        "__capsule_around",
        ast.arguments([], [ast.arg(name) for name in outer], None, [], [], None, []),
        statements,
        [],
    )
    tree = ast.fix_missing_locations(ast.copy_location(ast.Module([around], []), node))
    ast.copy_location(around, node)
    compiled = compile(tree, code.co_filename, "exec", dont_inherit=True)
    found = _inner(compiled, _FUNCTION)
    if found is None:
        return None
    return found.replace(co_name=code.co_name, co_qualname=code.co_qualname)


def _inner(code: CodeType, name: str) -> CodeType | None:
    for each in code.co_consts:
        if hasattr(each, "co_code"):
            if each.co_name == name:
                return each  # type: ignore[no-any-return]
            if (found := _inner(each, name)) is not None:
                return found
    return None
