"""Functions of the host, for code that runs inside a sandbox: `capsule.tools.NAME(...)`.

Outside there are none: this is what editors, type checkers and unit tests find there. To a checker
any name but those below is a function of the host, which takes and gives what is JSON.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Tool(Protocol):
        """One function of the host. Calling it raises `ToolError` where that fails."""

        __name__: str

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Call it, and wait for its answer."""

        async def aio(self, *args: Any, **kwargs: Any) -> Any:
            """Call it, and let other coroutines go on meanwhile."""


class ToolError(Exception):
    """Raised inside when a function of the host fails, or may not be called.

    `type` is the name of what it raised, or "refused", "late" or "failed".

    >>> ToolError("KeyError", "'name'").type
    'KeyError'
    """

    def __init__(self, type: str, message: str) -> None:  # noqa: A002 - what it is called inside
        super().__init__(f"{type}: {message}")
        self.type, self.message = type, message


def describe() -> str:
    """Return what functions there are, with their signatures: none outside of a sandbox.

    >>> describe()
    ''
    """
    return ""


def __getattr__(name: str) -> Tool:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(
        f"capsule.tools.{name} is a function of the host, which code inside a sandbox may call;"
        " pass it as tools=[...] to run, Sandbox or Session"
    )
