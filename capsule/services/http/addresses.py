"""What an address is: public, private, or one that is reached only by naming it."""

from __future__ import annotations

from enum import IntEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)


class Reach(IntEnum):
    """How far out of the public an address is; each value holds those before it."""

    PUBLIC = 0
    PRIVATE = 1  # loopback, private networks, and all that is not public
    LITERAL = 2  # link-local and metadata services, which hand out a machine's credentials
    NEVER = 3  # no single host: unspecified, multicast, broadcast


_THIS = IPv4Network("0.0.0.0/8")
_FUTURE = IPv4Network("240.0.0.0/4")
# Python's tables of 3.11 and 3.12 hold some of these public; they differ between its releases.
_NOT_PUBLIC_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_NOT_PUBLIC_6 = (IPv6Network("2001::/23"), IPv6Network("3fff::/20"))
_PUBLIC_6 = IPv6Network("2000::/3")

# Where clouds serve the credentials of a machine, outside of the link-local range.
_METADATA = frozenset(
    map(
        ip_address,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")
# For translators of one network (RFC 8215); where the IPv4 address stands is theirs to choose, out
# of the places of RFC 6052 for each length of prefix.
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_NAT64_PLACES = ((6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
# An interface that tunnels to the IPv4 address behind it (RFC 5214, section 6.1).
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
_COMPATIBLE = IPv6Network("::/96")


def reach_of(text: str) -> Reach:
    """Return the reach of an address, and of the IPv4 addresses that it carries inside.

    Raises `ValueError` for what is not an address; one with a zone is link-local and stays so.

    >>> reach_of("8.8.8.8"), reach_of("::ffff:169.254.169.254")
    (<Reach.PUBLIC: 0>, <Reach.LITERAL: 2>)
    """
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return _reach_4(address)
    carried = _carried(address)
    if carried:
        return max(map(_reach_4, carried))
    return max((_reach_6(address), *map(_reach_4, _tunnelled(address)), *_translated(address)))


def _reach_4(address: IPv4Address) -> Reach:
    if address.is_multicast or address in _THIS or address in _FUTURE:
        return Reach.NEVER
    if address.is_link_local or address in _METADATA:
        return Reach.LITERAL
    if not address.is_global or any(address in network for network in _NOT_PUBLIC_4):
        return Reach.PRIVATE
    return Reach.PUBLIC


def _reach_6(address: IPv6Address) -> Reach:
    if address.is_multicast or address.is_unspecified:
        return Reach.NEVER
    if address.is_link_local or address in _METADATA:
        return Reach.LITERAL
    public = address.is_global and address in _PUBLIC_6
    if not public or any(address in network for network in _NOT_PUBLIC_6):
        return Reach.PRIVATE
    return Reach.PUBLIC


def _tunnelled(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 address that an address of a tunnel is reached at, whatever its network."""
    return (IPv4Address(address.packed[12:]),) if address.packed[8:12] in _ISATAP else ()


def _translated(address: IPv6Address) -> tuple[Reach, ...]:
    """Return how far a translator of one network's own may lead: never to the public alone."""
    if address not in _LOCAL_NAT64:
        return ()
    packed = address.packed
    found = [IPv4Address(bytes(packed[at] for at in places)) for places in _NAT64_PLACES]
    # What is no host's address at one place is a part of one at another.
    literal = any(_reach_4(one) is Reach.LITERAL for one in found)
    return (Reach.LITERAL if literal else Reach.PRIVATE,)


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that packets to an IPv6 address end up at."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    within = address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF)
    return (IPv4Address(int(address) & 0xFFFFFFFF),) if within else ()
