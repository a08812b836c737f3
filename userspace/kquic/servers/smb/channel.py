# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of a connection, over TCP or on the first stream of QUIC; messages have a length before them."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Protocol

from kquic.sock import Connection, StreamData

from .wire import Malformed

MAX_MESSAGE = 8 * 1024 * 1024 + 65536
LONGEST = 0xFFFFFF
RESET_CODE = 7


class Closed(Exception):
    """The client has gone, or the server has ended the connection."""


class Channel(Protocol):
    """What a connection does with bytes."""

    name: str

    def receive(self) -> bytes:
        """Some bytes; Closed at the end."""

    def send(self, data: bytes) -> None:
        """All of them; Closed if the client is not there."""

    def reset(self) -> None:
        """End it as rudely as the transport can."""

    def close(self) -> None:
        """End it."""


class TcpChannel:
    """A TCP connection."""

    name = "tcp"

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bytes:
        """Some bytes."""
        try:
            data = self._sock.recv(1 << 20)
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        return data

    def send(self, data: bytes) -> None:
        """All bytes."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise Closed from error

    def reset(self) -> None:
        """RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        """FIN; a thread that waits in receive() wakes up."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class QuicChannel:
    """The first stream that the client opens."""

    name = "quic"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(self) -> bytes:
        """Some bytes of the stream; other streams are not for us."""
        try:
            message = self._connection.recv(1 << 20)
        except OSError as error:
            raise Closed from error
        if not isinstance(message, StreamData) or message.stream_id not in (0, None) or not message.data:
            raise Closed
        return message.data

    def send(self, data: bytes) -> None:
        """All bytes."""
        try:
            self._connection.send_all(data, 0)
        except OSError as error:
            raise Closed from error

    def reset(self) -> None:
        """RESET_STREAM and STOP_SENDING; the connection stays."""
        with contextlib.suppress(OSError):
            self._connection.reset_stream(0, RESET_CODE)
            self._connection.stop_sending(0, RESET_CODE)

    def close(self) -> None:
        """CONNECTION_CLOSE; a thread that waits in receive() wakes up."""
        with contextlib.suppress(OSError):
            self._connection.shutdown()
        self._connection.close()


class Framed:
    """Messages on a channel."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._buffer = bytearray()

    def receive(self) -> bytes:
        """The next message."""
        size = int.from_bytes(self._exactly(4), "big")
        if size > MAX_MESSAGE:
            raise Malformed(f"a message of {size} bytes")
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += self.channel.receive()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def send(self, message: bytes, *, claim: int | None = None) -> None:
        """Send a message; `claim` is a length that need not be true."""
        size = len(message) if claim is None else claim
        self.channel.send(size.to_bytes(4, "big") + message)
