"""What a source declares, as values: tasks with options that nobody has looked at yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.errors import PolicyError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from capsule.policy.invalid_value import InvalidValueError

MAX_TASKS = 1_000
MAX_NAME = 128


class TaskDeclaration(NamedTuple):
    """A task as its source declares it.

    `options` are the literal values of the decorator's keywords but `name`, not yet checked.
    `line` is 0 where there is no source; `module` is the dotted name of a module beside the task
    file, empty for the task file itself.
    """

    name: str
    function: str
    filename: str
    line: int
    is_async: bool
    options: Mapping[str, object]
    module: str = ""

    def blame(self, option: str, wrong: InvalidValueError) -> PolicyError:
        """Return the error that says that `option` of this task is wrong."""
        place = f"{self.filename}:{self.line}" if self.line else self.filename
        return PolicyError(
            f"{place}: task {shown(self.name)}: {option}: {wrong.message}", hint=wrong.hint
        )


class Declarations(NamedTuple):
    """What a source declares: its tasks, in order, and the plain `def main`, if it has one."""

    filename: str
    tasks: tuple[TaskDeclaration, ...]
    plain_main: TaskDeclaration | None


def with_modules(declarations: Declarations, others: Iterable[TaskDeclaration]) -> Declarations:
    """Return `declarations` with the tasks of the modules beside the task file.

    Raises `PolicyError` when two tasks have one name: calling it would mean either.
    """
    tasks = {task.name: task for task in declarations.tasks}
    for task in others:
        if (known := tasks.get(task.name)) is not None:
            raise PolicyError(
                f"{task.filename}:{task.line}: the task {shown(task.name)} has the name of one in"
                f" {known.filename}:{known.line}",
                hint="name= in one of the two",
            )
        tasks[task.name] = task
    return declarations._replace(tasks=tuple(tasks.values()))


def encode(found: Declarations) -> list[Any]:
    """Return the tasks as rows; their options stay what they are."""
    main = found.plain_main
    return [[_row(task) for task in found.tasks], None if main is None else _row(main)]


def decode(value: Any, filename: str) -> Declarations:
    """Return what was encoded. Raises `TypeError` or `ValueError` for anything else."""
    tasks, main = value
    return Declarations(
        filename,
        tuple(_declared(row, filename) for row in tasks),
        None if main is None else _declared(main, filename),
    )


def _row(task: TaskDeclaration) -> list[Any]:
    return [task.name, task.function, task.line, task.is_async, dict(task.options)]


def _declared(row: Any, filename: str) -> TaskDeclaration:
    name, function, line, is_async, options = row
    kinds = (str, str, int, bool, dict)
    if any(type(value) is not kind for value, kind in zip(row, kinds, strict=True)):
        raise TypeError(row)
    return TaskDeclaration(name, function, filename, line, is_async, options)
