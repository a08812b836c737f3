# SPDX-License-Identifier: GPL-2.0-or-later
"""RPC over aioquic's QUIC, byte by byte: a client that may break every rule."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamDataReceived, StreamReset

from kquic.lab.topology import Host, Network

CALL, REPLY = 0, 1
AUTH_NULL, AUTH_TLS = 0, 7
NFS, NFS4 = 100003, 4
LAST = 1 << 31
TIMEOUT = 30.0

T = TypeVar("T")


def null_call(xid: int, flavour: int = AUTH_NULL) -> bytes:
    """A Call of NFSv4's NULL procedure."""
    return struct.pack(">IIIIIIIIII", xid, CALL, 2, NFS, NFS4, 0, flavour, 0, AUTH_NULL, 0)


def record(message: bytes, *cuts: int) -> bytes:
    """A message with its marker, in fragments that end at `cuts` if there are any."""
    edges = [0, *cuts, len(message)]
    parts = [message[start:end] for start, end in pairwise(edges)]
    marks = [len(part) for part in parts]
    marks[-1] |= LAST
    return b"".join(struct.pack(">I", mark) + part for mark, part in zip(marks, parts, strict=True))


def messages(data: bytes) -> list[bytes]:
    """The complete messages at the beginning of a stream, each of one fragment."""
    found = []
    while len(data) >= 4:
        (mark,) = struct.unpack_from(">I", data)
        size = mark & ~LAST
        if len(data) < 4 + size:
            break
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


class RpcConnection(QuicConnectionProtocol):
    """A connection that keeps what each stream has brought."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.received: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.terminated: ConnectionTerminated | None = None
        self._news = asyncio.Event()
        self._next = 0

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived):
            self.received.setdefault(event.stream_id, bytearray()).extend(event.data)
            if event.end_stream:
                self.ended.add(event.stream_id)
        elif isinstance(event, StreamReset):
            self.ended.add(event.stream_id)
        elif isinstance(event, ConnectionTerminated):
            self.terminated = event
        self._news.set()

    def open(self) -> int:
        """A new bidirectional stream."""
        self._next += 4
        return self._next - 4

    def send(self, stream: int, data: bytes, end: bool = False) -> None:
        """Put bytes on a stream."""
        self._quic.send_stream_data(stream, data, end)
        self.transmit()

    def send_with_hole(self, stream: int, data: bytes, start: int, stop: int) -> None:
        """Put the first bytes of a stream on it, as if the packet with those from `start` to `stop` were lost."""
        self._quic.send_stream_data(stream, data)
        self._quic._streams[stream].sender._pending.subtract(start, stop)
        self.transmit()

    def fill_hole(self, stream: int, start: int, stop: int) -> None:
        """Send what was missing."""
        sender = self._quic._streams[stream].sender
        sender._pending.add(start, stop)
        sender.buffer_is_empty = False
        self.transmit()

    def reset(self, stream: int) -> None:
        """Give up sending on a stream."""
        self._quic.reset_stream(stream, 1)
        self.transmit()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that events bring about."""
        async with asyncio.timeout(TIMEOUT):
            while not reached():
                self._news.clear()
                await self._news.wait()

    async def reply(self, stream: int, number: int = 1) -> bytes:
        """The `number`th reply on a stream."""
        await self.until(lambda: len(messages(self.received.get(stream, b""))) >= number)
        return messages(bytes(self.received[stream]))[number - 1]

    async def call(self, stream: int, xid: int) -> None:
        """A NULL call that is answered where it was made."""
        number = len(messages(bytes(self.received.get(stream, b"")))) + 1
        self.send(stream, record(null_call(xid)))
        assert struct.unpack_from(">II", await self.reply(stream, number)) == (xid, REPLY)


def with_server(host: Host, ca: Path, talk: Callable[[RpcConnection], Awaitable[T]], alpn: str = "sunrpc") -> T:
    """Connect to the server's NFS port from a host, and talk."""

    async def run() -> T:
        config = QuicConfiguration(is_client=True, alpn_protocols=[alpn], server_name="server.test", idle_timeout=20)
        config.load_verify_locations(ca)
        async with connect(Network.SERVER_V4, 2049, configuration=config, create_protocol=RpcConnection) as peer:
            assert isinstance(peer, RpcConnection)
            return await talk(peer)

    with host.entered():
        return asyncio.run(run())
