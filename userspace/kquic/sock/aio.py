# SPDX-License-Identifier: GPL-2.0-or-later
"""QUIC sockets in asyncio: the same calls, awaited instead of blocking."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from ._abi import StreamFlags
from .connection import READ_SIZE, Connection
from .connection import connect as connect_blocking
from .events import Message
from .listener import Listener
from .stream import StreamSorter

T = TypeVar("T")

_BLOCKED = (errno.EAGAIN, errno.ENOSPC)

# A stream's credit and the stream limit have no poll bit of their own: where
# the descriptor is writable and the call still blocks, ask again after a pause.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


async def wait_readable(fd: int) -> None:
    """Wait until there is something to read, or the socket has died."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


async def wait_writable(fd: int) -> None:
    """Wait until something can be sent, or the socket has died."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(fd, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_writer(fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


class AsyncConnection:
    """A `Connection` for asyncio; one task may read, any number may send."""

    def __init__(self, connection: Connection) -> None:
        connection.sock.setblocking(False)
        self.connection = connection
        self.sorter = StreamSorter()
        self._writers = asyncio.Lock()
        self._arrival: asyncio.Event | None = None  # set while a task reads

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        self.connection.close()

    async def recv(self, size: int = READ_SIZE) -> Message:
        """Whatever comes next, see `Connection.recv`."""
        while True:
            try:
                return self.connection.recv(size)
            except BlockingIOError:
                await wait_readable(self.connection.fileno())

    async def send(self, data: bytes | memoryview, stream_id: int = -1, flags: int = 0) -> int:
        """Send on a stream; how many bytes were taken."""
        return await self._when_possible(lambda: self.connection.send(data, stream_id, flags | StreamFlags.DONTWAIT))

    async def send_all(self, data: bytes, stream_id: int, *, fin: bool = False) -> None:
        """Send all of `data` on an open stream."""
        flags = StreamFlags.FIN if fin else 0
        rest = memoryview(data)
        while rest := rest[await self.send(rest, stream_id, flags) :]:
            pass

    async def send_datagram(self, data: bytes) -> int:
        """Send one datagram."""
        return await self._when_possible(lambda: self.connection.send_datagram(data))

    async def open_stream(self, *, uni: bool = False) -> int:
        """Open a stream; its id."""
        flags = (StreamFlags.UNI if uni else 0) | StreamFlags.DONTWAIT
        stream_id = await self._when_possible(lambda: self.connection.open_stream(-1, flags))
        self.sorter.own(stream_id)
        return stream_id

    async def accept_stream(self) -> int:
        """Wait for a stream that the peer opens; its id."""
        return await self._sorted(StreamSorter.take_new)

    async def recv_stream(self, stream_id: int, size: int = READ_SIZE) -> bytes:
        """Some bytes of a stream; empty at its end."""
        return await self._sorted(lambda sorter: sorter.take(stream_id, size))

    async def read_stream(self, stream_id: int) -> bytes:
        """Everything up to the end of a stream."""
        parts = []
        while part := await self.recv_stream(stream_id):
            parts.append(part)
        return b"".join(parts)

    async def recv_datagram(self) -> bytes:
        """Wait for a datagram."""
        return await self._sorted(StreamSorter.take_datagram)

    async def _sorted(self, take: Callable[[StreamSorter], T | None]) -> T:
        """Read and sort until `take` finds what it looks for.

        One task reads; the others look again each time when something has come,
        as what one waits for may have been read by another.
        """
        while (found := take(self.sorter)) is None:
            if self._arrival is None:
                await self._read_one()
            else:
                await self._arrival.wait()
        return found

    async def _read_one(self) -> None:
        arrival = self._arrival = asyncio.Event()
        try:
            self.sorter.put(await self.recv())
        finally:
            self._arrival = None
            arrival.set()

    async def _when_possible(self, call: Callable[[], T]) -> T:
        pause = _FIRST_PAUSE
        while True:
            try:
                return call()
            except OSError as error:
                if error.errno not in _BLOCKED:
                    raise
            async with self._writers:
                await wait_writable(self.connection.fileno())
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class AsyncListener:
    """A `Listener` for asyncio."""

    def __init__(self, listener: Listener) -> None:
        listener.sock.setblocking(False)
        self.listener = listener

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        self.listener.close()

    async def accept(self) -> AsyncConnection:
        """The next connection; its handshake has not happened."""
        while True:
            try:
                return AsyncConnection(self.listener.accept())
            except BlockingIOError:
                await wait_readable(self.listener.fileno())


def connect(host: str, port: int, *, kind: int = socket.SOCK_STREAM) -> AsyncConnection:
    """See `kquic.sock.connect`; nothing is sent, so there is nothing to await."""
    return AsyncConnection(connect_blocking(host, port, kind=kind))
