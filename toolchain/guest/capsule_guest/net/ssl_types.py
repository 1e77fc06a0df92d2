"""The exceptions and small objects that `ssl` takes from `_ssl`."""

from __future__ import annotations


class SSLError(OSError):
    """An error of TLS."""

    library = None
    reason = None

    def __str__(self) -> str:
        return str(self.strerror or (self.args[0] if self.args else ""))


class SSLZeroReturnError(SSLError):
    """The connection was closed in order."""


class SSLWantReadError(SSLError):
    """More must be read first."""


class SSLWantWriteError(SSLError):
    """More must be written first."""


class SSLSyscallError(SSLError):
    """A call to the system failed."""


class SSLEOFError(SSLError):
    """The connection was closed without order."""


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate is not valid."""

    verify_code = 0
    verify_message = ""


class SSLSession:
    """A session that could be taken up again; there are none."""


class MemoryBIO:
    """Bytes in memory, for TLS without a socket, of which nothing here makes use."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False

    @property
    def pending(self) -> int:
        return len(self._data)

    @property
    def eof(self) -> bool:
        return self._ended and not self._data

    def read(self, size: int = -1) -> bytes:
        end = len(self._data) if size < 0 else size
        data = bytes(self._data[:end])
        del self._data[:end]
        return data

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        self._data += data
        return len(data)

    def write_eof(self) -> None:
        self._ended = True


def txt2obj(text: str, name: bool = False):  # type: ignore[no-untyped-def]
    for known in _OBJECTS:
        if text in known[1:3] if name else text == known[3]:
            return known
    raise ValueError(f"unknown object {text[:100]!r}")


def nid2obj(number: int):  # type: ignore[no-untyped-def]
    for known in _OBJECTS:
        if number == known[0]:
            return known
    raise ValueError(f"unknown NID {number}")


_OBJECTS = (
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
)

_ERRORS = (
    SSLError, SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError,
    SSLCertVerificationError,
)  # fmt: skip
for _error in _ERRORS:
    _error.__module__ = "ssl"
KINDS = (*_ERRORS, SSLSession, MemoryBIO)
