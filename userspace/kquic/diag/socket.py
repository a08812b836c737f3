# SPDX-License-Identifier: GPL-2.0-or-later
"""One socket as sock_diag describes it."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum

from kquic.diag.info import Info
from kquic.diag.query import State

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Timer(IntEnum):
    """What the socket waits for."""

    OFF = 0
    LOSS = 1
    KEEPALIVE = 2
    ACK = 5


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a socket in bytes (SK_MEMINFO_*)."""

    rmem_alloc: int
    rcvbuf: int
    wmem_alloc: int
    sndbuf: int
    fwd_alloc: int
    wmem_queued: int
    optmem: int
    backlog: int
    drops: int

    @classmethod
    def unpack(cls, data: bytes) -> Memory:
        """From an INET_DIAG_SKMEMINFO attribute."""
        return cls(*struct.unpack_from("@9I", data.ljust(36, b"\0")))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port; both are 0 when there is none."""

    address: IPAddress
    port: int

    @classmethod
    def unpack(cls, family: int, raw: bytes, port: int) -> Endpoint:
        """From the sixteen bytes of a struct inet_diag_sockid."""
        if family == socket.AF_INET:
            return cls(ipaddress.IPv4Address(raw[:4]), port)
        address = ipaddress.IPv6Address(raw)
        return cls(address.ipv4_mapped or address, port)


@dataclass(frozen=True, slots=True)
class Socket:
    """A QUIC socket: a connection, a listener, or one that is neither yet.

    Attributes:
        recv_queue: bytes not read; of a listener: connections not accepted.
        send_queue: bytes not acknowledged; of a listener: the backlog.
        retries: how often the timer has expired in a row.
        expires_ms: when it does the next time.
        cookie: tells sockets with the same addresses apart.
        interface: index of the device that the socket is bound to, or 0.
        mark: SO_MARK; only told to who has CAP_NET_ADMIN.
    """

    family: int
    state: State
    local: Endpoint
    peer: Endpoint
    recv_queue: int
    send_queue: int
    timer: Timer
    retries: int
    expires_ms: int
    uid: int
    inode: int
    cookie: int
    interface: int
    congestion: str | None
    mark: int | None
    cgroup: int | None
    memory: Memory | None
    info: Info | None
