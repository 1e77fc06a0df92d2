"""Names and addresses: a name resolves to itself, for the host resolves it when it is asked for."""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_PORTS = {"http": 80, "https": 443, "www": 80}


def where(address) -> tuple[str, int]:  # type: ignore[no-untyped-def]
    """Return the host and the port in the address of a socket."""
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError("an address must be a tuple (host, port)")
    host, port = plain(address[0]), address[1]
    if not isinstance(port, int):
        raise TypeError(f"'{type(port).__name__}' object cannot be interpreted as an integer")
    if not 0 <= port <= 65535:
        raise OverflowError("port must be 0-65535.")
    return host, port


def plain(host) -> str:  # type: ignore[no-untyped-def]
    """Return a host's name as it is written in a URL."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii")
    if not isinstance(host, str):
        raise TypeError(f"a host's name must be a string, not {type(host).__name__}")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if any(c <= " " or c in "/?#@\\[]\x7f" for c in host):
        raise OSError(errno.EINVAL, f"not a host's name: {host[:80]!r}")
    return host.rstrip(".") or host


def fill(module: ModuleType) -> None:
    """Give `_socket` the functions that ask for names."""
    number = vars(module).setdefault
    unknown, no_service = number("EAI_NONAME", -2), number("EAI_SERVICE", -8)
    numeric, stream = number("AI_NUMERICHOST", 4), module.SOCK_STREAM
    tcp, udp = number("IPPROTO_TCP", 6), number("IPPROTO_UDP", 17)
    for name in ("AI_PASSIVE", "AI_CANONNAME", "AI_ADDRCONFIG", "NI_NUMERICHOST", "NI_NUMERICSERV"):
        number(name, 0)

    def getservbyname(name: str, protocol: str = "tcp") -> int:
        if name not in _PORTS:
            raise OSError("service/proto not found")
        return _PORTS[name]

    def getservbyport(port: int, protocol: str = "tcp") -> str:
        for name, known in _PORTS.items():
            if known == port:
                return name
        raise OSError("port/proto not found")

    def port_of(port) -> int:  # type: ignore[no-untyped-def]
        if isinstance(port, (bytes, bytearray)):
            port = bytes(port).decode("ascii", "replace")
        if isinstance(port, str) and not port.isdigit():
            if port not in _PORTS:
                raise module.gaierror(no_service, "Servname not supported for ai_socktype")
            return _PORTS[port]
        return int(port or 0)

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):  # type: ignore[no-untyped-def] # noqa: A002, PLR0913, PLR0917
        name = "127.0.0.1" if host is None or not host else plain(host)
        if family not in (0, module.AF_INET) and not (family == module.AF_INET6 and ":" in name):
            raise module.gaierror(unknown, "Address family for hostname not supported")
        if flags & numeric and not is_address(name):
            raise module.gaierror(unknown, "Name or service not known")
        kind = type or stream
        protocol = proto or (tcp if kind == stream else udp)
        return [(module.AF_INET, kind, protocol, "", (name, port_of(port)))]

    def is_address(name: str) -> bool:
        if ":" in name:
            return True
        try:
            module.inet_aton(name)
        except OSError:
            return False
        return True

    def gethostbyname(host) -> str:  # type: ignore[no-untyped-def]
        return plain(host) if host else "0.0.0.0"  # noqa: S104 - as everywhere

    def gethostbyname_ex(host):  # type: ignore[no-untyped-def]
        return (plain(host), [], [gethostbyname(host)])

    def gethostbyaddr(host):  # type: ignore[no-untyped-def]
        raise module.herror(1, "Unknown host")

    def getnameinfo(address, flags):  # type: ignore[no-untyped-def]
        return (plain(address[0]), str(address[1]))

    def gethostname() -> str:
        return "capsule"

    for function in (
        getservbyname, getservbyport, getaddrinfo, gethostbyname, gethostbyname_ex, gethostbyaddr,
        getnameinfo, gethostname,
    ):  # fmt: skip
        setattr(module, function.__name__, function)
