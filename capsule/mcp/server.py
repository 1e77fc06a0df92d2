"""The server: what it offers, and how a call becomes a turn of a session."""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import anyio
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceResult,
    ResourceTemplate,
    TextResourceContents,
    Tool,
)

from capsule import __version__
from capsule.errors import CapsuleError
from capsule.mcp import tool_definition
from capsule.mcp.preparation import Preparation, ToldProgress
from capsule.mcp.stdio_transport import on_standard_streams
from capsule.message_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp.server.context import ServerRequestContext
    from mcp_types import (
        CallToolRequestParams,
        PaginatedRequestParams,
        ReadResourceRequestParams,
    )

    from capsule.mcp.server_grants import Granted
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress

    Context = ServerRequestContext[Any, Any]

_URI = re.compile(re.escape(tool_definition.SCHEME) + r"://([0-9a-f]{32})/(.+)\Z")
# Revisions of the protocol from before there were links in answers.
_WITHOUT_LINKS = frozenset(("2024-11-05", "2025-03-26"))
_MOST_READ = 16 << 20
_INSTRUCTIONS = (
    "run_python runs Python in a sandbox. Pass the state of an answer to go on from it; each call"
    " without one begins anew."
)


class PythonServer:
    """Serves one client. All that is kept between calls lies in the states on the disk."""

    def __init__(self, granted: Granted, home: Path) -> None:
        self._granted, self._home = granted, home
        self._preparation = Preparation(self._prepare)
        text = tool_definition.description(granted)
        self._tool = Tool.model_validate(
            {
                "name": tool_definition.NAME,
                "title": tool_definition.TITLE,
                "description": text,
                "inputSchema": tool_definition.INPUT_SCHEMA,
                "outputSchema": tool_definition.OUTPUT_SCHEMA,
                "annotations": tool_definition.annotation_values(granted),
            }
        )

    async def serve(self, ends: Callable[[], object]) -> None:
        """Answer what comes on stdin, until it ends; `ends` is called when nothing more comes."""
        server = Server(
            "capsule",
            version=__version__,
            title="capsule",
            instructions=_INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )
        try:
            async with on_standard_streams() as (incoming, outgoing):
                await server.run(incoming, outgoing, server.create_initialization_options())
        finally:
            ends()
            self._preparation.close()

    async def _list_tools(
        self, _context: Context, _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        # Whoever asks for the tools is about to call one.
        self._preparation.begin()
        return ListToolsResult(tools=[self._tool])

    async def _call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        from capsule.mcp.answer import answer_of, refusal_of
        from capsule.mcp.call_arguments import parsed
        from capsule.sdk.threads import in_thread

        if params.name != tool_definition.NAME:
            raise MCPError(
                INVALID_PARAMS,
                f"there is no tool {shown(params.name)}; there is {tool_definition.NAME}",
            )
        async with anyio.create_task_group() as group:
            tell = await group.start(_telling, context)
            try:
                arguments = parsed(params.arguments)

                def work(stop: Cancellation) -> dict[str, Any]:
                    self._preparation.wait(tell, stop)
                    from capsule.mcp.python_call import run_call
                    from capsule.sessions.state_handles import StateHandles

                    outcome = run_call(
                        arguments,
                        self._granted,
                        StateHandles(self._home),
                        ToldProgress(tell),
                        stop,
                    )
                    return answer_of(outcome, self._granted)

                answer = await in_thread(work)
            except CapsuleError as error:
                answer = refusal_of(error)
            group.cancel_scope.cancel()
        if context.protocol_version in _WITHOUT_LINKS:
            # Such a client may refuse an answer with a block that it does not know. The names and
            # addresses of files stand in the text.
            kept = [each for each in answer["content"] if each["type"] != "resource_link"]
            answer = {**answer, "content": kept}
        return CallToolResult.model_validate(answer)

    def _prepare(self, progress: Progress, stop: Cancellation) -> None:
        """Have made what a call without a state begins with."""
        from capsule.mcp.python_call import wanted_of
        from capsule.sessions import opening

        opening.opened(wanted_of(self._granted, progress), stop).close()

    async def _list_resources(
        self, _context: Context, _params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        # Files are found by the handle of their state, which only those have who were given it.
        return ListResourcesResult(resources=[])

    async def _list_templates(
        self, _context: Context, _params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(
            resource_templates=[
                ResourceTemplate(
                    name="file",
                    title="A file of a state",
                    uri_template=tool_definition.TEMPLATE,
                    description="A file in the working folder of a state of run_python.",
                )
            ]
        )

    async def _read_resource(
        self, _context: Context, params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        from capsule.mcp.answer import as_text, mime_type
        from capsule.sdk.threads import in_thread

        uri = str(params.uri)
        if (found := _URI.match(uri)) is None:
            raise MCPError(
                INVALID_PARAMS,
                f"there is no resource {shown(uri)}: a file is {tool_definition.TEMPLATE}",
            )
        handle, name = found[1], unquote(found[2])

        def read(_: Cancellation) -> bytes:
            from capsule.sessions.state_handles import StateHandles

            data = StateHandles(self._home).file(handle, name, _MOST_READ)
            if data is None:
                raise CapsuleError(f"there is no file {shown(name)} in that state")
            return data

        try:
            data = await in_thread(read)
        except CapsuleError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        kind, text = mime_type(name), as_text(data)
        if text is not None:
            return ReadResourceResult(
                contents=[TextResourceContents(uri=uri, mime_type=kind, text=text)]
            )
        blob = base64.b64encode(data).decode()
        return ReadResourceResult(
            contents=[BlobResourceContents(uri=uri, mime_type=kind, blob=blob)]
        )


async def _telling(
    context: Context, *, task_status: anyio.abc.TaskStatus[Callable[[float, str], None]]
) -> None:
    """Send what is told, from any thread, as notifications of progress."""
    from capsule.sdk.threads import loop_caller

    send, receive = anyio.create_memory_object_stream[tuple[float, str]](16)
    soon, reached = loop_caller(), 0.0

    def put(at: float, words: str) -> None:
        # One that comes too fast is of no interest.
        with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            send.send_nowait((at, words))

    def tell(at: float, words: str) -> None:
        # The loop may be gone.
        with suppress(RuntimeError):
            soon(lambda: put(at, words))

    with send, receive:
        task_status.started(tell)
        async for at, words in receive:
            reached = max(at, reached + 0.0001)
            await context.session.report_progress(reached, message=words)
