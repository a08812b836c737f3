# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses: what Python calls them, and the bytes that options carry."""

from __future__ import annotations

import ipaddress
import socket
import struct

Address = tuple[str, int] | tuple[str, int, int, int]


def family_of(host: str) -> socket.AddressFamily:
    """AF_INET6 for an IPv6 address (with or without a zone), else AF_INET."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def for_family(family: int, host: str, port: int) -> Address:
    """An address in the shape that a socket of this family takes."""
    if family == socket.AF_INET6:
        if ":" not in host:
            host = f"::ffff:{ipaddress.IPv4Address(host)}"
        host, _, zone = host.partition("%")
        return host, port, 0, _scope(zone)
    return host, port


def _scope(zone: str) -> int:
    if not zone:
        return 0
    return int(zone) if zone.isdigit() else socket.if_nametoindex(zone)


def sockaddr(host: str, port: int) -> bytes:
    """A struct sockaddr_in or sockaddr_in6."""
    bare, _, zone = host.partition("%")
    address = ipaddress.ip_address(bare)
    if address.version == 4:
        return struct.pack("@H", socket.AF_INET) + struct.pack(">H", port) + address.packed + bytes(8)
    head = struct.pack("@H", socket.AF_INET6) + struct.pack(">HI", port, 0)
    return head + address.packed + struct.pack("@I", _scope(zone))


def resolve(host: str, port: int) -> list[tuple[int, Address]]:
    """Every (family, address) that a name or address stands for, in order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    return [(int(family), _shape(where)) for family, _, _, _, where in found]


def _shape(where: tuple[object, ...]) -> Address:
    host, port, *rest = where
    if rest:
        flow, scope = rest
        return str(host), int(str(port)), int(str(flow)), int(str(scope))
    return str(host), int(str(port))
