# SPDX-License-Identifier: GPL-2.0-or-later
"""NETLINK_SOCK_DIAG (sock_diag(7)) for protocol IPPROTO_QUIC: declarations and two verbs."""

from __future__ import annotations

import errno
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kquic import netlink
from kquic.diag.info import Info
from kquic.diag.query import Query, State
from kquic.diag.socket import Endpoint, Memory, Socket, Timer
from kquic.errors import KquicError
from kquic.netlink import Netlink, NetlinkError
from kquic.sock import IPPROTO_QUIC

SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
#: INET_DIAG_INFO, INET_DIAG_CONG, INET_DIAG_SKMEMINFO as bits of idiag_ext.
EXTENSIONS = sum(1 << attribute - 1 for attribute in (2, 4, 7))


class DiagError(KquicError):
    """The kernel does not list QUIC sockets, or does not let us do that."""


#: struct inet_diag_req_v2: family, protocol, extensions, states; then the ID.
_REQUEST = struct.Struct("=BBBxI")
#: struct inet_diag_msg: family, state, timer, retransmissions; the ID; expiry, queues, owner, inode.
_ANSWER, _REST = struct.Struct("=BBBB"), struct.Struct("=IIIII")
#: struct inet_diag_sockid: ports, then addresses, interface and cookie.
_PORTS, _ID = struct.Struct("!HH"), struct.Struct("=16s16sIQ")
_REQ_PROTOCOL, _INFO, _CONG, _SKMEMINFO, _MARK, _CGROUP_ID = 3, 2, 4, 7, 15, 21


@contextmanager
def _netlink() -> Iterator[Netlink]:
    try:
        with Netlink(netlink.SOCK_DIAG) as opened:
            yield opened
    except NetlinkError as error:
        raise _explain(error) from error


def _explain(error: NetlinkError) -> DiagError:
    if error.code == errno.ENOENT:
        return DiagError("no such socket, or a kernel that does not list QUIC sockets (CONFIG_INET_QUIC_DIAG)")
    if error.code == errno.EOPNOTSUPP:
        return DiagError("this kernel cannot end sockets (CONFIG_INET_DIAG_DESTROY)")
    if error.code == errno.EPERM:
        return DiagError("CAP_NET_ADMIN is needed for that")
    return DiagError(f"sock_diag: {error}")


def _ask(family: int, states: int, identity: bytes) -> bytes:
    """The message that asks; without a state it is about one socket."""
    head = _REQUEST.pack(family, IPPROTO_QUIC & 0xFF, EXTENSIONS, states)
    return head + identity + netlink.u32(_REQ_PROTOCOL, IPPROTO_QUIC)


def parse(message: bytes) -> Socket:
    """A Socket from one message."""
    family, state, timer, retrans = _ANSWER.unpack_from(message)
    at = _ANSWER.size
    sport, dport = _PORTS.unpack_from(message, at)
    src, dst, interface, cookie = _ID.unpack_from(message, at + _PORTS.size)
    at += _PORTS.size + _ID.size
    expires, rqueue, wqueue, uid, inode = _REST.unpack_from(message, at)
    found = dict(netlink.attributes(message[at + _REST.size :]))
    congestion = found.get(_CONG)
    return Socket(
        family=family,
        state=State(state),
        local=Endpoint.unpack(family, src, sport),
        peer=Endpoint.unpack(family, dst, dport),
        recv_queue=rqueue,
        send_queue=wqueue,
        timer=Timer(timer),
        retries=retrans,
        expires_ms=expires,
        uid=uid,
        inode=inode,
        cookie=cookie,
        interface=interface,
        congestion=None if congestion is None else congestion.partition(b"\0")[0].decode(errors="replace"),
        mark=_number(found.get(_MARK)),
        cgroup=_number(found.get(_CGROUP_ID)),
        memory=Memory.unpack(found[_SKMEMINFO]) if found.get(_SKMEMINFO) else None,
        info=Info.unpack(found[_INFO]) if found.get(_INFO) else None,
    )


def _number(payload: bytes | None) -> int | None:
    return None if payload is None else int.from_bytes(payload, sys.byteorder)


def sockets(query: Query) -> list[Socket]:
    """Every QUIC socket of this network namespace that the query matches.

    Raises:
        DiagError: the kernel does not list QUIC sockets.
    """
    found: dict[int, Socket] = {}
    identity = _PORTS.pack(query.local_port, query.peer_port) + _ID.pack(bytes(16), bytes(16), 0, 0)
    with _netlink() as opened:
        for family in query.families:
            request = _ask(family, query.state_mask, identity)
            for message in opened.ask(SOCK_DIAG_BY_FAMILY, request, netlink.DUMP):
                each = parse(message)
                found[each.cookie] = each
    return list(found.values())


def _identity(which: Socket) -> bytes:
    def raw(endpoint: Endpoint) -> bytes:
        packed = endpoint.address.packed
        if which.family == 10 and len(packed) == 4:
            return bytes(10) + b"\xff\xff" + packed
        return packed.ljust(16, b"\0")

    ports = _PORTS.pack(which.local.port, which.peer.port)
    return ports + _ID.pack(raw(which.local), raw(which.peer), which.interface, which.cookie)


def look_again(which: Socket) -> Socket:
    """The same socket as it is now.

    Raises:
        DiagError: it is gone.
    """
    with _netlink() as opened:
        (answer,) = opened.ask(SOCK_DIAG_BY_FAMILY, _ask(which.family, 0, _identity(which)))
        return parse(answer)


def destroy(which: Socket) -> None:
    """End a connection or a listener; its program sees ECONNABORTED.

    Raises:
        DiagError: it is gone, or we may not.
    """
    with _netlink() as opened:
        list(opened.ask(SOCK_DESTROY, _ask(which.family, 0, _identity(which))))
