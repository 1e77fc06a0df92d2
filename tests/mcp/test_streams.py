"""The server as a program: what stands on its streams, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from capsule.mcp.stdio_transport import LONGEST
from tests.integration.command import Command
from tests.mcp.test_conversations import Listener, listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["listener"]
pytestmark = pytest.mark.integration
CODE = "print('noise')\nopen('long.txt', 'w').write('line\\n' * 5000)"


class Server:
    """A server of which each line is looked at."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._in, self._out = process, process.stdin, process.stdout
        self._number = 0

    def send(self, line: bytes) -> None:
        self._in.write(line + b"\n")
        self._in.flush()

    def receive(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._out.readline())
        assert found["jsonrpc"] == "2.0"
        return found

    def tell(self, method: str, **params: Any) -> int:
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self.send(json.dumps(message).encode())
        return self._number

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = self.tell(method, **params)
        found = self.receive()
        assert found["id"] == number
        return found

    def begin(self, version: str = "2025-11-25") -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        found = self.ask("initialize", protocolVersion=version, capabilities={}, clientInfo=client)
        self.send(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        return found

    def end(self) -> tuple[int, bytes, bytes]:
        """Close stdin; return the exit code, and what else it said."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def command(toolchain_home: Path, tmp_path: Path) -> Command:
    return Command(tmp_path, toolchain_home)


@pytest.fixture
def server(command: Command) -> Iterator[Server]:
    with command.popen("mcp", stdin=subprocess.PIPE) as process:
        yield Server(process)
        process.kill()


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_each_handshake_is_understood(server: Server, version: str) -> None:
    assert server.begin(version)["result"]["protocolVersion"] == version
    (tool,) = server.ask("tools/list")["result"]["tools"]
    assert tool["name"] == "run_python"
    found = server.ask("tools/call", name="run_python", arguments={"code": CODE})["result"]
    assert found["structuredContent"]["stdout"] == "noise\n"
    kinds = [block["type"] for block in found["content"]]
    # A block of a kind that a revision does not have is not sent to its clients.
    assert kinds == (["text", "resource_link"] if version >= "2025-06-18" else ["text"])
    assert server.end() == (0, b"", b"")


def test_what_is_no_message_is_an_error_and_not_the_end(server: Server) -> None:
    server.begin()
    for line, code in ((b"{", -32700), (b"[]", -32700), (b"x" * (LONGEST + 1), -32600)):
        server.send(line)
        found = server.receive()
        assert (found["id"], found["error"]["code"]) == (None, code)
    assert server.ask("no/such")["error"]["code"] == -32601
    assert server.ask("tools/call", name="rm", arguments={})["error"]["code"] == -32602
    for uri in ("file:///etc/passwd", f"capsule-state://{'0' * 32}/a", "capsule-state://x/a"):
        assert server.ask("resources/read", uri=uri)["error"]["code"] == -32602
    assert server.ask("tools/list")["result"]["tools"]
    assert server.end() == (0, b"", b"")


def test_it_ends_with_its_stdin_and_its_sandbox_with_it(
    command: Command, listener: Listener
) -> None:
    _ends(command, listener, lambda server: server.end())


def test_it_ends_at_sigterm_and_its_sandbox_with_it(command: Command, listener: Listener) -> None:
    def terminate(server: Server) -> tuple[int, bytes, bytes]:
        os.kill(server.process.pid, signal.SIGTERM)
        # Its stdin stays open.
        code = server.process.wait(timeout=60)
        assert server.process.stdout is not None
        assert server.process.stderr is not None
        return code, server.process.stdout.read(), server.process.stderr.read()

    _ends(command, listener, terminate)


def _ends(command: Command, listener: Listener, how: Any) -> None:
    code = f"{listener.get}\nwhile True: pass"
    with command.popen("mcp", "--allow-host", listener.place, stdin=subprocess.PIPE) as process:
        server = Server(process)
        server.begin()
        server.tell("tools/call", name="run_python", arguments={"code": code})
        assert listener.asked.wait(60)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        code, out, err = how(server)
        assert (code, err) == (0, b"")
        # The SDK may still say of the call that nobody listens any more.
        said = [json.loads(line)["error"]["message"] for line in out.splitlines()]
        assert set(said) <= {"Connection closed"}
        assert psutil.wait_procs(children, timeout=30)[1] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--timeout", "soon"), "--timeout: 'soon' is not a duration"),
        (("--ram", "lots"), "--ram: 'lots' is not a size of memory"),
        (("--compute", "TINY"), "--compute: 'TINY' is not an amount of compute"),
        (("--allow-host", "http://x/"), "--allow-host:"),
        (("--env", "A=B"), "--env:"),
        (("--import", "a b"), "--import 'a b' is no name of a module"),
        (("--package", "./x"), "--package: './x' is a path"),
        (("--mount", "nothing-there"), "nothing-there"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_served(
    command: Command, options: tuple[str, ...], words: str
) -> None:
    done = command("mcp", *options)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_ceiling_holds_for_what_is_granted(command: Command) -> None:
    command.write("capsule.toml", '[limits]\nallowed_hosts = []\nmax_timeout = "5s"\n')
    done = command("mcp", "--allow-host", "example.com")
    assert done.code == 2
    assert "example.com" in done.err
    with command.popen("mcp", stdin=subprocess.PIPE) as process:
        server = Server(process)
        server.begin()
        (tool,) = server.ask("tools/list")["result"]["tools"]
        assert "5s by the clock" in tool["description"]
        server.end()
