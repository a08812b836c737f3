# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams as objects: a connection's messages sorted by stream.

A connection has one queue for everything; `StreamSorter` (pure) sorts it, and
`Streams` reads the connection as far as one stream's reader needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from kquic.errors import KquicError

from ._abi import RecvState, StreamFlags
from .connection import Connection
from .events import Datagram, HandshakeData, Message, StreamData, StreamUpdated

T = TypeVar("T")

#: How many unread bytes of other streams are kept while one stream is waited for.
MAX_KEPT = 64 * 1024 * 1024


class StreamReset(KquicError):
    """The peer gave up sending on the stream; `errcode` is its application error."""

    def __init__(self, stream_id: int, errcode: int) -> None:
        self.stream_id, self.errcode = stream_id, errcode
        super().__init__(f"stream {stream_id} was reset with error {errcode}")


class TooMuchUnread(KquicError):
    """Other streams received more than may be kept while one is waited for."""


class _Inbox:
    """What arrived for one stream."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.fin = False
        self.reset: int | None = None


class StreamSorter:
    """Sorts messages by stream; no socket, no waiting."""

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._inboxes: dict[int, _Inbox] = {}
        self._new: deque[int] = deque()
        self._known: set[int] = set()
        self._max_kept, self._kept = max_kept, 0
        self.others: deque[Message] = deque()

    def own(self, stream_id: int) -> None:
        """A stream that this side opened: it is no news when it answers."""
        self._known.add(stream_id)

    def put(self, message: Message) -> None:
        """Sort one message."""
        if isinstance(message, StreamData):
            self._put_data(message)
        elif isinstance(message, StreamUpdated) and message.state == RecvState.RESET_RECVD:
            self._inbox(message.stream_id).reset = message.errcode
            self.others.append(message)
        elif not isinstance(message, HandshakeData):
            self.others.append(message)

    def _put_data(self, message: StreamData) -> None:
        self._kept += len(message.data)
        if self._kept > self._max_kept:
            raise TooMuchUnread(f"more than {self._max_kept} unread bytes on other streams")
        inbox = self._inbox(0 if message.stream_id is None else message.stream_id)
        inbox.data += message.data
        inbox.fin = inbox.fin or message.fin

    def _inbox(self, stream_id: int) -> _Inbox:
        if stream_id not in self._known:
            self._known.add(stream_id)
            self._new.append(stream_id)
        return self._inboxes.setdefault(stream_id, _Inbox())

    def take_new(self) -> int | None:
        """The next stream that the peer opened."""
        return self._new.popleft() if self._new else None

    def take(self, stream_id: int, size: int) -> bytes | None:
        """Bytes of a stream; empty at its end; None if there is nothing yet."""
        inbox = self._inboxes.get(stream_id)
        if inbox is None:
            return None
        if inbox.reset is not None:
            raise StreamReset(stream_id, inbox.reset)
        if not inbox.data and not inbox.fin:
            return None
        data = bytes(inbox.data[:size])
        del inbox.data[:size]
        self._kept -= len(data)
        return data

    def take_datagram(self) -> bytes | None:
        """The next datagram."""
        for message in self.others:
            if isinstance(message, Datagram):
                self.others.remove(message)
                return message.data
        return None


class Stream:
    """One stream of a connection."""

    def __init__(self, streams: Streams, stream_id: int) -> None:
        self._streams, self.id = streams, stream_id

    def send(self, data: bytes, *, fin: bool = False) -> None:
        """Send all of `data`; `fin` ends our side of the stream."""
        flags = StreamFlags.FIN if fin else 0
        self._streams.connection.send_all(data, self.id, flags)

    def recv(self, size: int = 65536) -> bytes:
        """Some bytes; empty at the end of the stream."""
        return self._streams.wait(lambda sorter: sorter.take(self.id, size))

    def read(self) -> bytes:
        """Everything up to the end of the stream."""
        return b"".join(iter(self.recv, b""))

    def reset(self, errcode: int = 0) -> None:
        """Give up sending."""
        self._streams.connection.reset_stream(self.id, errcode)

    def stop_sending(self, errcode: int = 0) -> None:
        """Ask the peer to give up sending."""
        self._streams.connection.stop_sending(self.id, errcode)


class Streams:
    """The streams of a connection; one thread reads at a time."""

    def __init__(self, connection: Connection, max_kept: int = MAX_KEPT) -> None:
        self.connection = connection
        self.sorter = StreamSorter(max_kept)

    def open(self, *, uni: bool = False) -> Stream:
        """Open a stream."""
        stream_id = self.connection.open_stream(flags=StreamFlags.UNI if uni else 0)
        self.sorter.own(stream_id)
        return Stream(self, stream_id)

    def accept(self) -> Stream:
        """Wait for a stream that the peer opens."""
        return Stream(self, self.wait(StreamSorter.take_new))

    def recv_datagram(self) -> bytes:
        """Wait for a datagram."""
        return self.wait(StreamSorter.take_datagram)

    def wait(self, take: Callable[[StreamSorter], T | None]) -> T:
        """Read the connection until `take` finds what it looks for."""
        while (found := take(self.sorter)) is None:
            self.sorter.put(self.connection.recv())
        return found
