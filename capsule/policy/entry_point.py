"""Which task of a file runs when nobody names one."""

from __future__ import annotations

from capsule.errors import UsageError
from capsule.message_text import nearest, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.policy.declaration_types import Declarations, TaskDeclaration

_LISTED = 10


def entry_task(declarations: Declarations) -> TaskDeclaration:
    """Return the task named `main`, else that of a function `main`, else the only task.

    A plain `def main` is an entry point too, with no options of its own. Raises `UsageError` when
    the file leaves the choice open.
    """
    tasks = [task for task in declarations.tasks if not task.module]
    for task in tasks:
        if task.name == "main":
            return task
    for task in tasks:
        if task.function == "main":
            return task
    if declarations.plain_main is not None:
        return declarations.plain_main
    if len(tasks) == 1:
        return tasks[0]
    if not tasks:
        raise UsageError(
            f"{declarations.filename} has no task and no function main",
            hint="name a function main, or mark one with @task, after: from capsule import task;"
            " capsule run - < FILE runs it as a program",
        )
    listed = ", ".join(
        shown(task.name) + (f" (line {task.line})" if task.line else "") for task in tasks[:_LISTED]
    )
    near = nearest("main", [task.name for task in tasks])
    more = f" and {len(tasks) - _LISTED} more" if len(tasks) > _LISTED else ""
    raise UsageError(
        f"{declarations.filename} has {len(tasks)} tasks and none is the entry point:"
        f" {listed}{more}",
        hint='name="main" in the @task of '
        + ("the one to run" if near is None else f"{shown(near)}, if that is the one to run"),
    )
