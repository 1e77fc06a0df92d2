"""What a file would get, as text and as JSON."""

from __future__ import annotations

from capsule.cli.render.terminal_text import one_line, wrapped
from capsule.message_text import listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from capsule.runner.inspection import Inspection, Right, TaskRights

_LABEL = 16


def rights_json(found: Inspection) -> dict[str, Any]:
    """Return all of it as one JSON object."""
    return {
        "file": found.file,
        "project": found.project,
        "config": found.config,
        "ceilings": list(found.ceilings),
        "dependencies": list(found.dependencies),
        "tasks": [
            {
                "task": task.task,
                "line": task.line or None,
                "entry": task.is_entry,
                "rights": {
                    right.option: {"asks": right.asks, "gets": right.gets, "by": right.by}
                    for right in task.rights
                },
                "refused": task.refused,
            }
            for task in found.tasks
        ],
    }


def rights_lines(found: Inspection, width: int) -> Iterator[str]:
    """Yield the lines for a person; none is wider."""
    yield from _row("file", found.file, width)
    yield from _row("project", found.project, width)
    if found.ceilings:
        for place, file in enumerate(found.ceilings):
            yield from _row("" if place else "ceilings", file, width)
    else:
        yield from _row("ceilings", "none: a file gets what it asks for", width)
    if found.dependencies:
        yield from _row("packages", ", ".join(found.dependencies), width)
    for task in found.tasks:
        yield ""
        yield from _task(task, width)


def _task(task: TaskRights, width: int) -> Iterator[str]:
    where = f", line {task.line}" if task.line else ""
    entry = ", the one that runs" if task.is_entry else ""
    yield from wrapped(f"task {one_line(task.task)}{where}{entry}", width, words=True)
    if task.refused is not None:
        yield from _row("  refused", task.refused, width)
    for right in task.rights:
        if task.refused is None:
            yield from _row(f"  {right.option}", _said(right, task.places), width)
        elif right.asks is not None:
            said = f"asks for {_worded(right.asks)}  ({right.by})"
            yield from _row(f"  {right.option}", said, width)


def _said(right: Right, places: Mapping[str, str]) -> str:
    asks = _worded(right.asks)
    gets = right.gets
    if right.option == "env_variables":
        gets = [f"{name} ({places[name]})" for name in gets]
    if right.option == "secrets":
        gets = [f"{_one(each)} ({places[each['name']]})" for each in gets]
    # A list that is not empty is told to be less where nothing in it is the file's.
    less = not right.gets or right.by.startswith("untrusted")
    if not isinstance(right.gets, list):
        less = right.asks != right.gets
    asks = f"; it asks for {asks}" if right.asks and less else ""
    return f"{_worded(gets)}  ({right.by}{asks})"


def _worded(value: Any) -> str:
    if value is None:
        return "no limit"
    if not isinstance(value, list):
        return str(value)
    return ", ".join(map(_one, value)) or "none"


def _one(item: Any) -> str:
    if isinstance(item, dict) and "name" in item:
        return f"{item['name']} at {' and '.join(item['hosts'])}"
    if isinstance(item, dict):
        mode = "read-write" if item["mode"] == "rw" else "read-only"
        return f"{listed(item['path'])} ({mode})"
    return str(item)


def _row(label: str, text: str, width: int) -> Iterator[str]:
    for place, piece in enumerate(wrapped(text, max(width - _LABEL - 1, 20), words=True)):
        yield f"{'' if place else label:<{_LABEL}} {piece}".rstrip()
