"""One connection of httpcore's: to addresses that were checked, within a time, and cut at will."""

from __future__ import annotations

import contextlib
import socket
import time
from threading import Lock

import httpcore

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from typing import Any

    from capsule.services.http.limits import Limits


def dial(connection: socket.socket, address: str, port: int) -> None:
    """Connect a socket to exactly `address`. Raises `OSError`."""
    connection.connect((address, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class PinnedConnection(httpcore.NetworkBackend, httpcore.NetworkStream):
    """The one connection of an exchange, as httpcore's backend and as its stream.

    Addresses are given, never looked up. `deadline` is in seconds of the monotonic clock, and no
    call waits past it. `cut` may be called from any thread; all else is for the one that uses it.
    """

    def __init__(self, limits: Limits, deadline: float) -> None:
        self._limits = limits
        # The longest silence from now on, in seconds: a guest may care to wait for less.
        self.idle = limits.idle
        self._deadline = deadline
        self._addresses: tuple[str, ...] = ()
        self._socket: socket.socket | None = None
        self._lock = Lock()
        self._cut = False
        # How much may still come before the head of the response is whole; None behind it.
        self._head_left: int | None = limits.head
        # What the socket said last: httpcore's own errors lose their causes.
        self.problem: Exception | None = None

    def pin(self, addresses: Iterable[str]) -> None:
        """Set the addresses that `connect_tcp` uses."""
        self._addresses = tuple(addresses)

    def has_head(self) -> None:
        """Take that the head of the response is whole: what comes now is bounded as its body."""
        self._head_left = None

    @property
    def is_late(self) -> bool:
        """Return whether the whole time of the exchange is over."""
        return time.monotonic() >= self._deadline

    def cut(self) -> None:
        """End whatever another thread waits for on this connection, now."""
        with self._lock:
            self._cut = True
            if self._socket is not None:
                _shut(self._socket)

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name is for TLS; the addresses are pinned
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Connect to the first of the pinned addresses that answers."""
        end = min(self._deadline, time.monotonic() + self._limits.connect)
        for at, address in enumerate(self._addresses):
            left = (end - time.monotonic()) / (len(self._addresses) - at)
            if left <= 0 or self._cut:
                break
            # create_connection would resolve; a socket of the address's family does not.
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                connection = socket.socket(family, socket.SOCK_STREAM)
                connection.settimeout(left)
                self._keep(connection)
                dial(connection, address, port)
            except OSError as error:
                self.problem = error
                self._drop()
            else:
                self._check_cut(httpcore.ConnectError)
                return self
        if isinstance(self.problem, TimeoutError) or time.monotonic() >= end:
            raise httpcore.ConnectTimeout
        raise httpcore.ConnectError

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Turn the connection into TLS with `server_hostname`, which the certificate must bear."""
        plain = self._open()
        name = (server_hostname or "").strip("[]")
        try:
            plain.settimeout(self._patience(self._limits.connect))
            with self._lock:
                secure = ssl_context.wrap_socket(
                    plain, server_hostname=name, do_handshake_on_connect=False
                )
                self._socket = secure
            self._check_cut(httpcore.ConnectError)
            # One timeout for the whole of the handshake, however many reads it takes.
            secure.do_handshake()
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OSError, ValueError) as error:
            self.problem = error
            raise httpcore.ConnectError from error
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Return the next bytes, b"" at the end of the stream."""
        try:
            connection = self._open()
            connection.settimeout(self._patience(self.idle))
            data = connection.recv(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        except (OSError, ValueError) as error:
            self.problem = error
            raise httpcore.ReadError from error
        # A connection that was cut looks like one that the other side closed.
        self._check_cut(httpcore.ReadError)
        if self._head_left is not None:
            self._head_left -= len(data)
            if self._head_left < 0:
                raise httpcore.RemoteProtocolError("too much before the response")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Send all of `buffer`."""
        view = memoryview(buffer)
        try:
            connection = self._open()
            while view:
                connection.settimeout(self._patience(self.idle))
                view = view[connection.send(view) :]
        except TimeoutError:
            raise httpcore.WriteTimeout from None
        except (OSError, ValueError) as error:
            self.problem = error
            raise httpcore.WriteError from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._cut = True
        self._drop()

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002
        """Return nothing: httpcore asks only about HTTP/2 and idle connections."""
        return None

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._socket = connection
            if self._cut:
                connection.close()
        self._check_cut(httpcore.ConnectError)

    def _drop(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise OSError("not connected")
        return self._socket

    def _patience(self, most: float) -> float:
        left = min(most, self._deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left

    def _check_cut(self, error: type[Exception]) -> None:
        if self._cut:
            raise error


def _shut(connection: socket.socket) -> None:
    # The plain socket's own: that of TLS would change state under the thread that reads. One that
    # is not connected has nobody who waits for its data.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
