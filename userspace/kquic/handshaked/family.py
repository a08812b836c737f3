# SPDX-License-Identifier: GPL-2.0-or-later
"""The generic netlink family "handshake" (Documentation/netlink/specs/handshake.yaml).

Declarations and a verb per command; no policy.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST, genlmsg, nla
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket

from kquic.errors import KquicError

FAMILY, VERSION = "handshake", 1
GROUP = "tlshd"
CLASS_TLSHD = 1


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


class accept_msg(genlmsg):  # type: ignore[misc]
    """READY and ACCEPT."""

    prefix = "HANDSHAKE_A_ACCEPT_"
    nla_map = (
        ("HANDSHAKE_A_ACCEPT_UNSPEC", "none"),
        ("HANDSHAKE_A_ACCEPT_SOCKFD", "int32"),
        ("HANDSHAKE_A_ACCEPT_HANDLER_CLASS", "uint32"),
        ("HANDSHAKE_A_ACCEPT_MESSAGE_TYPE", "uint32"),
        ("HANDSHAKE_A_ACCEPT_TIMEOUT", "uint32"),
        ("HANDSHAKE_A_ACCEPT_AUTH_MODE", "uint32"),
        ("HANDSHAKE_A_ACCEPT_PEER_IDENTITY", "uint32"),
        ("HANDSHAKE_A_ACCEPT_CERTIFICATE", "certificate"),
        ("HANDSHAKE_A_ACCEPT_PEERNAME", "asciiz"),
        ("HANDSHAKE_A_ACCEPT_KEYRING", "uint32"),
    )

    class certificate(nla):  # type: ignore[misc]
        """Serial numbers of a certificate and its private key."""

        prefix = "HANDSHAKE_A_X509_"
        nla_map = (
            ("HANDSHAKE_A_X509_UNSPEC", "none"),
            ("HANDSHAKE_A_X509_CERT", "int32"),
            ("HANDSHAKE_A_X509_PRIVKEY", "int32"),
        )


class done_msg(genlmsg):  # type: ignore[misc]
    """DONE."""

    prefix = "HANDSHAKE_A_DONE_"
    nla_map = (
        ("HANDSHAKE_A_DONE_UNSPEC", "none"),
        ("HANDSHAKE_A_DONE_STATUS", "uint32"),
        ("HANDSHAKE_A_DONE_SOCKFD", "int32"),
        ("HANDSHAKE_A_DONE_REMOTE_AUTH", "uint32"),
    )


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


def parse_request(message: Any) -> Request:
    """A Request from the answer to ACCEPT."""
    name = message.get("peername")
    return Request(
        sockfd=int(message.get("sockfd", -1)),
        message_type=MessageType(message.get("message_type")),
        auth_mode=AuthMode(message.get("auth_mode")),
        timeout_ms=int(message.get("timeout", 0)),
        peer_name=str(name) if name else None,
        peer_identities=tuple(message.get_attrs("HANDSHAKE_A_ACCEPT_PEER_IDENTITY")),
        certificates=tuple(
            (int(pair.get("cert", 0)), int(pair.get("privkey", 0)))
            for pair in message.get_attrs("HANDSHAKE_A_ACCEPT_CERTIFICATE")
        ),
        keyring=int(message.get("keyring", 0)),
    )


def accept_request() -> Any:
    """The message that asks for the next pending handshake."""
    message = accept_msg()
    message["cmd"], message["version"] = Command.ACCEPT, VERSION
    message["attrs"] = [("HANDSHAKE_A_ACCEPT_HANDLER_CLASS", CLASS_TLSHD)]
    return message


def done_request(sockfd: int, status: int, remote_auth: Iterable[int]) -> Any:
    """The message that reports an outcome; `status` is a positive errno or 0."""
    message = done_msg()
    message["cmd"], message["version"] = Command.DONE, VERSION
    message["attrs"] = [
        ("HANDSHAKE_A_DONE_STATUS", status),
        ("HANDSHAKE_A_DONE_SOCKFD", sockfd),
        *(("HANDSHAKE_A_DONE_REMOTE_AUTH", serial) for serial in remote_auth),
    ]
    return message


class HandshakeFamily:
    """Two netlink sockets: one is a member of the group, one asks."""

    def __init__(self) -> None:
        self._listener = AsyncGenericNetlinkSocket()
        self._worker = AsyncGenericNetlinkSocket()

    async def open(self) -> None:
        """Find the family and join its group: from now on the kernel sees an agent."""
        try:
            await self._worker.bind(FAMILY, accept_msg)
            await self._listener.bind(FAMILY, accept_msg)
            self._listener.add_membership(GROUP)
        except NetlinkError as error:
            if error.code == errno.ENOENT:
                raise FamilyError("this kernel has no net/handshake (CONFIG_NET_HANDSHAKE)") from error
            raise FamilyError(f"netlink: {error}") from error

    def close(self) -> None:
        """Leave the group."""
        self._listener.close()
        self._worker.close()

    async def ready(self) -> AsyncIterator[None]:
        """Once for each time that the kernel says that a handshake is pending."""
        while True:
            async for message in self._listener.get():
                if message["cmd"] == Command.READY:
                    yield None

    async def accept(self) -> Request | None:
        """Take the next pending handshake; None if there is none."""
        try:
            answers = await self._ask(accept_request())
        except NetlinkError as error:
            if error.code == errno.EAGAIN:
                return None
            if error.code == errno.EPERM:
                raise FamilyError("CAP_NET_ADMIN is needed to accept handshakes") from error
            raise
        try:
            return parse_request(answers[0])
        except ValueError as error:
            fd = int(answers[0].get("sockfd"))
            await self.done(fd, errno.EOPNOTSUPP)
            os.close(fd)
            raise UnknownRequest(f"the kernel asks for what this agent does not know: {error}") from error

    async def done(self, sockfd: int, status: int, remote_auth: Iterable[int] = ()) -> None:
        """Report the outcome of a handshake."""
        await self._ask(done_request(sockfd, status, remote_auth), NLM_F_ACK)

    async def _ask(self, message: Any, flags: int = 0) -> list[Any]:
        answers = await self._worker.nlm_request(message, msg_type=self._worker.prid, msg_flags=NLM_F_REQUEST | flags)
        return [answer async for answer in answers]
