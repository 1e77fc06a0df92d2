"""An index that never answers: time limits hold while packages are fetched, and pip is ended."""

from __future__ import annotations

import json
import select
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

import capsule as sdk
from tests.integration.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SECONDS = 60
SOURCE = """# /// script
# dependencies = ["not-there"]
# ///
def main():
    return 1
"""


class Index:
    """A port of this machine where somebody listens and nobody answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(SECONDS)
        self.port = self._listener.getsockname()[1]

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PIP_INDEX_URL": f"http://127.0.0.1:{self.port}/simple",
            "UV_INDEX_URL": f"http://127.0.0.1:{self.port}/simple",
            "PIP_EXTRA_INDEX_URL": "",
            "PIP_NO_INDEX": "0",
            "PIP_RETRIES": "0",
            "PIP_TIMEOUT": str(SECONDS),
            "NO_PROXY": "127.0.0.1",
        }

    def asked(self) -> socket.socket:
        """Wait until a pip asks, and return its connection."""
        return self._listener.accept()[0]

    def close(self) -> None:
        self._listener.close()


def closed(connection: socket.socket) -> bool:
    """Wait for the end of a connection, which is that of the program, and say whether it came."""
    with connection:
        while select.select([connection], [], [], SECONDS)[0]:
            try:
                if connection.recv(1 << 16) == b"":
                    return True
            except ConnectionError:
                return True
    return False


@pytest.fixture
def index() -> Iterator[Index]:
    index = Index()
    yield index
    index.close()


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path, index: Index) -> Command:
    command = Command(tmp_path, toolchain_home)
    command.environ |= index.environ
    command.environ["CAPSULE_SOCKET"] = str(tmp_path / "s" / "w")
    command.write("slow.py", SOURCE)
    return command


def test_the_command(capsule: Command, index: Index) -> None:
    done = capsule("run", "slow.py", "--timeout", "500ms", "--json")
    assert done.code == 124
    envelope = json.loads(done.out)
    assert (envelope["success"], envelope["error"]["error_type"]) == (False, "timeout")
    assert "fetching packages took" in envelope["error"]["message"]
    assert "of 500 ms, --timeout 500ms: --timeout 5s allows 10x" in envelope["error"]["message"]
    shown = capsule("trace", "latest").out
    assert "timed out after" in shown
    assert "timed out after 0." not in shown


def test_a_limit_of_the_project(capsule: Command) -> None:
    capsule.write("capsule.toml", '[limits]\nrun_timeout = "500ms"\n')
    done = capsule("run", "slow.py", "--result")
    assert done.code == 124
    assert "run_timeout in [limits] of" in done.err


def test_a_limit_of_the_task(capsule: Command) -> None:
    capsule.write(
        "slow.py",
        SOURCE.replace("def main", 'from capsule import task\n@task(timeout="500ms")\ndef main'),
    )
    assert capsule("run", "slow.py").code == 124


def test_a_batch(capsule: Command) -> None:
    capsule.write("items", "[]\n[]\n")
    done = capsule("run", "slow.py", "--map", "items", "--timeout", "500ms")
    assert done.code == 124
    assert "fetching packages took" in done.err


def test_python(
    capsule: Command, index: Index, monkeypatch: pytest.MonkeyPatch, toolchain_home: Path
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    for name, value in index.environ.items():
        monkeypatch.setenv(name, value)
    file = capsule.folder / "slow.py"
    envelope = sdk.run_sync(file, limits={"timeout": "500ms"})
    assert envelope.error is not None
    assert envelope.error.error_type == "timeout"


def test_a_worker_answers_and_goes_on(capsule: Command) -> None:
    capsule.write("hello.py", "def main():\n    return 2\n")
    lines = [
        {"id": 1, "file": "slow.py", "limits": {"timeout": "500ms"}},
        {"id": 2, "file": "hello.py"},
    ]
    done = capsule("worker", stdin="".join(json.dumps(line) + "\n" for line in lines))
    answers = {answer["id"]: answer["output"] for answer in map(json.loads, done.out.splitlines())}
    assert answers[1]["error"]["error_type"] == "timeout"
    assert answers[2]["result"] == 2


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_pip_ends_with_capsule(capsule: Command, index: Index, end: str) -> None:
    with capsule.popen("run", "slow.py") as process:
        connection = index.asked()
        getattr(process, end)()
        process.communicate(timeout=SECONDS)
        assert closed(connection)


def test_other_files_go_on(capsule: Command, index: Index) -> None:
    """While one waits for the index, a file that needs nothing of it, and one that has all."""
    capsule.write("has.py", '# /// script\n# dependencies = ["six"]\n# ///\ndef main(): return 3\n')
    with capsule.popen("run", "slow.py", stdin=subprocess.DEVNULL) as process:
        connection = index.asked()
        assert capsule("run", "has.py", "--result").out == "3\n"
        assert process.poll() is None
        process.kill()
    assert closed(connection)
