"""Where a name leads, and whether that is outside. Asked at each call, because the answer changes."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[Address]]]

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
_UNUSABLE: Final = (IPv4Network("192.88.99.0/24"),)


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of `host`, in the order in which to try them. Raises OSError if there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A zone (fe80::1%eth0) is a matter of this machine: such an address is not public with or without it.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether it belongs to the public internet. An IPv6 address that wraps an IPv4 one is what it wraps."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _TRANSLATED:
            wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
    elif any(address in network for network in _UNUSABLE):
        return False
    return address.is_global and not address.is_multicast
