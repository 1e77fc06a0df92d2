"""`capsule mcp`: a server of the Model Context Protocol on stdin and stdout."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from capsule.cli.runtime import signals
from capsule.cli.runtime.context import of_this_program
from capsule.errors import CapsuleError, UsageError
from capsule.mcp.server_grants import settled
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console
    from capsule.mcp.server_grants import ServerGrants

# How long what runs may take to end when the client is gone, in seconds. The SDK's own client
# waits for two.
_GRACE = 1.5


def command(said: ServerGrants, console: Console) -> int:
    """Serve until stdin ends, or a signal comes; return the exit code.

    Raises `CapsuleError` when it cannot begin.
    """
    context = of_this_program(console)
    # Of which version 2 brings the other.
    if find_spec("mcp") is None or find_spec("mcp_types") is None:
        raise CapsuleError(
            "capsule mcp needs version 2 of the package mcp, which is not installed",
            hint="pip install 'mcp>=2,<3', or pip install '.[mcp]' in a checkout of capsule",
        )
    if context.stdin is None:
        raise UsageError("capsule mcp talks to a client on its stdin and stdout")
    home = checked_root()
    granted = settled(said, context.working_folder(), home)
    if context.stdin.isatty():
        console.note("a client starts this, and talks to it on stdin; Ctrl-D ends: docs/mcp.md")
    # Collecting garbage while the SDK is imported takes a tenth of that.
    gc.disable()
    import anyio

    from capsule.mcp.server import PythonServer

    gc.freeze()
    gc.enable()
    server = PythonServer(granted, home)

    async def serve() -> None:
        with anyio.CancelScope() as scope:
            loop = asyncio.get_running_loop()

            def end(_number: int) -> None:
                loop.call_soon_threadsafe(scope.cancel)

            with signals.waited_for(end):
                await server.serve(_end_soon)

    anyio.run(serve)
    return 0


def _end_soon() -> None:
    """See to it that this program ends: what prepares a toolchain may be waiting for another."""
    timer = threading.Timer(_GRACE, os._exit, (0,))
    timer.daemon = True
    timer.start()
