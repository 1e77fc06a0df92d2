"""A session as one function, typed and documented: what most frameworks take for a tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from capsule.adapters.observation import MOST_TEXT, described, joined, observed, refused
from capsule.errors import CapsuleError
from capsule.sessions.session import Session, SessionSync

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from capsule.sessions.turn import Turn

    OnTurn = Callable[[Turn], object]

NAME = "run_python"
DESCRIPTION = (
    "Run Python code in a sandbox. Variables, functions and files stay from call to call. The"
    " answer is what the code printed and the value of its last expression, or the traceback."
)


@overload
def code_tool(
    session: Session,
    *,
    name: str = NAME,
    check: bool = False,
    most: int = MOST_TEXT,
    on_turn: OnTurn | None = None,
) -> Callable[[str], Awaitable[str]]: ...


@overload
def code_tool(
    session: SessionSync,
    *,
    name: str = NAME,
    check: bool = False,
    most: int = MOST_TEXT,
    on_turn: OnTurn | None = None,
) -> Callable[[str], str]: ...


def code_tool(
    session: Session | SessionSync,
    *,
    name: str = NAME,
    check: bool = False,
    most: int = MOST_TEXT,
    on_turn: OnTurn | None = None,
) -> Callable[[str], Awaitable[str]] | Callable[[str], str]:
    """Return a function that runs code in a session and answers with text for a model.

    Of a `Session` it is a coroutine function, of a `SessionSync` a plain one. Its docstring says
    which functions of the host there are. The answer has `most` characters, and errors of the code
    are part of it; `check` has type errors found first; `on_turn` is called with each turn, whose
    `displays` have the figures that a text cannot show.

    >>> with SessionSync(timeout="30s") as session:
    ...     run_python = code_tool(session)
    ...     _ = run_python("n = 20")
    ...     print(run_python("print('so'); n + 22"))
    so
    42
    """

    ready_to_check(check=check)

    def told(turn: Turn) -> str:
        if on_turn is not None:
            on_turn(turn)
        return observed(turn, most).text

    if isinstance(session, SessionSync):

        def run_python(code: str) -> str:
            try:
                return told(session.run(code, check=check))
            except CapsuleError as error:
                return refused(error, most).text

        plain: Callable[[str], str] = _named(run_python, name, session)
        return plain

    async def run_python_async(code: str) -> str:
        try:
            return told(await session.run(code, check=check))
        except CapsuleError as error:
            return refused(error, most).text

    awaited: Callable[[str], Awaitable[str]] = _named(run_python_async, name, session)
    return awaited


def ready_to_check(*, check: bool) -> None:
    """Raise `CheckError` where turns are to be checked, and there is nothing that could."""
    if check:
        from capsule.type_check.checker_process import program

        program()


def _named(function: Any, name: str, session: Session | SessionSync) -> Any:
    """Give a function its name, and a docstring as frameworks read it."""
    function.__name__ = function.__qualname__ = name
    # As types and not as text, which some frameworks do not look up.
    function.__annotations__ = {"code": str, "return": str}
    arguments = "Args:\n    code: Python source. Top-level await works."
    function.__doc__ = joined([DESCRIPTION, described(session.tools), arguments])
    return function
