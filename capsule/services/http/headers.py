"""The headers of a request: what a guest may say, and what the host says itself.

The host frames the body: what the guest says about that is checked and then said anew.
"""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.services.http.failures import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capsule.services.http.urls import Url

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_HEADERS = 100
MAX_BYTES = 64 << 10

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# Of one connection, and the host's connections are its own.
_DROPPED = frozenset(
    ("connection", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer")
)
_FRAMING = frozenset(("content-length", "transfer-encoding"))
# What the guest's client needs no more: bodies reach it without their framing.
_UNSAID = frozenset(("connection", "keep-alive", "trailer", "transfer-encoding", "upgrade"))


class Sent(NamedTuple):
    """The checked headers of a request, without those of framing.

    `length` is the size of the body in bytes, None when it is not known; `body` is whether the
    guest said that there is one.
    """

    headers: tuple[tuple[str, str], ...]
    length: int | None
    body: bool


def check_method(method: str) -> str:
    """Return the method. Raises `RefusedError` for one that is not in `METHODS`."""
    if method not in METHODS:
        raise RefusedError(f"the method is not one of {', '.join(METHODS)}")
    return method


def check_headers(url: Url, headers: Sequence[tuple[str, str]]) -> Sent:
    """Return the headers that are sent on.

    Raises `RefusedError` for a name or value that is malformed, for too many of them, and for
    headers that contradict the URL or each other.
    """
    if len(headers) > MAX_HEADERS:
        raise RefusedError(f"there are more than {MAX_HEADERS} headers")
    if sum(len(name) + len(value) for name, value in headers) > MAX_BYTES:
        raise RefusedError(f"the headers have more than {MAX_BYTES >> 10} KiB")
    kept: list[tuple[str, str]] = []
    framing: dict[str, str] = {}
    hosts = 0
    for name, raw in headers:
        if not name or not _TOKEN.issuperset(name):
            # It may be a whole line, with the value in it, so it is not repeated.
            raise RefusedError("the name of a header is not one: letters, digits and hyphens are")
        value = _check_value(name, raw)
        lower = name.lower()
        if lower in _FRAMING:
            if lower in framing:
                raise RefusedError(f"the header {name} is there twice")
            framing[lower] = value
        elif lower == "host":
            hosts += 1
            _check_host(url, value, hosts)
        elif lower == "connection":
            _check_connection(value)
        elif lower == "upgrade" or (lower.startswith("proxy-") and lower not in _DROPPED):
            raise RefusedError(f"the header {name} is not the guest's to send")
        if lower not in _DROPPED | _FRAMING:
            kept.append((name, value))
    length = _length(framing)
    return Sent(tuple(kept), length, bool(length) or "transfer-encoding" in framing)


def framed(url: Url, method: str, sent: Sent, *, body: bool) -> list[tuple[bytes, bytes]]:
    """Return the headers as they go out: the host's own, the guest's, and those of framing."""
    lines = [("Host", url.authority), *sent.headers]
    if sent.length is not None:
        lines.append(("Content-Length", str(sent.length)))
    elif body or sent.body:
        lines.append(("Transfer-Encoding", "chunked"))
    elif method in {"POST", "PUT", "PATCH"}:
        lines.append(("Content-Length", "0"))
    # A connection serves one exchange: what is left on it can never become part of another.
    lines.append(("Connection", "close"))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in lines]


def received(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return a response's headers without those of its connection and its framing."""
    lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    chunked = any(name.lower() == "transfer-encoding" for name, _ in lines)
    return [
        (name, value)
        for name, value in lines
        if name.lower() not in _UNSAID
        and not name.lower().startswith("proxy-")
        # Beside chunks a length says nothing true.
        and not (chunked and name.lower() == "content-length")
    ]


def _check_value(name: str, value: str) -> str:
    # Other control characters have no use, and some servers end a line at them.
    if any((c < " " and c != "\t") or c == "\x7f" or c > "\xff" for c in value):
        raise RefusedError(
            f"the header {name} has a line break, a control character, or one outside of latin-1"
        )
    return value.strip(" \t")


def _check_host(url: Url, value: str, hosts: int) -> None:
    if hosts > 1 or value.lower() not in {url.authority, url.place}:
        raise RefusedError("the header Host is not the host of the URL, or is there twice")


def _check_connection(value: str) -> None:
    if any(part.strip().lower() not in {"", "close", "keep-alive"} for part in value.split(",")):
        raise RefusedError("the header Connection names more than close or keep-alive")


def _length(framing: dict[str, str]) -> int | None:
    length = framing.get("content-length")
    coding = framing.get("transfer-encoding")
    if coding is not None and (coding.lower() != "chunked" or length is not None):
        raise RefusedError(
            "the header Transfer-Encoding is not just chunked, or is there beside Content-Length"
        )
    if length is None:
        return None
    if not (length.isascii() and length.isdigit() and len(length) <= 18):
        raise RefusedError("the header Content-Length is not a number")
    return int(length)
