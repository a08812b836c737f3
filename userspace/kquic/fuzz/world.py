# SPDX-License-Identifier: GPL-2.0-or-later
"""What lasts from one program to the next: the network, and listeners of three kinds."""

from __future__ import annotations

import itertools
import os
import select
import socket
from contextlib import suppress
from pathlib import Path

from kquic.sock import IPPROTO_QUIC, SOL_QUIC, Config, SockOpt

from . import libc
from .tun import HOST, Tun

ANY, VALIDATING, NAMED = range(3)
"""Kinds of listeners: of any protocol, with Retry, with a list of protocols."""
FIRST_PORT = 4433
BACKLOG = 200
CONTROLLER = Path("/proc/sys/net/quic/congestion_control")
SPIN_BIT = Path("/proc/sys/net/quic/spin_bit")
#: How long a call may wait, in microseconds.
PATIENCE = 10_000


def quick(sock: socket.socket) -> socket.socket:
    """Let its calls wait only for a moment."""
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, (0).to_bytes(8, "little") + PATIENCE.to_bytes(8, "little"))
    return sock


class World:
    """The victim's host."""

    def __init__(self) -> None:
        self.tun = Tun()
        SPIN_BIT.write_text("1")
        self.listeners = {kind: self._listen(kind) for kind in (ANY, VALIDATING, NAMED)}
        self._numbers = itertools.count()
        self._controller, self._bbr = CONTROLLER.read_text(), False
        self._watch = select.poll()
        for listener in self.listeners.values():
            self._watch.register(listener.fileno(), select.POLLIN)

    def _listen(self, kind: int) -> socket.socket:
        sock = quick(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, IPPROTO_QUIC))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        libc.bind(sock.fileno(), sockaddr(6, bytes(16), FIRST_PORT + kind))
        if kind == VALIDATING:
            libc.setsockopt(sock.fileno(), SOL_QUIC, SockOpt.CONFIG, Config(validate_peer_address=1).pack())
        if kind == NAMED:
            libc.setsockopt(sock.fileno(), SOL_QUIC, SockOpt.ALPN, b"data,h3")
        if libc.listen(sock.fileno(), BACKLOG):
            raise OSError("no listener")
        return sock

    def number(self) -> int:
        """Of the next program; peers' addresses and ports come of it."""
        return next(self._numbers)

    def bbr(self, on: bool) -> None:
        """Connections to come use BBR, or what they would use without that; a program's choice ends with it."""
        if on != self._bbr:
            CONTROLLER.write_text("bbr" if on else self._controller)
            self._bbr = on

    def tidy(self) -> None:
        """No client waits any more that a program has left behind."""
        while ready := self._watch.poll(0):
            for fd, _ in ready:
                if (new := libc.accept(fd)) >= 0:
                    os.close(new)
        for _ in self.tun.heard():
            pass
        self.bbr(False)

    def close(self) -> None:
        """All of it goes."""
        with suppress(OSError):
            self.tidy()
        for listener in self.listeners.values():
            listener.close()
        self.tun.close()


def sockaddr(version: int, host: bytes, port: int) -> bytes:
    """A struct sockaddr_in or sockaddr_in6."""
    if version == 4:
        return socket.AF_INET.to_bytes(2, "little") + port.to_bytes(2, "big") + host + bytes(8)
    return socket.AF_INET6.to_bytes(2, "little") + port.to_bytes(2, "big") + bytes(4) + host + bytes(4)


def host(version: int) -> bytes:
    """The victim's address."""
    return socket.inet_pton(socket.AF_INET if version == 4 else socket.AF_INET6, HOST[version])
