"""The proxies that the host's environment names.

Through a proxy the host resolves nothing: the proxy gets the name, and which address it uses is
its own decision. So names are checked against the patterns, and addresses that stand in the URL
by themselves; that a name's address is public cannot be checked, and nothing can be pinned.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from capsule.namedtuples import NamedTuple
from capsule.services.http.allowlist import is_local
from capsule.services.http.failures import FailedError
from capsule.services.http.urls import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.services.http.urls import Url


class Proxy(NamedTuple):
    """Where a proxy listens, and the user and password that it wants, if any."""

    host: str
    port: int
    login: tuple[str, str] | None

    def __repr__(self) -> str:
        # What is printed while looking for an error must not hold a password.
        return "Proxy(...)"


class Proxies(NamedTuple):
    """The proxy for each scheme, "" for none, and the hosts that are reached without one."""

    http: str
    https: str
    direct: tuple[str, ...]

    def __repr__(self) -> str:
        return "Proxies(...)"


def read_proxies(environ: Mapping[str, str]) -> Proxies:
    """Return what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say; small letters win.

    Under CGI, HTTP_PROXY is the header `Proxy` of whoever sent the request, and counts for nothing.
    """
    is_cgi = "REQUEST_METHOD" in environ

    def named(name: str) -> str:
        large = None if is_cgi and name == "HTTP_PROXY" else environ.get(name)
        return (environ.get(name.lower()) or large or "").strip()

    every = named("ALL_PROXY")
    direct = tuple(part for part in named("NO_PROXY").lower().replace(",", " ").split() if part)
    return Proxies(named("HTTP_PROXY") or every, named("HTTPS_PROXY") or every, direct)


def proxy_for(url: Url, proxies: Proxies) -> Proxy | None:
    """Return the proxy for a request, None when it goes out directly, as loopback always does.

    Raises `FailedError` for a proxy that the broker cannot use; the text does not repeat it.
    """
    text = proxies.http if url.scheme == "http" else proxies.https
    # To a proxy, loopback would be its own.
    if not text or _is_loopback(url) or any(_is_direct(url, entry) for entry in proxies.direct):
        return None
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, None
    if parts is None or not host or parts.scheme != "http":
        raise FailedError(
            "the proxy that the host's environment names is not one that can be used: only"
            " http://host:port is"
        )
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Proxy(host, port or 80, login)


def _is_loopback(url: Url) -> bool:
    if is_address(url.host):
        return ip_address(url.host.strip("[]")).is_loopback
    return is_local(url.host)


def _is_direct(url: Url, entry: str) -> bool:
    if entry == "*":
        return True
    if is_address(url.host):
        address = url.host.strip("[]")
        try:
            return ip_address(address) in ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return entry == url.place
    name, colon, port = entry.partition(":")
    name = name.removeprefix("*").removeprefix(".")
    if colon and port != str(url.port):
        return False
    return bool(name) and (url.host == name or url.host.endswith(f".{name}"))
