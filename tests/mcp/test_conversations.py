"""Conversations of the SDK's client with `capsule mcp`, in both eras of the protocol."""

from __future__ import annotations

import base64
import fcntl
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import anyio
import psutil
import pytest
from anyio import to_thread

from tests.integration.echo_server import EchoServer
from tests.mcp.conversation import ERAS, Servers, held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture(params=[*ERAS])
def mode(request: pytest.FixtureRequest) -> str:
    return ERAS[request.param]


@pytest.fixture
def servers(toolchain_home: Path, tmp_path: Path) -> Servers:
    return Servers(tmp_path, toolchain_home)


class Listener(ThreadingHTTPServer):
    """Answers on loopback, and says when somebody asked."""

    daemon_threads = True

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.set()
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"hello")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        self.asked = asked = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.place = f"localhost:{self.server_address[1]}"
        self.get = f"import urllib.request\nurllib.request.urlopen('http://{self.place}/').read()"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_tool_says_what_is_granted(mode: str, servers: Servers) -> None:
    (servers.folder / "data").mkdir()

    async def talk() -> None:
        granted = ("--allow-host", "api.example.com", "--mount", "data:ro", "--timeout", "7s")
        async with servers.connected(mode, *granted) as one:
            (tool,) = (await one.client.list_tools()).tools
            text = tool.description or ""
            assert "api.example.com, and nowhere else" in text
            assert "/data (read only)" in text
            assert "7s by the clock" in text
            assert tool.annotations is not None
            assert tool.annotations.open_world_hint
        async with servers.connected(mode) as one:
            (tool,) = (await one.client.list_tools()).tools
            assert "Network: none" in (tool.description or "")
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert (await one.client.list_resources()).resources == []

    held(talk)


def test_state_goes_on_by_handle(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one:
            first = await one.call("total = 40\nprint('ready')")
            assert first.said["stdout"] == "ready\n"
            assert len(first.said["state"]) == 32
            # For clients that show text alone.
            assert json.loads(first.blocks[0].text) == first.said
            second = await one.call("total + 2", state=first.said["state"])
            assert (second.said["result"], second.is_error) == (42, False)
            assert second.said["execution"]["fuel_consumed"] > 0
            anew = await one.call("total")
            assert anew.is_error
            assert "NameError" in anew.said["error"]["message"]
            # What an exception left is kept.
            raised = await one.call("total = 1\n1 / 0", state=first.said["state"])
            assert (await one.call("total", state=raised.said["state"])).said["result"] == 1

    held(talk)


def test_an_old_handle_is_a_fork(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one:
            first = (await one.call("names = ['a']")).said["state"]
            left = (await one.call("names.append('left')", state=first)).said["state"]
            right = (await one.call("names.append('right')", state=first)).said["state"]
            assert (await one.call("names", state=left)).said["result"] == ["a", "left"]
            assert (await one.call("names", state=right)).said["result"] == ["a", "right"]
            assert (await one.call("names", state=first)).said["result"] == ["a"]

    held(talk)


def test_the_handle_of_a_killed_server_works_in_the_next(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        handle = ""
        async with servers.connected(mode) as one:
            handle = (await one.call("import math\nkept = math.pi")).said["state"]
            one.process.kill()
        async with servers.connected(mode) as other:
            assert (await other.call("kept", state=handle)).said["result"] == pytest.approx(3.14159)
        path = servers.home / "states" / f"{handle}.state"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700

    held(talk)


def test_a_handle_that_is_gone_says_so(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one:
            handle = (await one.call("x = 1")).said["state"]
            (servers.home / "states" / f"{handle}.state").unlink()
            for state, words in (
                (handle, f"there is no state {handle}: it never was, or it is gone"),
                ("../../etc/passwd", "that is no handle of a state"),
            ):
                found = await one.call("x", state=state)
                assert found.is_error
                assert words in found.blocks[0].text
                assert "begin anew" in found.blocks[0].text

    held(talk)


def test_a_plot_is_an_image(mode: str, servers: Servers) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('three')"

    async def talk() -> None:
        async with servers.connected(mode) as one:
            found = await one.call(code)
            assert not found.is_error, found.said
            assert found.kinds() == ["text", "image"]
            image = found.blocks[1]
            assert image.mime_type == "image/png"
            data = base64.b64decode(image.data)
            width, height = struct.unpack(">II", data[16:24])
            assert data.startswith(b"\x89PNG\r\n")
            assert 300 < width < 2_000
            assert 200 < height < 2_000
            large = "plt.figure(figsize=(30, 30), dpi=100)\nplt.plot([1, 2])"
            found = await one.call(large, state=found.said["state"])
            assert found.said["images"] == 0
            assert "pixels is left out" in found.said["notes"][0]

    held(talk)


def test_a_csv_goes_in_and_files_come_out(mode: str, servers: Servers) -> None:
    code = """
import csv
rows = list(csv.DictReader(open("sales.csv")))
with open("sums.csv", "w") as file:
    print("city,total", *(f"{r['city']},{int(r['total']) * 2}" for r in rows), sep="\\n", file=file)
open("raw.bin", "wb").write(bytes(range(256)) * 100)
open("long.txt", "w").write("line\\n" * 5000)
len(rows)
"""

    async def talk() -> None:
        files = {"sales.csv": "city,total\nBern,3\nBasel,4\n", "b.bin": {"base64": "AAEC"}}
        async with servers.connected(mode) as one:
            found = await one.call(code, files=files)
            assert found.said["result"] == 2, found.said
            names = [(each["name"], each["change"]) for each in found.said["files"]]
            assert names == [("long.txt", "new"), ("raw.bin", "new"), ("sums.csv", "new")]
            assert found.kinds() == ["text", "resource_link", "resource_link", "resource"]
            assert found.blocks[3].resource.text == "city,total\nBern,6\nBasel,8\n"
            for block, expected in zip(
                found.blocks[1:3], (b"line\n" * 5000, bytes(range(256)) * 100), strict=True
            ):
                (content,) = (await one.client.read_resource(block.uri)).contents
                text = getattr(content, "text", None)
                data = text.encode() if text is not None else base64.b64decode(content.blob)  # type: ignore[union-attr]
                assert data == expected
                assert block.size == len(expected)
            # They belong to the state; another has them no more.
            later = await one.call("import os; sorted(os.listdir())", state=found.said["state"])
            assert later.said["result"] == ["b.bin", "long.txt", "raw.bin", "sales.csv", "sums.csv"]
            assert (await one.call("import os; os.listdir()")).said["result"] == []

    held(talk)


def test_a_timeout_keeps_the_state_from_before(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode, "--timeout", "1s") as one:
            handle = (await one.call("kept = 7")).said["state"]
            found = await one.call("kept = 8\nwhile True: pass", state=handle)
            assert found.is_error
            assert found.said["error"]["error_type"] == "timeout"
            assert "capsule mcp --timeout" in found.said["notes"][0]
            assert found.said["state"] == handle
            assert (await one.call("kept", state=handle)).said["result"] == 7

    held(talk)


def test_a_host_that_is_not_granted_is_refused(
    mode: str, servers: Servers, listener: Listener
) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one:
            found = await one.call(listener.get)
            assert found.is_error
            (note,) = found.said["notes"]
            # Said once, in each of the two places that clients show.
            for shown in (json.dumps(found.said), found.blocks[0].text):
                assert shown.count("may not use the network") == 1
            assert 'File "turn 1"' in found.said["error"]["traceback"]
            assert "Hosts that this server allows: none" in note
            assert "You cannot change that" in note
            assert "capsule mcp --allow-host HOST" in note
        assert not listener.asked.is_set()
        async with servers.connected(mode, "--allow-host", listener.place) as one:
            found = await one.call(f"{listener.get}.decode()")
            assert found.said["result"] == "hello"

    held(talk)


def test_a_secret_is_used_and_not_read(mode: str, servers: Servers) -> None:
    """Its placeholder lies in a state, and stands for the value in the next server too."""
    value = "sk-live-7f3a9c51e8"
    servers.environ["MY_KEY"] = value
    server = EchoServer()
    place = f"localhost:{server.port}"
    options = ("--allow-host", place, "--secret", f"API_KEY=MY_KEY@{place}")
    get = f"urllib.request.urlopen('http://{place}/plain?k=' + key).read().decode()"

    async def talk() -> None:
        async with servers.connected(mode, *options) as one:
            (tool,) = (await one.client.list_tools()).tools
            text = tool.description or ""
            assert "Secret API_KEY: os.environ['API_KEY'] is a placeholder" in text
            assert f"on its way to {place}" in text
            first = await one.call(
                f"import os, urllib.request\nkey = os.environ['API_KEY']\n[key, {get}]"
            )
        async with servers.connected(mode, *options) as one:
            second = await one.call(f"[os.environ['API_KEY'], {get}]", state=first.said["state"])
        for found in (first, second):
            placeholder, echoed = found.said["result"]
            assert placeholder.startswith("capsule-secret-")
            assert echoed == f"<{placeholder}>"
        assert first.said["result"] == second.said["result"]
        assert value not in json.dumps([first.said, second.said]) + str(tool)

    try:
        held(talk)
    finally:
        server.close()
    assert server.all_seen.count(f"k={value} ".encode()) == 2
    states = [path for path in servers.home.rglob("*.state") if path.is_file()]
    assert states
    assert not any(value.encode() in path.read_bytes() for path in states)


def test_output_is_bounded_and_says_so(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one:
            found = await one.call("for n in range(10_000): print(f'{n:09}')\nlist(range(9_000))")
            said = found.said
            assert len(said["stdout"]) < 17_000
            assert said["stdout"].startswith("000000000\n")
            assert said["stdout"].endswith("000009999\n")
            shown = sum(len(line) == 9 for line in said["stdout"].splitlines())
            left_out = 100_000 - 10 * shown
            assert f"[{left_out:,} bytes are left out here]" in said["stdout"]
            assert any(
                f"{left_out:,} bytes of output are left out" in note for note in said["notes"]
            )
            # A result that is as long is no result, but a text.
            assert said["result"] is None
            assert said["text"].startswith("[0, 1, 2")
            assert any("characters of JSON" in note for note in said["notes"])
            assert len(found.blocks[0].text) < 60_000

    held(talk)


def test_two_clients_at_once_share_nothing_but_states(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one, servers.connected(mode) as other:
            handles: dict[str, str] = {}

            async def begin(name: str, who: object) -> None:
                found = await who.call(f"me = {name!r}\nopen('me', 'w').write(me)")  # type: ignore[attr-defined]
                handles[name] = found.said["state"]

            async with anyio.create_task_group() as group:
                group.start_soon(begin, "one", one)
                group.start_soon(begin, "other", other)
            for name, who in (("one", one), ("other", other)):
                found = await who.call("[me, open('me').read()]", state=handles[name])
                assert found.said["result"] == [name, name]
            # Who is given a handle has the state.
            found = await other.call("me", state=handles["one"])
            assert found.said["result"] == "one"

    held(talk)


def test_a_cancelled_call_ends_its_sandbox(mode: str, servers: Servers, listener: Listener) -> None:
    async def talk() -> None:
        async with servers.connected(mode, "--allow-host", listener.place) as one:
            handle = (await one.call("x = 5")).said["state"]
            endless = f"{listener.get}\nwhile True: pass"
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: one.call(endless, state=handle))
                await to_thread.run_sync(listener.asked.wait, 60)
                running = [each for each in _sandboxes(one.process) if each.is_running()]
                assert running
                group.cancel_scope.cancel()
            gone, alive = await to_thread.run_sync(lambda: psutil.wait_procs(running, timeout=30))
            assert not alive, alive
            assert len(gone) == len(running)
            # The server goes on.
            assert (await one.call("x", state=handle)).said["result"] == 5

    held(talk)


def _sandboxes(server: psutil.Process) -> list[psutil.Process]:
    return [each for each in server.children(recursive=True) if "wasmtime" in each.name()]


def test_an_empty_machine_has_its_tools_at_once_and_calls_tell_why_they_wait(
    mode: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "toolchain").mkdir(0o700, parents=True)
    told: list[tuple[float, str | None]] = []

    async def talk() -> None:
        async with Servers(tmp_path, home).connected(mode) as one:
            assert [tool.name for tool in (await one.client.list_tools()).tools] == ["run_python"]
            async with anyio.create_task_group() as group:

                async def tell(progress: float, total: float | None, message: str | None) -> None:
                    told.append((progress, message))
                    group.cancel_scope.cancel()

                call = one.client.call_tool
                await call("run_python", {"code": "1"}, progress_callback=tell)
                pytest.fail("there is no toolchain")
            # Who has given up waiting keeps nobody else waiting, and the server ends all the same.
            assert (await one.client.list_tools()).tools
            one.process.terminate()
            assert await to_thread.run_sync(lambda: one.process.wait(30)) in {0, None}

    # Nothing is fetched: somebody else prepares it, and does not come to an end.
    with (home / "toolchain" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held(talk)
    (said,) = told
    assert said[1] == "another capsule is preparing what is needed here, waiting"


def test_wrong_arguments_are_told_to_the_model(mode: str, servers: Servers) -> None:
    async def talk() -> None:
        async with servers.connected(mode) as one:
            for arguments, words in (
                ({}, "code: None: Python source is needed"),
                ({"code": "1", "fils": {}}, "no argument 'fils'"),
                ({"code": "1", "files": {"a": 3}}, "files: 'a'"),
                ({"code": "1", "files": {"../a": "x"}}, "is no name of a file"),
                ({"code": "1", "files": {"a": {"base64": "?"}}}, "files: 'a'"),
                ({"code": "1", "state": 3}, "state: 3"),
            ):
                found = await one.client.call_tool("run_python", arguments)
                assert found.is_error
                assert words in found.content[0].text  # type: ignore[union-attr]

    held(talk)
