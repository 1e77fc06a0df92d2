"""The hosts that a task may reach: how they are written, and which pattern covers which.

Names in other scripts than Latin stay as they are written, in lower case; whoever resolves them
encodes them.
"""

from __future__ import annotations

from capsule.message_text import shown
from capsule.policy.invalid_value import InvalidValueError

MAX_HOSTS = 256

_FORMS = (
    '"api.example.com" (on any port), "*.example.com" (every subdomain), "localhost:8080", an IPv4'
    ' address, "[::1]:8080", or "*" (every public address); no scheme, no path'
)
_LONGEST_NAME = 253
_LONGEST_LABEL = 63


def parse_host(value: object) -> str:
    """Return a pattern of hosts in its one normal form: lower case, addresses compressed.

    >>> parse_host("API.example.com:8443"), parse_host("[0:0::1]:80")
    ('api.example.com:8443', '[::1]:80')
    """
    if not isinstance(value, str) or not value:
        raise InvalidValueError(shown(value), "is not a host", _FORMS)
    _refuse_url(value)
    host, port = split_port(value)
    if port is not None:
        _check_port(value, port)
    if host.startswith("["):
        normal = _normal_ipv6(value, host)
    elif host == "*":
        normal = host
    else:
        wild = host.startswith("*.")
        normal = ("*." if wild else "") + _normal_name(value, host[2:] if wild else host, wild=wild)
    return normal if port is None else f"{normal}:{port}"


def split_port(pattern: str) -> tuple[str, str | None]:
    """Split a pattern into its host and its port, if it has one.

    >>> split_port("localhost:8080"), split_port("[::1]"), split_port("*")
    (('localhost', '8080'), ('[::1]', None), ('*', None))
    """
    head, colon, port = pattern.rpartition(":")
    if not colon or (pattern.startswith("[") and pattern.endswith("]")):
        return pattern, None
    return head, port


def covers(outer: str, inner: str) -> bool:
    """Return whether every host and port that `inner` matches is matched by `outer` too.

    Both are in normal form. Without a port, a pattern reaches every one. `*` means public
    addresses, so it covers no name or address that plainly is not one.

    >>> covers("*.example.com", "api.example.com:8443"), covers("*.example.com", "example.com")
    (True, False)
    """
    outer_host, outer_port = split_port(outer)
    inner_host, inner_port = split_port(inner)
    if outer_port not in (None, inner_port):
        return False
    if outer_host == inner_host:
        return True
    if outer_host == "*":
        return not is_private(inner_host)
    # "*.a.example.com" ends with ".example.com" as well, so one rule serves both kinds.
    return outer_host.startswith("*.") and inner_host.endswith(outer_host[1:])


def _refuse_url(value: str) -> None:
    scheme, found, rest = value.partition("://")
    if found:
        host = rest.partition("/")[0].rpartition("@")[2]
        raise InvalidValueError(
            shown(value),
            f"is a URL (it has the scheme {shown(scheme)})",
            _FORMS,
            hint=shown(host) if host else None,
        )
    for mark, name in (
        ("/", "a path"),
        ("@", "a user name"),
        ("?", "a query"),
        ("#", "a fragment"),
    ):
        if mark in value:
            raise InvalidValueError(shown(value), f"has {name}", _FORMS)


def _check_port(value: str, port: str) -> None:
    digits = port.isascii() and port.isdigit() and port[0] != "0" and len(port) <= 5
    if not digits or int(port) > 65535:
        hint = shown(f"[{value}]") if value.count(":") > 1 and value[0] != "[" else None
        raise InvalidValueError(
            shown(value), f"has the port {shown(port)}", "ports from 1 to 65535", hint=hint
        )
    if value.count(":") > 1 and value[0] != "[":
        raise InvalidValueError(
            shown(value), "has more than one colon", _FORMS, hint=shown(f"[{value}]")
        )


def _normal_ipv6(value: str, host: str) -> str:
    # ipaddress is imported where it is needed: few tasks name an address.
    from ipaddress import AddressValueError, IPv6Address

    # A zone ("%eth0") names an interface of one machine.
    address = host[1:-1] if host[-1] == "]" and "%" not in host else ""
    try:
        return f"[{IPv6Address(address)}]"
    except AddressValueError:
        raise InvalidValueError(shown(value), "is not an IPv6 address", _FORMS) from None


def _normal_name(value: str, name: str, *, wild: bool) -> str:
    lower = name.lower()
    labels = lower.split(".")
    if len(lower) > _LONGEST_NAME or not all(_is_label(label) for label in labels):
        raise InvalidValueError(shown(value), "is not a host", _FORMS)
    # What ends in a number is an address to every resolver: "127.1" and "0x7f.1" are loopback.
    last = labels[-1]
    if last.isdigit() or last.startswith("0x"):
        from ipaddress import AddressValueError, IPv4Address

        try:
            # No address is below another, so "*." in front of one means nothing.
            return str(IPv4Address("" if wild else lower))
        except AddressValueError:
            raise InvalidValueError(
                shown(value), "is not an IPv4 address", f"four numbers with dots, or {_FORMS}"
            ) from None
    return lower


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= _LONGEST_LABEL
        and label[0] != "-"
        and label[-1] != "-"
        and all(character.isalnum() or character in "-_" for character in label)
    )


def is_private(host: str) -> bool:
    """Return whether a host in normal form plainly is no public address.

    >>> is_private("localhost"), is_private("10.0.0.1"), is_private("example.com")
    (True, True, False)
    """
    name = host.removeprefix("*.")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if not (host.startswith("[") or host.rpartition(".")[2].isdigit()):
        return False
    from ipaddress import ip_address

    return not ip_address(host.strip("[]")).is_global
