"""The protocol on stdin and stdout: a line for each message, of a bounded length.

The SDK's own reads lines without a bound, in a thread that keeps the program from ending at a
signal while it waits for one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    Incoming = SessionMessage | Exception
    Streams = tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]

# The files of a call, in base64, and what is around them.
LONGEST = 32 << 20
_PIECE = 1 << 16


@asynccontextmanager
async def on_standard_streams() -> AsyncIterator[Streams]:
    """Serve on descriptors 0 and 1, of which nothing else in this program can see anything.

    What else is printed goes to stderr, and what else reads finds the end.
    """
    reader, writer = _taken(0, os.O_RDONLY), _taken(1, os.O_WRONLY)
    send_in, incoming = anyio.create_memory_object_stream["Incoming"](0)
    outgoing, take_out = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_write, take_out, writer)
        loop = asyncio.get_running_loop()

        def arrived(line: bytes | None) -> None:
            # Waits until it is taken: a client that floods waits too.
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(_deliver(line, send_in, outgoing), loop).result()

        _start(lambda: _read(reader, arrived))
        try:
            yield incoming, outgoing
        finally:
            group.cancel_scope.cancel()


def _start(work: Callable[[], None]) -> None:
    # What reads cannot be woken up for certain: it is left behind where it is.
    threading.Thread(target=work, name="capsule-mcp-stdin", daemon=True).start()


def _taken(number: int, flags: int) -> int:
    """Return a private copy of a descriptor, and put another in its place."""
    private = os.dup(number)
    os.set_inheritable(private, False)
    if flags == os.O_RDONLY:
        other = os.open(os.devnull, os.O_RDONLY)
        os.dup2(other, number)
        os.close(other)
    else:
        os.dup2(2, number)
    return private


def _read(reader: int, arrived: Callable[[bytes | None], None]) -> None:
    """Give out lines until the end, then None; of one that is too long, only its beginning."""
    lines = LineBuffer(LONGEST)
    with suppress(OSError):
        while data := os.read(reader, _PIECE):
            for line in lines.take(data):
                arrived(line)
    arrived(None)


class LineBuffer:
    """Makes lines of pieces. Of a line that is too long, the rest is dropped as it comes.

    >>> lines = LineBuffer(4)
    >>> lines.take(b"ab\\ncdefgh"), lines.take(b"ij\\nk\\n")
    ([b'ab'], [b'cdefg', b'k'])
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._begin = bytearray()

    def take(self, data: bytes) -> list[bytes]:
        """Return the lines that end in a piece; one that is too long has a byte more than may."""
        found = []
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._add(part)
            found.append(bytes(self._begin))
            self._begin.clear()
        self._add(rest)
        return found

    def _add(self, part: bytes) -> None:
        self._begin += part[: self._longest + 1 - len(self._begin)]


async def _deliver(
    line: bytes | None,
    incoming: MemoryObjectSendStream[Incoming],
    outgoing: MemoryObjectSendStream[SessionMessage],
) -> None:
    if line is None:
        await incoming.aclose()
        return
    if not line.strip():
        return
    if len(line) > LONGEST:
        await outgoing.send(_error(INVALID_REQUEST, f"a message has {LONGEST:,} bytes at most"))
        return
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        await outgoing.send(_error(PARSE_ERROR, "this is no message of JSON-RPC 2.0"))
        return
    await incoming.send(SessionMessage(message))


def _error(code: int, message: str) -> SessionMessage:
    error = ErrorData(code=code, message=message)
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=None, error=error))


async def _write(outgoing: MemoryObjectReceiveStream[SessionMessage], writer: int) -> None:
    async with outgoing:
        async for each in outgoing:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            # A client that does not read must keep nobody else waiting.
            await run_sync(_write_all, writer, f"{text}\n".encode(), abandon_on_cancel=True)


def _write_all(writer: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writer, view) :]
