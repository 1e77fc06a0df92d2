"""`import capsule`, as a task sees it inside its sandbox."""

from capsule_guest.displays import display
from capsule_guest.host_tools import ToolError, tools
from capsule_guest.tasks import task

__all__ = ["ToolError", "display", "task", "tools"]
