# SPDX-License-Identifier: GPL-2.0-or-later
"""A listening QUIC socket."""

from __future__ import annotations

import socket
from typing import Self

from . import _options as options
from ._abi import SockOpt
from ._address import family_of
from ._base import QuicSocket, new_socket
from .connection import Connection


class Listener(QuicSocket):
    """Accepts connections whose handshake is still to be done."""

    @classmethod
    def create(cls, family: int = socket.AF_INET6, kind: int = socket.SOCK_STREAM) -> Self:
        """A fresh socket; bind, set ALPN and the rest, then `listen`."""
        return cls(new_socket(family, kind))

    def listen(self, backlog: int = 128) -> None:
        """Start to listen."""
        self.sock.listen(backlog)

    def accept(self) -> Connection:
        """The next connection: its first packet has arrived, its handshake has not happened."""
        sock, _ = self.sock.accept()
        return Connection(sock)

    def set_session_ticket(self, data: bytes) -> None:
        """The ticket key of the listener."""
        options.set_bytes(self.sock, SockOpt.SESSION_TICKET, data)


def listen(
    host: str = "::",
    port: int = 0,
    *,
    alpn: tuple[str, ...] = (),
    backlog: int = 128,
    kind: int = socket.SOCK_STREAM,
) -> Listener:
    """A listener on an address."""
    listener = Listener.create(family_of(host), kind)
    try:
        if alpn:
            listener.set_alpn(*alpn)
        listener.bind(host, port)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener
