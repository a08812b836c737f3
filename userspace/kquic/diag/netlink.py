# SPDX-License-Identifier: GPL-2.0-or-later
"""NETLINK_SOCK_DIAG (sock_diag(7)) for protocol IPPROTO_QUIC: declarations and two verbs."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from pyroute2.netlink import NETLINK_SOCK_DIAG, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, nlmsg
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nlsocket import Marshal, NetlinkSocket

from kquic.diag.info import Info
from kquic.diag.query import Query, State
from kquic.diag.socket import Endpoint, Memory, Socket, Timer
from kquic.errors import KquicError
from kquic.sock import IPPROTO_QUIC

SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
#: INET_DIAG_INFO, INET_DIAG_CONG, INET_DIAG_SKMEMINFO as bits of idiag_ext.
EXTENSIONS = sum(1 << attribute - 1 for attribute in (2, 4, 7))
_HEADER = 16


class DiagError(KquicError):
    """The kernel does not list QUIC sockets, or does not let us do that."""


_ID = (
    ("sport", ">H"),
    ("dport", ">H"),
    ("src", "16s"),
    ("dst", "16s"),
    ("if", "I"),
    ("cookie", "Q"),
)


class request_msg(nlmsg):  # type: ignore[misc]
    """struct inet_diag_req_v2."""

    fields = (("family", "B"), ("protocol", "B"), ("ext", "B"), ("pad", "B"), ("states", "I"), *_ID)
    nla_map = (
        (0, "INET_DIAG_REQ_NONE", "none"),
        (3, "INET_DIAG_REQ_PROTOCOL", "uint32"),
    )


class answer_msg(nlmsg):  # type: ignore[misc]
    """struct inet_diag_msg."""

    fields = (
        ("family", "B"),
        ("state", "B"),
        ("timer", "B"),
        ("retrans", "B"),
        *_ID,
        ("expires", "I"),
        ("rqueue", "I"),
        ("wqueue", "I"),
        ("uid", "I"),
        ("inode", "I"),
    )
    nla_map = (
        (2, "INET_DIAG_INFO", "cdata"),
        (4, "INET_DIAG_CONG", "asciiz"),
        (7, "INET_DIAG_SKMEMINFO", "cdata"),
        (15, "INET_DIAG_MARK", "uint32"),
        (21, "INET_DIAG_CGROUP_ID", "uint64"),
    )


class _Marshal(Marshal):  # type: ignore[misc]
    msg_map: ClassVar[dict[int, type]] = {SOCK_DIAG_BY_FAMILY: answer_msg}

    def parse_one_message(self, key: int, flags: int, sequence: int, data: bytes, offset: int, length: int) -> Any:
        if key not in (NLMSG_ERROR, NLMSG_DONE):
            return super().parse_one_message(key, flags, sequence, data, offset, length)
        # A listing that fails says so in the message that ends it.
        message = nlmsg(data, offset=offset)
        message.decode()
        code = struct.unpack_from("=i", data, offset + _HEADER)[0] if length >= _HEADER + 4 else 0
        message["header"]["error"] = NetlinkError(-code) if code < 0 else None
        return message


@contextmanager
def _netlink() -> Iterator[Any]:
    netlink = NetlinkSocket(NETLINK_SOCK_DIAG)
    netlink.set_marshal(_Marshal())
    netlink.bind()
    try:
        yield netlink
    except NetlinkError as error:
        raise _explain(error) from error
    finally:
        netlink.close()


def _explain(error: NetlinkError) -> DiagError:
    if error.code == errno.ENOENT:
        return DiagError("no such socket, or a kernel that does not list QUIC sockets (CONFIG_INET_QUIC_DIAG)")
    if error.code == errno.EOPNOTSUPP:
        return DiagError("this kernel cannot end sockets (CONFIG_INET_DIAG_DESTROY)")
    if error.code == errno.EPERM:
        return DiagError("CAP_NET_ADMIN is needed for that")
    return DiagError(f"sock_diag: {error}")


def _request(family: int) -> Any:
    message = request_msg()
    message["family"], message["protocol"], message["ext"] = family, IPPROTO_QUIC & 0xFF, EXTENSIONS
    message["src"] = message["dst"] = bytes(16)
    message["attrs"] = [("INET_DIAG_REQ_PROTOCOL", IPPROTO_QUIC)]
    return message


def parse(message: Any) -> Socket:
    """A Socket from one message."""
    family = int(message["family"])
    info, memory = message.get_attr("INET_DIAG_INFO"), message.get_attr("INET_DIAG_SKMEMINFO")
    return Socket(
        family=family,
        state=State(message["state"]),
        local=Endpoint.unpack(family, message["src"], message["sport"]),
        peer=Endpoint.unpack(family, message["dst"], message["dport"]),
        recv_queue=message["rqueue"],
        send_queue=message["wqueue"],
        timer=Timer(message["timer"]),
        retries=message["retrans"],
        expires_ms=message["expires"],
        uid=message["uid"],
        inode=message["inode"],
        cookie=message["cookie"],
        interface=message["if"],
        congestion=message.get_attr("INET_DIAG_CONG"),
        mark=message.get_attr("INET_DIAG_MARK"),
        cgroup=message.get_attr("INET_DIAG_CGROUP_ID"),
        memory=Memory.unpack(memory) if memory else None,
        info=Info.unpack(info) if info else None,
    )


def sockets(query: Query) -> list[Socket]:
    """Every QUIC socket of this network namespace that the query matches.

    Raises:
        DiagError: the kernel does not list QUIC sockets.
    """
    found: dict[int, Socket] = {}
    with _netlink() as netlink:
        for family in query.families:
            request = _request(family)
            request["states"] = query.state_mask
            request["sport"], request["dport"] = query.local_port, query.peer_port
            for message in netlink.nlm_request(request, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP):
                each = parse(message)
                found[each.cookie] = each
    return list(found.values())


def _identify(request: Any, which: Socket) -> None:
    def raw(endpoint: Endpoint) -> bytes:
        packed = endpoint.address.packed
        if which.family == 10 and len(packed) == 4:
            return bytes(10) + b"\xff\xff" + packed
        return packed.ljust(16, b"\0")

    request["sport"], request["dport"] = which.local.port, which.peer.port
    request["src"], request["dst"] = raw(which.local), raw(which.peer)
    request["if"], request["cookie"] = which.interface, which.cookie


def look_again(which: Socket) -> Socket:
    """The same socket as it is now.

    Raises:
        DiagError: it is gone.
    """
    request = _request(which.family)
    _identify(request, which)
    with _netlink() as netlink:
        (answer,) = netlink.nlm_request(request, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST)
        return parse(answer)


def destroy(which: Socket) -> None:
    """End a connection or a listener; its program sees ECONNABORTED.

    Raises:
        DiagError: it is gone, or we may not.
    """
    request = _request(which.family)
    _identify(request, which)
    with _netlink() as netlink:
        list(netlink.nlm_request(request, SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK))
