"""Names to addresses, once per exchange."""

from __future__ import annotations

import socket

from capsule.services.http.allowlist import is_local
from capsule.services.http.failures import FailedError
from capsule.services.http.urls import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Every one is checked, and tried in turn when those before it do not answer.
MAX_ADDRESSES = 8


def lookup(host: str, port: int) -> list[str]:
    """Return the addresses of a name as the system's resolver gives them. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


def addresses_of(host: str, port: int, look: Callable[[str, int], list[str]]) -> list[str]:
    """Return the addresses, at most eight, that a host in normal form stands for.

    Raises `FailedError` when there are none.
    """
    if is_address(host):
        return [host.strip("[]")]
    if is_local(host):
        # RFC 6761: such names are loopback, and no resolver is asked for them.
        return ["127.0.0.1", "::1"]
    try:
        found = look(host, port)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise FailedError(f"{host} has no address: its name cannot be resolved")
    return list(dict.fromkeys(found))[:MAX_ADDRESSES]
