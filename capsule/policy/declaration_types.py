"""What a source declares, as values: tasks with options that nobody has looked at yet."""

from __future__ import annotations

from capsule.errors import PolicyError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from capsule.policy.invalid_value import InvalidValueError

MAX_TASKS = 1_000
MAX_NAME = 128
MAX_PARAMETERS = 256
# What words can be turned into: see `capsule.policy.parameters`.
TYPES = ("int", "float", "bool", "str", "list", "dict", "None")


class Parameter(NamedTuple):
    """A parameter that a word of the command line can go to.

    `types` are those of its annotation, as `capsule.policy.parameters` tells them apart, in the
    order in which they stand there; empty where nothing is known. `many` is that of `*args`.
    """

    name: str
    types: tuple[str, ...] = ()
    many: bool = False


class TaskDeclaration(NamedTuple):
    """A task as its source declares it.

    `options` are the literal values of the decorator's keywords but `name`, not yet checked.
    `line` is 0 where there is no source; `module` is the dotted name of a module beside the task
    file, empty for the task file itself. `parameters` are those that words can go to.
    """

    name: str
    function: str
    filename: str
    line: int
    is_async: bool
    options: Mapping[str, object]
    module: str = ""
    parameters: tuple[Parameter, ...] = ()

    def blame(self, option: str, wrong: InvalidValueError) -> PolicyError:
        """Return the error that says that `option` of this task is wrong."""
        place = f"{self.filename}:{self.line}" if self.line else self.filename
        return PolicyError(
            f"{place}: task {shown(self.name)}: {option}: {wrong.message}", hint=wrong.hint
        )


class Declarations(NamedTuple):
    """What a source declares: its tasks, in order, and the plain `def main`, if it has one.

    `value_at` is where it begins to act as a program, if it does, as with the expression that it
    ends with: the line, from 1, and the column in bytes of UTF-8.
    """

    filename: str
    tasks: tuple[TaskDeclaration, ...]
    plain_main: TaskDeclaration | None
    value_at: tuple[int, int] | None = None


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
    rows = [_row(task) for task in found.tasks]
    return [rows, None if main is None else _row(main), list(found.value_at or ())]


def decode(value: Any, filename: str) -> Declarations:
    """Return what was encoded. Raises `TypeError` or `ValueError` for anything else."""
    tasks, main, place = value
    if type(place) is not list or any(type(number) is not int for number in place):
        raise TypeError(place)
    value_at = (place[0], place[1]) if len(place) == 2 else None
    return Declarations(
        filename,
        tuple(_declared(row, filename) for row in tasks),
        None if main is None else _declared(main, filename),
        value_at,
    )


def _row(task: TaskDeclaration) -> list[Any]:
    parameters = parameter_rows(task.parameters)
    return [task.name, task.function, task.line, task.is_async, dict(task.options), parameters]


def _declared(row: Any, filename: str) -> TaskDeclaration:
    name, function, line, is_async, options, parameters = row
    kinds = (str, str, int, bool, dict, list)
    if any(type(value) is not kind for value, kind in zip(row, kinds, strict=True)):
        raise TypeError(row)
    declared = TaskDeclaration(name, function, filename, line, is_async, options)
    return declared._replace(parameters=parameters_from(parameters))


def parameter_rows(parameters: Iterable[Parameter]) -> list[Any]:
    """Return parameters as values of JSON.

    >>> parameter_rows([Parameter("n", ("int",))])
    [['n', ['int'], False]]
    """
    return [[name, list(types), many] for name, types, many in parameters]


def parameters_from(rows: list[Any]) -> tuple[Parameter, ...]:
    """Return the parameters of such rows. Raises `TypeError` or `ValueError` for others."""
    found = []
    for row in rows:
        name, types, many = row
        if not (isinstance(name, str) and isinstance(types, list) and isinstance(many, bool)):
            raise TypeError(row)
        if not name.isidentifier() or not all(one in TYPES for one in types):
            raise ValueError(row)
        found.append(Parameter(name, tuple(types), many))
    if len(found) > MAX_PARAMETERS or any(one.many for one in found[:-1]):
        raise ValueError(rows)
    return tuple(found)
