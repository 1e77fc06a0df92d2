"""Sessions for Pydantic AI: a toolset that gives each run of an agent a session of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from capsule.adapters.code_function import DESCRIPTION, NAME, ready_to_check
from capsule.adapters.missing import not_installed
from capsule.adapters.observation import MOST_TEXT, described, joined, observed, refused
from capsule.errors import CapsuleError
from capsule.sessions.session import Session

try:
    from pydantic_ai import BinaryContent, Tool
    from pydantic_ai.toolsets import FunctionToolset
except ImportError as error:
    raise not_installed("pydantic-ai", error) from None

if TYPE_CHECKING:
    from pydantic_ai import RunContext
    from pydantic_ai.toolsets import AbstractToolset


class CapsuleToolset(FunctionToolset[Any]):
    """A toolset with one tool, that runs Python in a session and shows figures as images.

    Options are those of a `Session`, which is opened for each run of the agent and closed at its
    end. With `session`, which is yours to open and close, all runs share that one. `check` has type
    errors found before code runs.
    """

    def __init__(
        self,
        session: Session | None = None,
        *,
        name: str = NAME,
        id: str | None = None,  # noqa: A002 - what the framework calls it
        check: bool = False,
        most: int = MOST_TEXT,
        **options: Any,
    ) -> None:
        if session is not None and options:
            raise TypeError(f"a session that is open takes no options: {sorted(options)}")
        ready_to_check(check=check)
        self._shared, self._session = session, session
        self._settings: dict[str, Any] = {"name": name, "id": id, "check": check, "most": most}
        self._options, self._check, self._most = options, check, most
        self._owns = False
        about = session or Session(**options)
        tool = Tool(
            self._run,
            takes_ctx=False,
            name=name,
            description=joined([DESCRIPTION, described(about.tools)]),
            sequential=True,
        )
        super().__init__([tool], id=id)

    async def for_run(self, ctx: RunContext[Any]) -> AbstractToolset[Any]:  # noqa: ARG002
        """Return a toolset with a session of its own, for one run."""
        if self._shared is not None or self._owns:
            return self
        made = type(self)(**self._settings, **self._options)
        made._owns = True  # noqa: SLF001 - it is one of ours
        return made

    async def __aenter__(self) -> Self:
        """Open the session of a run."""
        if self._owns and self._session is None:
            self._session = await Session(**self._options).__aenter__()
        return self

    async def __aexit__(self, *args: object) -> bool | None:
        """Close the session of a run."""
        if self._owns and self._session is not None:
            session, self._session = self._session, None
            await session.close()
        return None

    async def _run(self, code: str) -> str | list[str | BinaryContent]:
        session = self._session
        if session is None:
            raise RuntimeError("the tool is called outside of a run")
        try:
            seen = observed(await session.run(code, check=self._check), self._most)
        except CapsuleError as error:
            seen = refused(error, self._most)
        if not seen.figures:
            return seen.text
        images = [BinaryContent(figure.png, media_type="image/png") for figure in seen.figures]
        return [seen.text, *images]
