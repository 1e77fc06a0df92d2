"""`@task` inside the sandbox."""

from __future__ import annotations


def task(function=None, /, **options):  # type: ignore[no-untyped-def]
    """Mark a function as a task; its policy was read from the source, on the host."""
    if function is not None:
        return function
    return lambda marked: marked
