"""The SDK's own client, over the real stdio of a real server."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import psutil
from mcp import Client, StdioServerParameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

REPOSITORY = Path(__file__).parents[2]
# The handshake of 2025 and earlier, and the stateless requests of 2026.
ERAS = {"handshake": "legacy", "stateless": "2026-07-28"}
_SECONDS = 120


class Answer(NamedTuple):
    """What a call came to: structured content, and the blocks."""

    said: dict[str, Any]
    blocks: list[Any]
    is_error: bool

    def kinds(self) -> list[str]:
        return [block.type for block in self.blocks]


class Conversation:
    """A client that is connected to a server of its own."""

    def __init__(self, client: Client, process: psutil.Process) -> None:
        self.client, self.process = client, process

    async def call(self, code: str, **more: Any) -> Answer:
        """Call the tool; all that is structured stands in the text too."""
        found = await self.client.call_tool("run_python", {"code": code, **more})
        said = found.structured_content or {}
        return Answer(said, list(found.content), found.is_error)


class Servers:
    """Starts servers in a folder; what they say on stderr goes to a file there."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.environ = {
            "CAPSULE_HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(folder / "user"),
        }

    def parameters(self, *options: str) -> StdioServerParameters:
        return StdioServerParameters(
            command=sys.executable,
            args=["-m", "capsule", "mcp", *options],
            env=self.environ,
            cwd=self.folder,
        )

    @asynccontextmanager
    async def connected(self, mode: str, *options: str) -> AsyncIterator[Conversation]:
        """Give a client that has started a server with these options."""
        before = {child.pid for child in psutil.Process().children()}
        async with Client(self.parameters(*options), mode=mode) as client:
            (mine,) = (each for each in psutil.Process().children() if each.pid not in before)
            yield Conversation(client, mine)


def held(conversation: Callable[[], Awaitable[None]]) -> None:
    """Hold a conversation, within bounds."""

    async def bounded() -> None:
        with anyio.fail_after(_SECONDS):
            await conversation()

    anyio.run(bounded)
