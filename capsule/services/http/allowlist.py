"""Which hosts and addresses the patterns of `allowed_hosts` let a request reach.

A pattern without a port admits every port, one with a port that one alone.

How far a pattern goes, once its host has been resolved:

- an address, written out: that address, whatever it is but an unspecified or a multicast one
- a name, written out: public and private addresses, but no link-local ones and no metadata service
- "*.localhost": as a name, for a name below localhost is always loopback
- "*.example.com" and "*": public addresses only

A ceiling is such a list too, and a request has to be within both: a task that names a host gets no
further with that name than the ceiling goes.
"""

from __future__ import annotations

from unicodedata import normalize

from capsule.namedtuples import NamedTuple
from capsule.policy.hosts import split_port
from capsule.services.http.addresses import Reach, reach_of
from capsule.services.http.failures import RefusedError
from capsule.services.http.urls import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from capsule.services.http.urls import Url

_SHOWN = 8
_PUBLIC_ONLY = '"*" and "*.name" mean public addresses only'

# Names that no public resolver answers for; behind a proxy they could be anything.
_INNER = frozenset(
    ("corp", "home", "home.arpa", "internal", "intranet", "lan", "local", "localdomain")
)


class Hosts(NamedTuple):
    """What a task may reach: its own patterns, within each of the ceilings."""

    patterns: tuple[str, ...]
    ceilings: tuple[tuple[str, ...], ...] = ()


def matches(url: Url, patterns: Iterable[str]) -> bool:
    """Return whether the host and port of a URL are among some patterns, in normal form."""
    return _reach(url, tuple(patterns)) is not None


def is_local(host: str) -> bool:
    """Return whether a name is localhost or below it."""
    return host == "localhost" or host.endswith(".localhost")


def allow(url: Url, patterns: Iterable[str], ceilings: Iterable[Iterable[str]] = ()) -> Reach:
    """Return how far a request may reach; `patterns` and `ceilings` are in normal form.

    Raises `RefusedError` when no pattern matches the host and port, or none lets the request reach
    the address that is written in the URL.
    """
    kept = tuple(patterns)
    reach = _reach(url, kept)
    if reach is None:
        known = f"{_listed(kept)}){_why(url, kept)}"
        raise RefusedError(f"{url.place} is not in allowed_hosts ({known}")
    for ceiling in ceilings:
        bounds = tuple(ceiling)
        most = _reach(url, bounds)
        if most is None:
            raise RefusedError(
                f"{url.place} is not within the allowed_hosts of [limits] ({_listed(bounds)})"
                f"{_why(url, bounds)}"
            )
        reach = min(reach, most)
    if is_address(url.host):
        check_addresses(url, reach, [url.host.strip("[]")])
    return reach


def check_addresses(url: Url, reach: Reach, addresses: Iterable[str]) -> None:
    """Raise `RefusedError` unless every one of `addresses` is within `reach`."""
    worst = max((reach_of(address) for address in addresses), default=Reach.PUBLIC)
    if worst <= reach:
        return
    # The address is not said: to a guest it would be news about the host's network.
    verb = "is" if is_address(url.host) else "resolves to"
    if worst is Reach.NEVER:
        raise RefusedError(f"{url.place} {verb} an address that is no single host's")
    if worst is Reach.LITERAL:
        raise RefusedError(
            f"{url.place} {verb} a link-local address or a metadata service, which is not in"
            " allowed_hosts: such an address must be named there itself"
        )
    raise RefusedError(
        f"{url.place} {verb} an address that is not public, and is not in allowed_hosts by its"
        f" own name, or not in those of [limits]: {_PUBLIC_ONLY}"
    )


def check_unresolved(url: Url, reach: Reach) -> None:
    """Raise `RefusedError` for a name that is plainly not public, where a proxy will resolve it."""
    if reach is not Reach.PUBLIC or is_address(url.host):
        return
    inner = any(url.host == name or url.host.endswith(f".{name}") for name in _INNER)
    if inner or "." not in url.host:
        raise RefusedError(
            f"{url.place} is not a public name, and is not in allowed_hosts by its own name"
        )


def _reach(url: Url, patterns: tuple[str, ...]) -> Reach | None:
    """Return how far the patterns that match let a request reach, None when none matches."""
    found = [
        reach
        for pattern in patterns
        if _has_port(pattern, url) and (reach := _reach_by(pattern, url)) is not None
    ]
    return max(found, default=None)


def _has_port(pattern: str, url: Url) -> bool:
    port = split_port(pattern)[1]
    return port is None or url.port == int(port)


def _reach_by(pattern: str, url: Url) -> Reach | None:
    host = _ascii(split_port(pattern)[0])
    if host == url.host:
        return Reach.LITERAL if is_address(host) else Reach.PRIVATE
    if host == "*":
        return None if is_local(url.host) else Reach.PUBLIC
    # An address has no subdomains: parse_host refuses "*." in front of one.
    if host.startswith("*.") and url.host.endswith(host[1:]) and not is_address(url.host):
        return Reach.PRIVATE if is_local(host[2:]) else Reach.PUBLIC
    return None


def _ascii(host: str) -> str:
    """Return a pattern's host as URLs write it.

    For a label that may be registered this is its IDNA 2008 form; what may not matches nothing.
    """
    if host.isascii():
        return host
    labels = normalize("NFC", host).split(".")
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        for label in labels
    )


def _why(url: Url, patterns: tuple[str, ...]) -> str:
    """Return what has to be said where a `*` seems to let the request through."""
    starred = any(split_port(pattern)[0] == "*" and _has_port(pattern, url) for pattern in patterns)
    if not (starred and is_local(url.host)):
        return ""
    return f": {_PUBLIC_ONLY}, and {url.host} is this machine, which must be named"


def _listed(patterns: tuple[str, ...]) -> str:
    if not patterns:
        return "it is empty"
    more = f" and {len(patterns) - _SHOWN} more" if len(patterns) > _SHOWN else ""
    return "allowed: " + ", ".join(patterns[:_SHOWN]) + more
