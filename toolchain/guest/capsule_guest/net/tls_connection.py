"""Connections over TLS, which the host does: to it, they are the same ones, noted as HTTPS."""

from __future__ import annotations

from capsule_guest.net.connection import SECURE
from capsule_guest.net.errors import unsupported
from capsule_guest.net.ssl_constants import NUMBERS
from capsule_guest.net.ssl_types import SSLWantReadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from capsule_guest.net.ssl_types import MemoryBIO

    class Context(Protocol):
        """What a connection needs of the `ssl.SSLContext` that it was made by."""

        @property
        def verify_mode(self) -> int: ...


CIPHER = ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
_NONE = NUMBERS["CERT_NONE"]


def _nothing_yet() -> SSLWantReadError:
    return SSLWantReadError(NUMBERS["SSL_ERROR_WANT_READ"], "The operation did not complete")


class _TlsState:
    """What is said of a connection over TLS."""

    session = None
    session_reused = False
    server_side = False

    def __init__(self, context: Context, server_hostname: str | None) -> None:
        self.context = context
        self.server_hostname = server_hostname

    def getpeercert(self, binary_form: bool = False):  # type: ignore[no-untyped-def]
        """Return what the host has checked: that the name is the server's. Bytes there are none."""
        if binary_form:
            return None
        name = self.server_hostname
        if self.context.verify_mode == _NONE or not name:
            return {}
        kind = "IP Address" if ":" in name or name.replace(".", "").isdigit() else "DNS"
        return {"subject": ((("commonName", name),),), "subjectAltName": ((kind, name),)}

    def get_verified_chain(self) -> list:
        return []

    get_unverified_chain = get_verified_chain

    def selected_alpn_protocol(self) -> None:
        return None

    def cipher(self) -> tuple[str, str, int]:
        return CIPHER

    def group(self) -> None:
        return None

    def shared_ciphers(self) -> list:
        return [CIPHER]

    def compression(self) -> None:
        return None

    def version(self) -> str:
        return "TLSv1.3"

    def get_channel_binding(self, kind: str = "tls-unique") -> None:
        return None

    def verify_client_post_handshake(self) -> None:
        raise unsupported("TLS is done by the host")


class TlsConnection(_TlsState):
    """What `ssl.SSLSocket` reads from and writes to."""

    def __init__(self, context: Context, sock, server_hostname: str | None) -> None:  # type: ignore[no-untyped-def]
        super().__init__(context, server_hostname)
        self._sock = sock
        self._connection = sock._there()
        self._connection.secure = True

    def do_handshake(self) -> None:
        """Do nothing: the host shakes hands when there is a request."""

    def read(self, size: int = 1024, buffer=None):  # type: ignore[no-untyped-def]
        most = size if buffer is None else min(size or len(buffer), len(buffer))
        if not most:
            return b"" if buffer is None else 0
        if self._sock.gettimeout() == 0 and not self._connection.readable():
            raise _nothing_yet()
        return _given(self._patient().receive(most), buffer)

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        return self._patient().send(data)  # type: ignore[no-any-return]

    def _patient(self):  # type: ignore[no-untyped-def]
        self._connection.patience.seconds = self._sock.gettimeout() or None
        return self._connection

    def pending(self) -> int:
        return self._connection.pending()  # type: ignore[no-any-return]

    def shutdown(self):  # type: ignore[no-untyped-def]
        return self._sock


class TlsBuffers(_TlsState):
    """What `ssl.SSLObject` reads from and writes to: asyncio carries the bytes to a socket.

    Nobody here knows that socket; so a mark goes ahead of all bytes, and tells it.
    """

    def __init__(
        self,
        context: Context,
        incoming: MemoryBIO,
        outgoing: MemoryBIO,
        server_hostname: str | None,
    ) -> None:
        super().__init__(context, server_hostname)
        self._incoming, self._outgoing = incoming, outgoing
        self._marked = False

    def do_handshake(self) -> None:
        if not self._marked:
            self._marked = True
            self._outgoing.write(SECURE)

    def read(self, size: int = 1024, buffer=None):  # type: ignore[no-untyped-def]
        most = size if buffer is None else min(size or len(buffer), len(buffer))
        if most and not self._incoming.pending and not self._incoming.eof:
            raise _nothing_yet()
        return _given(self._incoming.read(most), buffer)

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        return self._outgoing.write(data)

    def pending(self) -> int:
        return self._incoming.pending

    def shutdown(self) -> None:
        """Do nothing: the socket is closed next."""


def _given(data: bytes, buffer):  # type: ignore[no-untyped-def]
    if buffer is None:
        return data
    buffer[: len(data)] = data
    return len(data)
