"""The one parser of URLs: what it returns is what is checked, resolved and sent."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.services.http.failures import RefusedError

MAX_URL = 8192
PORTS = {"http": 80, "https": 443}

_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class Url(NamedTuple):
    """A URL in its parts; `host` is in lower case, an IPv6 address in its short form and brackets.

    `target` is the path and the query as they were written. There is no fragment.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Return what belongs into `Host`: the port only where it is not the scheme's own."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def place(self) -> str:
        """Return host and port, as messages name them."""
        return f"{self.host}:{self.port}"


def parse_url(text: str) -> Url:
    """Return the parts of an absolute URL.

    Raises `RefusedError` for what is not plainly one: user names, other schemes, other scripts
    than ASCII, addresses in unusual forms, and all that two parsers could read differently.

    >>> parse_url("HTTP://Example.com/a?b#c")
    Url(scheme='http', host='example.com', port=80, target='/a?b')
    """
    if len(text) > MAX_URL:
        raise RefusedError(f"the URL has more than {MAX_URL} characters")
    # The text itself may hold secrets, so no message repeats it.
    if not all("!" <= character <= "~" for character in text) or "\\" in text:
        raise RefusedError(
            "the URL has a space, a backslash, or a character that is not printable ASCII"
            " (encode it first)"
        )
    scheme, found, rest = text.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in PORTS:
        raise RefusedError("the URL does not start with http:// or https://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    host, port = _split_authority(rest[:end])
    target = rest[end:].partition("#")[0]
    if not target.startswith("/"):
        target = f"/{target}"
    return Url(
        scheme, parse_name(host), PORTS[scheme] if port is None else parse_port(port), target
    )


def _split_authority(authority: str) -> tuple[str, str | None]:
    if "@" in authority:
        raise RefusedError("the URL has a user name or a password; send a header instead")
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise RefusedError("the URL has an IPv6 address without its brackets")
        return host + bracket, rest[1:] if rest else None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def parse_port(port: str) -> int:
    """Return a port's number. Raises `RefusedError` for all but 1 to 65535 in plain digits."""
    plain = port.isascii() and port.isdigit() and port[0] != "0" and len(port) <= 5
    if not plain or int(port) > 65535:
        # What stands there may be a password whose host is missing.
        raise RefusedError("the URL's port is not a number from 1 to 65535")
    return int(port)


def parse_name(host: str) -> str:
    """Return a host in its one normal form. Raises `RefusedError` for what is not a host."""
    if host.startswith("["):
        try:
            # A zone ("%eth0") names an interface of one machine.
            return f"[{IPv6Address('' if '%' in host else host[1:-1])}]"
        except AddressValueError:
            raise RefusedError(f"{shown(host)} is not an IPv6 address") from None
    lower = host.lower()
    labels = lower.split(".")
    if len(lower) > _LONGEST_NAME or not all(_is_label(label) for label in labels):
        raise RefusedError(
            f"{shown(host)} is not a host name (letters, digits and hyphens, no dot at its end)"
        )
    # Resolvers read what ends in a number as an address: "127.1", "0x7f.1" and "2130706433" are
    # all loopback. Only the form that means one thing everywhere is let through.
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        try:
            return str(IPv4Address(lower))
        except AddressValueError:
            raise RefusedError(
                f"{shown(host)} is not an IPv4 address of four plain numbers"
            ) from None
    return lower


def is_address(host: str) -> bool:
    """Return whether a host in normal form is an address and not a name."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= _LONGEST_LABEL
        and label[0] != "-"
        and label[-1] != "-"
        and _LABEL.issuperset(label)
    )
