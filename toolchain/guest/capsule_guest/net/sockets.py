"""`_socket`, the module below `socket`: sockets that lead to HTTP servers, through the host."""

from __future__ import annotations

import errno
import os

from capsule_guest.net import name_resolution
from capsule_guest.net.connection import Connection, by_number
from capsule_guest.net.errors import unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# What this interpreter lacks, and clients name; the numbers are Linux's.
_CONSTANTS = {
    "AF_INET": 2, "AF_INET6": 10, "SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3, "SOL_SOCKET": 1,
    "SO_REUSEADDR": 2, "SO_TYPE": 3, "SO_ERROR": 4, "SO_BROADCAST": 6, "SO_SNDBUF": 7,
    "SO_RCVBUF": 8, "SO_KEEPALIVE": 9, "SO_OOBINLINE": 10, "SO_LINGER": 13, "SO_REUSEPORT": 15,
    "MSG_PEEK": 2, "MSG_DONTWAIT": 64, "MSG_NOSIGNAL": 16384, "TCP_NODELAY": 1, "TCP_KEEPIDLE": 4,
    "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 6, "SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2,
}  # fmt: skip
# The numbers that are in use, filled in when `_socket` is loaded: systems differ.
_values: dict[str, int] = {}


def _default_timeout() -> float | None:
    return None


class Socket:
    """The base of `socket.socket`."""

    __slots__ = ("_connection", "_family", "_proto", "_timeout", "_type")

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None) -> None:  # type: ignore[no-untyped-def] # noqa: A002
        self._family = _values["AF_INET"] if family == -1 else int(family)
        self._type = _values["SOCK_STREAM"] if type == -1 else int(type)
        self._proto = 0 if proto == -1 else int(proto)
        self._timeout: float | None = _default_timeout()
        if fileno is None:
            self._connection: Connection | None = Connection()
        else:
            self._connection = by_number(fileno)
            if self._connection is None:
                raise _bad()

    def _there(self) -> Connection:
        if self._connection is None:
            raise _bad()
        return self._connection

    def _patient(self) -> Connection:
        """Return the connection, with how long to wait; one that never waits has no way to say."""
        connection = self._there()
        connection.patience.seconds = self._timeout or None
        connection.blocking = self._timeout != 0
        return connection

    @property
    def family(self) -> int:
        return self._family

    @property
    def type(self) -> int:
        return self._type

    @property
    def proto(self) -> int:
        return self._proto

    @property
    def timeout(self) -> float | None:
        return self._timeout

    def fileno(self) -> int:
        return -1 if self._connection is None else self._connection.number

    def connect(self, address) -> None:  # type: ignore[no-untyped-def]
        if self.type & 15 != _values["SOCK_STREAM"]:
            raise unsupported("only HTTP over TCP is possible here")
        self._there().connect(*name_resolution.where(address))

    def connect_ex(self, address) -> int:  # type: ignore[no-untyped-def]
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def send(self, data, flags=0) -> int:  # type: ignore[no-untyped-def]
        return self._patient().send(data)

    def sendall(self, data, flags=0) -> None:  # type: ignore[no-untyped-def]
        self._patient().send(data)

    def recv(self, bufsize, flags=0) -> bytes:  # type: ignore[no-untyped-def]
        if bufsize < 0:
            raise ValueError("negative buffersize in recv")
        wait = self._timeout != 0 and not flags & _values["MSG_DONTWAIT"]
        peek = bool(flags & _values["MSG_PEEK"])
        return self._patient().receive(bufsize, wait=wait, peek=peek) if bufsize else b""

    def recv_into(self, buffer, nbytes=0, flags=0) -> int:  # type: ignore[no-untyped-def]
        with memoryview(buffer) as view, view.cast("B") as whole:
            data = self.recv(min(nbytes or len(whole), len(whole)), flags)
            whole[: len(data)] = data
        return len(data)

    def recvfrom(self, bufsize, flags=0):  # type: ignore[no-untyped-def]
        return self.recv(bufsize, flags), self.getpeername()

    def recvfrom_into(self, buffer, nbytes=0, flags=0):  # type: ignore[no-untyped-def]
        return self.recv_into(buffer, nbytes, flags), self.getpeername()

    def sendto(self, *args) -> int:  # type: ignore[no-untyped-def]
        raise unsupported("datagrams cannot be sent here, only HTTP requests")

    def bind(self, address) -> None:  # type: ignore[no-untyped-def]
        """Take an address to connect from, which is the host's to choose."""

    def listen(self, backlog=0) -> None:  # type: ignore[no-untyped-def]
        raise unsupported("nothing can be served here: no connection comes in")

    def _accept(self):  # type: ignore[no-untyped-def]
        self.listen()

    def getpeername(self) -> tuple[str, int]:
        peer = self._there().peer
        if peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return peer

    def getsockname(self) -> tuple[str, int]:
        self._there()
        return ("0.0.0.0", 0)  # noqa: S104 - nothing is bound

    def setsockopt(self, *args) -> None:  # type: ignore[no-untyped-def]
        """Take any option: how bytes travel is the host's to choose."""

    def getsockopt(self, level, option, size=0):  # type: ignore[no-untyped-def]
        asked = (level, option) == (_values["SOL_SOCKET"], _values["SO_TYPE"])
        return self.type if asked else bytes(size) if size else 0

    def gettimeout(self) -> float | None:
        return self._timeout

    def settimeout(self, value) -> None:  # type: ignore[no-untyped-def]
        value = None if value is None else float(value)
        if value is not None and not value >= 0:
            raise ValueError("Timeout value out of range")
        self._timeout = value

    def setblocking(self, flag) -> None:  # type: ignore[no-untyped-def]
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        return self._timeout != 0

    def shutdown(self, how) -> None:  # type: ignore[no-untyped-def]
        self.getpeername()
        if how != _values["SHUT_WR"]:
            self._there().end()

    def detach(self) -> int:
        number, self._connection = self.fileno(), None
        return number

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _bad() -> OSError:
    return OSError(errno.EBADF, os.strerror(errno.EBADF))


def _close(number: int) -> None:
    connection = by_number(number)
    if connection is None:
        raise _bad()
    connection.close()


def _dup(number: int) -> int:
    raise unsupported("a socket cannot be doubled here")


def fill(module: ModuleType) -> None:
    """Complete what the interpreter has of `_socket`."""
    global _default_timeout  # noqa: PLW0603 - the interpreter keeps it, in C
    for name, value in _CONSTANTS.items():
        _values[name] = module.__dict__.setdefault(name, value)
    _default_timeout = module.getdefaulttimeout
    vars(module).update(socket=Socket, SocketType=Socket, has_ipv6=False, close=_close, dup=_dup)
    # What would need a pair or a family of its own: `socket` looks for them by name.
    for name in ("socketpair", "AF_UNIX", "CMSG_LEN", "CMSG_SPACE", "sethostname"):
        vars(module).pop(name, None)
    name_resolution.fill(module)
