# SPDX-License-Identifier: GPL-2.0-or-later
"""The generic netlink family "handshake" (Documentation/netlink/specs/handshake.yaml).

Declarations and a verb per command; no policy.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import IntEnum

from kquic import netlink
from kquic.errors import KquicError
from kquic.netlink import NetlinkError

FAMILY, VERSION = "handshake", 1
GROUP = "tlshd"
CLASS_TLSHD = 1
#: Bytes of generic netlink's own header.
_GENL = 4


class Command(IntEnum):
    """Commands of the family."""

    READY = 1
    ACCEPT = 2
    DONE = 3


class MessageType(IntEnum):
    """Which side of the handshake is wanted."""

    CLIENT_HELLO = 1
    SERVER_HELLO = 2


class AuthMode(IntEnum):
    """How the sides are to prove who they are."""

    UNAUTH = 1
    PSK = 2
    X509 = 3


class FamilyError(KquicError):
    """The kernel has no handshake family, or does not let us use it."""


class UnknownRequest(KquicError):
    """A request of a kind that this version does not know; it has been turned down."""


class _Accept(IntEnum):
    """Attributes of READY and ACCEPT."""

    SOCKFD = 1
    HANDLER_CLASS = 2
    MESSAGE_TYPE = 3
    TIMEOUT = 4
    AUTH_MODE = 5
    PEER_IDENTITY = 6
    CERTIFICATE = 7
    PEERNAME = 8
    KEYRING = 9


class _Certificate(IntEnum):
    """Within CERTIFICATE: serial numbers of a certificate and its private key."""

    CERT = 1
    PRIVKEY = 2


class _Done(IntEnum):
    """Attributes of DONE."""

    STATUS = 1
    SOCKFD = 2
    REMOTE_AUTH = 3


class _Control(IntEnum):
    """Of the family that knows the others: its number, its command, attributes of the answer and of a group in it."""

    FAMILY = 16
    GETFAMILY = 3
    FAMILY_ID = 1
    FAMILY_NAME = 2
    MCAST_GROUPS = 7
    GROUP_NAME = 1
    GROUP_ID = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What a kernel user asks for. Serial numbers name keys; 0 is none."""

    sockfd: int
    message_type: MessageType
    auth_mode: AuthMode
    timeout_ms: int = 0
    peer_name: str | None = None
    peer_identities: tuple[int, ...] = ()
    certificates: tuple[tuple[int, int], ...] = ()
    keyring: int = 0

    @property
    def is_server(self) -> bool:
        """Whether the server's side is wanted."""
        return self.message_type == MessageType.SERVER_HELLO


def _number(payload: bytes) -> int:
    return int.from_bytes(payload[:4], sys.byteorder)


def _text(payload: bytes) -> str:
    return payload.partition(b"\0")[0].decode("utf-8", "replace")


def _genl(command: int, *attributes: bytes, version: int = VERSION) -> bytes:
    """A message's body: the header of generic netlink, and attributes."""
    return bytes((command, version, 0, 0)) + b"".join(attributes)


def parse_request(body: bytes) -> Request:
    """A Request from the answer to ACCEPT."""
    found: dict[int, list[bytes]] = {}
    for kind, payload in netlink.attributes(body[_GENL:]):
        found.setdefault(kind, []).append(payload)

    def number(kind: _Accept, default: int = 0) -> int:
        return _number(found[kind][0]) if kind in found else default

    pairs = [dict(netlink.attributes(payload)) for payload in found.get(_Accept.CERTIFICATE, ())]
    return Request(
        sockfd=number(_Accept.SOCKFD, -1),
        message_type=MessageType(number(_Accept.MESSAGE_TYPE)),
        auth_mode=AuthMode(number(_Accept.AUTH_MODE)),
        timeout_ms=number(_Accept.TIMEOUT),
        peer_name=_text(found.get(_Accept.PEERNAME, [b""])[0]) or None,
        peer_identities=tuple(map(_number, found.get(_Accept.PEER_IDENTITY, ()))),
        certificates=tuple(
            (_number(pair.get(_Certificate.CERT, b"")), _number(pair.get(_Certificate.PRIVKEY, b""))) for pair in pairs
        ),
        keyring=number(_Accept.KEYRING),
    )


def accept_request() -> bytes:
    """The message that asks for the next pending handshake."""
    return _genl(Command.ACCEPT, netlink.u32(_Accept.HANDLER_CLASS, CLASS_TLSHD))


def done_request(sockfd: int, status: int, remote_auth: Iterable[int]) -> bytes:
    """The message that reports an outcome; `status` is a positive errno or 0."""
    serials = [netlink.u32(_Done.REMOTE_AUTH, serial) for serial in remote_auth]
    return _genl(Command.DONE, netlink.u32(_Done.STATUS, status), netlink.u32(_Done.SOCKFD, sockfd), *serials)


def parse_family(body: bytes) -> tuple[int, dict[str, int]]:
    """A family's number, and those of its multicast groups by name."""
    found = dict(netlink.attributes(body[_GENL:]))
    groups = [dict(netlink.attributes(group)) for _, group in netlink.attributes(found[_Control.MCAST_GROUPS])]
    names = {_text(group[_Control.GROUP_NAME]): _number(group[_Control.GROUP_ID]) for group in groups}
    return _number(found[_Control.FAMILY_ID]), names


class _Socket:
    """A netlink socket of the event loop; one question at a time."""

    def __init__(self) -> None:
        self.sock = netlink.connected(netlink.GENERIC)
        self.sock.setblocking(False)
        self._turn, self._sequence = asyncio.Lock(), 0

    async def ask(self, kind: int, body: bytes) -> list[bytes]:
        """Bodies of the answer."""
        loop = asyncio.get_running_loop()
        found: list[bytes] = []
        async with self._turn:
            self._sequence += 1
            await loop.sock_sendall(self.sock, netlink.pack(kind, netlink.REQUEST | netlink.ACK, self._sequence, body))
            while True:
                for message in netlink.messages(await loop.sock_recv(self.sock, netlink.LARGEST)):
                    if message.sequence != self._sequence:
                        continue
                    if message.end:
                        return found
                    found.append(message.body)


class HandshakeFamily:
    """Two netlink sockets: one is a member of the group, one asks."""

    def __init__(self) -> None:
        self._listener, self._worker = _Socket(), _Socket()
        self._number = 0

    async def open(self) -> None:
        """Find the family and join its group: from now on the kernel sees an agent."""
        question = _genl(_Control.GETFAMILY, netlink.attribute(_Control.FAMILY_NAME, FAMILY.encode() + b"\0"))
        try:
            (answer,) = await self._worker.ask(_Control.FAMILY, question)
            self._number, groups = parse_family(answer)
            self._listener.sock.setsockopt(netlink.SOL_NETLINK, netlink.ADD_MEMBERSHIP, groups[GROUP])
        except NetlinkError as error:
            if error.code == errno.ENOENT:
                raise FamilyError("this kernel has no net/handshake (CONFIG_NET_HANDSHAKE)") from error
            raise FamilyError(f"netlink: {error}") from error
        except OSError as error:
            raise FamilyError(f"netlink: {error.strerror}") from error

    def close(self) -> None:
        """Leave the group."""
        self._listener.sock.close()
        self._worker.sock.close()

    async def ready(self) -> AsyncIterator[None]:
        """Once for each time that the kernel says that a handshake is pending."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                datagram = await loop.sock_recv(self._listener.sock, netlink.LARGEST)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                yield None  # some were lost, which says the same
                continue
            for message in netlink.messages(datagram):
                if message.kind == self._number and message.body[:1] == bytes((Command.READY,)):
                    yield None

    async def accept(self) -> Request | None:
        """Take the next pending handshake; None if there is none."""
        try:
            (answer,) = await self._worker.ask(self._number, accept_request())
        except NetlinkError as error:
            if error.code == errno.EAGAIN:
                return None
            if error.code == errno.EPERM:
                raise FamilyError("CAP_NET_ADMIN is needed to accept handshakes") from error
            raise
        try:
            return parse_request(answer)
        except ValueError as error:
            fd = _number(dict(netlink.attributes(answer[_GENL:]))[_Accept.SOCKFD])
            await self.done(fd, errno.EOPNOTSUPP)
            os.close(fd)
            raise UnknownRequest(f"the kernel asks for what this agent does not know: {error}") from error

    async def done(self, sockfd: int, status: int, remote_auth: Iterable[int] = ()) -> None:
        """Report the outcome of a handshake."""
        await self._worker.ask(self._number, done_request(sockfd, status, remote_auth))
