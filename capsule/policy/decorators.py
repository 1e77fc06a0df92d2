"""Which decorators of a source are capsule's `@task`."""

from __future__ import annotations

import ast

from capsule.errors import PolicyError
from capsule.policy import CAPSULE
from capsule.policy.statements import Scope, imported, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capsule.policy.parse import Source
    from capsule.policy.statements import Binding

_HINT = "from capsule import task"
_SPELLINGS = {("task", None), (CAPSULE, "task")}


class Decorators:
    """Tells capsule's decorators from others, in one source."""

    def __init__(self, source: Source, names: Mapping[str, Sequence[Binding]]) -> None:
        self._source = source
        self._names = names
        # What any import in the file, at any depth, calls capsule and its task.
        self._tasks: set[str] = set()
        self._modules: set[str] = set()
        for node, _ in walk(source.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for name, binding in imported(node):
                    if binding.kind == "task":
                        self._tasks.add(name)
                    elif binding.kind == "module":
                        self._modules.add(name)
        self._derived = self._find_derived() if self._tasks or self._modules else set()
        self._unambiguous: set[str] = set()

    def __repr__(self) -> str:
        return f"Decorators({self._source.filename!r}, tasks={self._tasks}, in={self._modules})"

    def find(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: Scope
    ) -> ast.expr | None:
        """Return the decorator of `node` that is capsule's `@task`, or `None` if none is.

        Raises `PolicyError` when that is not certain, or when there are two.
        """
        found: ast.expr | None = None
        for decorator in node.decorator_list:
            if not self._is_task(decorator, scope):
                continue
            if found is not None:
                raise PolicyError(
                    f"{self._source.at(decorator)}: {node.name!r} is marked with @task twice"
                )
            found = decorator
        return found

    def _is_task(self, decorator: ast.expr, scope: Scope) -> bool:
        name, attribute = _head(decorator)
        ours = (name in self._tasks and attribute is None) or (
            name in self._modules and attribute == "task"
        )
        # Names inside functions have scopes of their own; a task there is an error in any case.
        if scope == "inner":
            return ours
        where = self._source.at(decorator)
        if not ours and self._mentions(decorator):
            raise PolicyError(
                f"{where}: @{self._source.snippet(decorator)} uses capsule's task in a way that"
                " cannot be read as text; write @task or @task(...)"
            )
        if ours or (name, attribute) in _SPELLINGS:
            self._refuse_rebound(name, where)
            return True
        return False

    def _refuse_rebound(self, name: str, where: str) -> None:
        """Refuse a decorator spelled like capsule's whose name is, or may be, something else."""
        if name in self._unambiguous:
            return
        places = self._names.get(name, ())
        if not places:
            raise PolicyError(f"{where}: the name {name!r} is used but not imported", hint=_HINT)
        foreign = [place.line for place in places if place.kind not in {"task", "module"}]
        if foreign or len({place.kind for place in places}) > 1:
            line = foreign[0] if foreign else places[-1].line
            raise PolicyError(
                f"{where}: {name!r} is bound at line {line} to something else, so this decorator"
                " may not be capsule's @task",
                hint=_HINT,
            )
        self._unambiguous.add(name)

    def _mentions(self, decorator: ast.expr) -> bool:
        """Return whether an expression leads to capsule's task, directly or by one assignment."""
        return any(
            self._is_reference(node) or (isinstance(node, ast.Name) and node.id in self._derived)
            for node in ast.walk(decorator)
        )

    def _find_derived(self) -> set[str]:
        """Return the names that the module assigns something made of capsule's task."""
        found: set[str] = set()
        # Many names may share one value, and it may be long: each is looked at once.
        seen: dict[int, bool] = {}
        for name, places in self._names.items():
            for value in (place.value for place in places if place.value is not None):
                if id(value) not in seen:
                    seen[id(value)] = any(map(self._is_reference, ast.walk(value)))
                if seen[id(value)]:
                    found.add(name)
        return found

    def _is_reference(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute) and node.attr == "task":
            return isinstance(node.value, ast.Name) and node.value.id in self._modules
        return isinstance(node, ast.Name) and node.id in self._tasks


def _head(decorator: ast.expr) -> tuple[str, str | None]:
    """Return the name and the attribute of `@name`, `@name.attribute` and calls of them."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(target, ast.Name):
        return target.id, None
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.value.id, target.attr
    return "", None
