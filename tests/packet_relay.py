# SPDX-License-Identifier: GPL-2.0-or-later
"""A relay between a client and a server that sees every datagram, and may drop, delay or change it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

LOCALHOST = "127.0.0.1"
V2 = 0x6B3343CF
_TYPES = ("initial", "0rtt", "handshake", "retry")
_TYPES_V2 = ("retry", "initial", "0rtt", "handshake")


class Seen(NamedTuple):
    """One packet that passed."""

    from_client: bool
    kind: str
    version: int


#: Given a datagram and whether the client sent it: what to send on.
Filter = Callable[[bytes, bool], list[bytes]]


def unchanged(datagram: bytes, from_client: bool) -> list[bytes]:
    """Send on what came."""
    del from_client
    return [datagram]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    size = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1)
    return value, at + size


def packets(datagram: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Kind, version and bytes of each packet of a datagram (RFC 9000, 12.2)."""
    while datagram:
        if not datagram[0] & 0x80:
            yield "1rtt", 0, datagram
            return
        version = int.from_bytes(datagram[1:5], "big")
        if not version:
            yield "negotiation", 0, datagram
            return
        kind = (_TYPES_V2 if version == V2 else _TYPES)[datagram[0] >> 4 & 3]
        if kind == "retry":
            yield kind, version, datagram
            return
        at = 6 + datagram[5]
        at += 1 + datagram[at]
        if kind == "initial":
            length, at = _varint(datagram, at)
            at += length
        length, at = _varint(datagram, at)
        yield kind, version, datagram[: at + length]
        datagram = datagram[at + length :]


class Relay:
    """Between one client and a server on the loopback device; a context."""

    def __init__(self, port: int, change: Filter = unchanged) -> None:
        self.seen: list[Seen] = []
        self._change = change
        self._client: tuple[str, int] | None = None
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((LOCALHOST, 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect((LOCALHOST, port))
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> int:
        """Where the client is to connect to."""
        return int(self._front.getsockname()[1])

    def count(self, kind: str, *, from_client: bool = True, version: int | None = None) -> int:
        """How many packets of a kind have passed one way, of one version or of any."""
        return sum(s[:2] == (from_client, kind) and version in (None, s.version) for s in self.seen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.close()
        self._thread.join()
        for end in (self._front, self._back, self._stopped):
            end.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._front, self._back, self._stopped], [], [])
            if self._stopped in ready:
                return
            for end in ready:
                self._pass_on(end)

    def _pass_on(self, end: socket.socket) -> None:
        from_client = end is self._front
        try:
            datagram, sender = end.recvfrom(65536)
        except ConnectionRefusedError:
            return
        if from_client:
            self._client = sender
        self.seen += [Seen(from_client, kind, version) for kind, version, _ in packets(datagram)]
        for out in self._change(datagram, from_client):
            if from_client:
                self._back.send(out)
            elif self._client:
                self._front.sendto(out, self._client)
