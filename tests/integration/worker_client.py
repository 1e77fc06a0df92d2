"""A program that talks to `capsule worker` in lines, on its streams or on a socket."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.command import Command

SECONDS = 60


class Client:
    """Writes lines and reads them; `earlier` are those that were read on the way to an answer.

    `pid` is that of the worker, and `hang_up` says that no more lines come.
    """

    def __init__(
        self, writer: IO[bytes], reader: IO[bytes], pid: int, hang_up: Callable[[], None]
    ) -> None:
        self.writer, self.reader, self.pid, self.hang_up = writer, reader, pid, hang_up
        self.earlier: list[dict[str, Any]] = []

    def send(self, *lines: object) -> None:
        for line in lines:
            data = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            self.writer.write(data)
        self.writer.flush()

    def line(self) -> dict[str, Any]:
        data = self.reader.readline()
        assert data, "the worker said nothing more"
        found: dict[str, Any] = json.loads(data)
        return found

    def next(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not fits(line := self.line()):
            self.earlier.append(line)
        return line

    def answer(self, identity: object) -> dict[str, Any]:
        return self.next(
            lambda line: line.get("id", line) == identity and not {"stream", "call"} & line.keys()
        )

    def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer."""
        self.send(line)
        return self.answer(line["id"])

    def open(self, identity: object = "open", /, **options: Any) -> str:
        """Open a session and return its name."""
        answer = self.ask({"id": identity, "open": {"timeout": "20s", **options}})
        assert "session" in answer, answer
        name: str = answer["session"]
        return name

    def result(self, session: str, code: str) -> Any:
        """Run a turn and return what it gave."""
        answer = self.ask({"id": f"turn of {session}", "session": session, "code": code})
        assert answer["output"]["success"], answer
        return answer["output"]["result"]

    def rest(self) -> list[dict[str, Any]]:
        """Say that no more lines come, and return all that are said still."""
        self.hang_up()
        return [json.loads(line) for line in self.reader]

    def sandboxes(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)


@contextmanager
def on_streams(capsule: Command, *words: str) -> Iterator[Client]:
    """Talk to a worker on its own streams, and see it end by itself behind the last line."""
    process = capsule.popen("worker", *words, stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    client = Client(process.stdin, process.stdout, process.pid, process.stdin.close)
    try:
        yield client
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait(SECONDS)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


@contextmanager
def listening(capsule: Command, *words: str) -> Iterator[tuple[str, int]]:
    """Have a worker listen at a socket; give its path, and the worker's number."""
    path = str(capsule.folder / "sock")
    process = capsule.popen("worker", "--socket", path, *words)
    assert process.stderr is not None
    said = process.stderr.readline()
    assert said.startswith(b"capsule: listening at "), said + process.stderr.read()
    try:
        yield path, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
        assert err == b""


@contextmanager
def connected(path: str, pid: int) -> Iterator[Client]:
    """Talk to a worker that listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(path)
        with connection.makefile("wb") as writer, connection.makefile("rb") as reader:
            yield Client(writer, reader, pid, lambda: connection.shutdown(socket.SHUT_WR))


@contextmanager
def on_socket(capsule: Command, *words: str) -> Iterator[Client]:
    """Talk to a worker over a socket."""
    with listening(capsule, *words) as (path, pid), connected(path, pid) as client:
        yield client


FORMS = {"streams": on_streams, "socket": on_socket}
