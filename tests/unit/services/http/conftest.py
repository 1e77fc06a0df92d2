"""Servers on loopback whose every byte a test decides, and a broker to ask them with."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Protocol

import pytest
import trustme

from capsule.services.http.allowlist import Hosts
from capsule.services.http.broker import Broker
from capsule.services.http.limits import Limits

if TYPE_CHECKING:
    import ssl

    from capsule.policy.secret_rules import Secret
    from capsule.services.http.request_log import RequestLog

Handler = Callable[["Peer"], None]


class Peer:
    """The server's end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.rest = b""

    def head(self) -> bytes:
        """Return the head of a request, with its empty line; b"" when there is none."""
        while b"\r\n\r\n" not in self.rest:
            data = self.socket.recv(65536)
            if not data:
                return b""
            self.rest += data
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def until(self, end: bytes) -> bytes:
        """Return all up to and with `end`."""
        while end not in self.rest:
            data = self.socket.recv(65536)
            if not data:
                break
            self.rest += data
        found, mark, self.rest = self.rest.partition(end)
        return found + mark

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK") -> None:
        lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
        self.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def wait_for_end(self) -> None:
        """Return once the other side has closed."""
        while self.socket.recv(65536):
            pass


def answering(
    body: bytes = b"ok",
    *headers: bytes,
    heads: list[bytes] | None = None,
    status: bytes = b"200 OK",
) -> Callable[[Peer], None]:
    """Return a handler that answers one request, and keeps its head in `heads`."""

    def handler(peer: Peer) -> None:
        head = peer.head()
        if heads is not None:
            heads.append(head)
        peer.answer(body, *headers, status=status)

    return handler


def sending(data: bytes) -> Callable[[Peer], None]:
    """Return a handler that sends bytes after a request's head, and closes."""

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(data)

    return handler


def whole(broker: Broker, exchange: int, most: int = 65536) -> bytes:
    """Return the rest of a body."""
    return b"".join(iter(lambda: broker.read(exchange, most), b""))


def ask(broker: Broker, exchange: int) -> bytes:
    """Return the whole body of an answer."""
    broker.answer(exchange)
    return whole(broker, exchange)


class Server:
    """A listening socket; each connection is handed to `handler`, in a thread of its own."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port: int = self.listener.getsockname()[1]
        self.handler = handler
        self.context = context
        self.connections: list[socket.socket] = []
        self.peers: list[str] = []
        self.threads: list[Thread] = []
        self.thread = Thread(target=self._accept)
        self.thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self.listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            self.peers.append(address[0])
            self.connections.append(connection)
            thread = Thread(target=self._serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # A client that goes away is what many of these tests are about.
        with contextlib.suppress(OSError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            self.handler(Peer(connection))
        connection.close()

    def close(self) -> None:
        if self.listener.fileno() == -1:
            return
        # It wakes who waits for the next; on Windows it is an error, and closing does that.
        if os.name != "nt":
            self.listener.shutdown(socket.SHUT_RDWR)
            self.thread.join(10)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        for connection in self.connections:
            connection.close()


class Serve(Protocol):
    def __call__(
        self, handler: Handler, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> Server: ...


class MakeBroker(Protocol):
    def __call__(
        self,
        *allowed: str,
        environ: dict[str, str] | None = None,
        limits: Limits | None = None,
        look: Callable[[str, int], list[str]] | None = None,
        ceiling: tuple[str, ...] | None = None,
        ledger: RequestLog | None = None,
        secrets: Sequence[Secret] = (),
    ) -> Broker: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def make(
        handler: Handler, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> Server:
        servers.append(Server(handler, context, host))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def no_look(host: str, port: int) -> list[str]:
    """Stand in for the resolver where no name may be asked for."""
    raise AssertionError(f"{host}:{port} was looked up")


@pytest.fixture
def broker() -> Iterator[MakeBroker]:
    brokers: list[Broker] = []

    def make(
        *allowed: str,
        environ: dict[str, str] | None = None,
        limits: Limits | None = None,
        look: Callable[[str, int], list[str]] | None = None,
        ceiling: tuple[str, ...] | None = None,
        ledger: RequestLog | None = None,
        secrets: Sequence[Secret] = (),
    ) -> Broker:
        hosts, look = Hosts(allowed, () if ceiling is None else (ceiling,)), look or no_look
        made = Broker(
            hosts,
            environ or {},
            limits or Limits(),
            ledger=ledger,
            look=look,
            secrets=secrets,
        )
        brokers.append(made)
        return brokers[-1]

    yield make
    for one in brokers:
        exchanges = [*one._exchanges.values(), *one._workers]
        one.close()
        for exchange in exchanges:
            # Nothing outlives a broker: no thread, no connection.
            assert not exchange.worker.is_alive()
            connection = exchange._line._socket
            assert connection is None or connection.fileno() == -1


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()
