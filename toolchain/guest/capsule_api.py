"""`import capsule`, as a task sees it inside its sandbox."""

from capsule_guest.tasks import task

__all__ = ["task"]
