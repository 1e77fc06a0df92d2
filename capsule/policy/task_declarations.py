"""The tasks that a source declares, read as text: nothing of the source ever runs here.

Whatever cannot be read with certainty is an error. A decorator that only might be capsule's, read
as none, would run a function without the limits that its author wrote down.
"""

from __future__ import annotations

import ast

from capsule.errors import PolicyError
from capsule.message_text import nearest, shown
from capsule.policy.declaration_types import MAX_NAME, MAX_TASKS, Declarations, TaskDeclaration
from capsule.policy.decorators import Decorators
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.literals import Literals
from capsule.policy.parameters import parameters_of
from capsule.policy.parse import Source, parse
from capsule.policy.statements import DEFINITIONS, Binding, bindings, walk
from capsule.shared.task_options import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_source(text: str | bytes, filename: str) -> Declarations:
    """Return what a source declares.

    `filename` is for messages only. Raises `UsageError` when the source cannot be parsed, and
    `PolicyError` when a task is declared in a way that cannot be read.

    >>> source = "from capsule import task\\n@task(ram='64MB')\\ndef f(): pass"
    >>> [(task.name, task.line, task.options) for task in read_source(source, "t.py").tasks]
    [('f', 3, {'ram': '64MB'})]
    """
    source = parse(text, filename)
    names = bindings(source.tree)
    decorators = Decorators(source, names)
    literals = Literals(source, names)
    tasks: list[TaskDeclaration] = []
    plain_main: TaskDeclaration | None = None
    for node, scope in walk(source.tree):
        if not isinstance(node, DEFINITIONS):
            continue
        mark = decorators.find(node, scope)
        if mark is None:
            if scope == "top" and node.name == "main" and not isinstance(node, ast.ClassDef):
                plain_main = _declare(source, node, {}, "main")._replace(
                    parameters=parameters_of(node, names)
                )
            continue
        if isinstance(node, ast.ClassDef):
            raise PolicyError(
                f"{source.at(node)}: the class {node.name!r} is marked with @task; only functions"
                " can be tasks"
            )
        if scope != "top":
            raise PolicyError(
                f"{source.at(node)}: the task function {node.name!r} is inside another block; tasks"
                " stand at the top of the module"
            )
        task = _read_task(source, node, mark, literals)
        tasks.append(task._replace(parameters=parameters_of(node, names)))
        _refuse_second(source, tasks)
        _refuse_rebound(source, node, names[node.name])
    found = _program_end(source.tree)
    value_at = None if found is None else (found.lineno, found.col_offset)
    return Declarations(source.filename, tuple(tasks), plain_main, value_at)


def _program_end(tree: ast.Module) -> ast.stmt | None:
    """Return where a source begins to act as a program, if it does.

    That is the expression that it ends with; else what it does only where it is run, or where it
    calls its `main` itself.
    """
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        return tree.body[-1]
    for node in tree.body:
        if isinstance(node, (*DEFINITIONS, ast.Import, ast.ImportFrom)):
            continue
        if (isinstance(node, ast.If) and _names(node.test, "__name__")) or _calls_main(node):
            return node
    return None


def _names(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


def _calls_main(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "main"
        for each in ast.walk(node)
    )


def _read_task(
    source: Source, node: Function, mark: ast.expr, literals: Literals
) -> TaskDeclaration:
    options: dict[str, object] = {}
    where = f"{source.at(mark)}: task function {node.name!r}"
    if isinstance(mark, ast.Call):
        if mark.args:
            raise PolicyError(
                f"{where}: {source.snippet(mark.args[0])} has no name; @task takes keywords only:"
                f" {', '.join(OPTIONS)}"
            )
        for keyword in mark.keywords:
            name = _option_name(source, node, keyword, options)
            try:
                options[name] = literals.read(keyword.value)
            except InvalidValueError as wrong:
                raise PolicyError(f"{where}: {name}: {wrong.message}", hint=wrong.hint) from None
    task_name = options.pop("name", node.name)
    if not isinstance(task_name, str) or not _is_task_name(task_name):
        raise PolicyError(
            f"{where}: name: {shown(task_name)} is not the name of a task; allowed: a string of 1"
            f" to {MAX_NAME} printable characters"
        )
    return _declare(source, node, options, task_name)


def _option_name(
    source: Source, node: Function, keyword: ast.keyword, seen: Mapping[str, object]
) -> str:
    where = f"{source.at(keyword)}: task function {node.name!r}"
    if keyword.arg is None:
        raise PolicyError(
            f"{where}: **{source.snippet(keyword.value)} is unpacked when the module runs; write"
            " each option out"
        )
    if keyword.arg not in OPTIONS:
        meant = nearest(keyword.arg, OPTIONS)
        raise PolicyError(
            f"{where}: @task has no option {shown(keyword.arg)}; allowed: {', '.join(OPTIONS)}",
            hint=meant and f"{meant}=...",
        )
    if keyword.arg in seen:
        raise PolicyError(f"{where}: {keyword.arg} is given twice")
    return keyword.arg


def _declare(
    source: Source, node: Function, options: Mapping[str, object], name: str
) -> TaskDeclaration:
    return TaskDeclaration(
        name=name,
        function=node.name,
        filename=source.filename,
        line=node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        options=options,
    )


def _refuse_second(source: Source, tasks: Sequence[TaskDeclaration]) -> None:
    *others, last = tasks
    if len(tasks) > MAX_TASKS:
        raise PolicyError(f"{source.filename}: more than {MAX_TASKS:,} tasks in one file")
    for other in others:
        if other.name == last.name:
            raise PolicyError(
                f"{source.filename}:{last.line}: the task {shown(last.name)} is declared a second"
                f" time; the first is at line {other.line}",
                hint='another function name, or name="..." in @task',
            )


def _refuse_rebound(source: Source, node: Function, places: Sequence[Binding]) -> None:
    # Overloads and stubs may come before the task; what comes after it would replace it.
    later = [place.line for place in places if place.line > node.lineno]
    if later:
        raise PolicyError(
            f"{source.at(node)}: the task function {node.name!r} is bound again at line {later[0]},"
            " so the task would be something else when it runs"
        )


def _is_task_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip()
