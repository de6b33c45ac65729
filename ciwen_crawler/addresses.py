"""Addresses of the internet, and whether they lead to the public part of it."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# One to four numbers, decimal, octal or hexadecimal, as every C library takes them: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?", re.IGNORECASE)
_LOCAL = re.compile(r"(?:.*\.)?localhost\.?", re.IGNORECASE)  # RFC 6761 section 6.3
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: where a network without IPv4 has all of it


def address(host: str) -> Address | None:
    """The address that a URL's host is, however it is spelt; None for a name."""
    if _NUMBERS.fullmatch(host):
        try:
            return IPv4Address(socket.inet_aton(host.removesuffix(".")))
        except OSError:
            return None
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_public(found: Address) -> bool:
    """False for private, loopback, link-local, shared, multicast and reserved addresses, in whichever disguise."""
    if isinstance(found, IPv6Address):
        if found in _NAT64:
            return is_public(IPv4Address(int(found) & 0xFFFFFFFF))
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(inner)
    return found.is_global and not (found.is_multicast or found.is_reserved)


def is_private(host: str) -> bool:
    """True where a URL's host says by itself that it is none of the public internet's."""
    found = address(host)
    return bool(_LOCAL.fullmatch(host)) if found is None else not is_public(found)
