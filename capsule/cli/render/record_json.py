"""What the record of runs says, as JSON: the columns of the table by their names, and trees."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from capsule.lifecycle.reader import Node, Run, Summary

_BRIEFLY_NOT = ("traceback", "host_requests", "stdout", "stderr")


def of_node(node: Node) -> dict[str, Any]:
    """Return an attempt, with those of the tasks that it called in `below`."""
    columns = node.attempt._asdict()
    columns["host_requests"] = node.requests
    return {**columns, "below": [of_node(child) for child in node.below]}


def of_run(run: Run) -> dict[str, Any]:
    """Return a run with all its attempts."""
    return {"run": run.id, "attempts": [of_node(node) for node in run.attempts]}


def of_summary(summary: Summary) -> dict[str, Any]:
    """Return the last attempt of a run, when the run began, and how many attempts it has."""
    columns = summary.last._asdict()
    kept = {name: value for name, value in columns.items() if name not in _BRIEFLY_NOT}
    return {**kept, "run_created_ns": summary.created_ns, "attempts": summary.attempts}
