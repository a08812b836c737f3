# SPDX-License-Identifier: GPL-2.0-or-later
"""RPC messages in a byte stream, and the stream of a QUIC connection that each of them belongs to.

Record marking is that of TCP (RFC 5531, 11). On QUIC, whoever has opened a stream sends Calls on it and nothing else,
the other end Replies, each on the stream of its Call (draft-cel-nfsv4-rpc-over-quicv1). Nothing in here knows a socket.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kquic.errors import KquicError

#: The longest message that is taken; NFS uses a little more than 1 MiB.
LONGEST = 4 << 20
#: How many Calls of the other end may be unanswered.
MOST_CALLS = 4096

_CALL, _REPLY = 0, 1
_LAST = 1 << 31
_MARK = struct.Struct(">I")
_HEAD = struct.Struct(">II")


class MalformedRecord(KquicError):
    """Something that is no RPC message, or too long for one."""


class Records:
    """Takes bytes of one stream, gives whole messages."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._message = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that end within these bytes.

        Raises:
            MalformedRecord: a message is longer than LONGEST or shorter than a header.
        """
        self._data += data
        while len(self._data) >= _MARK.size:
            (mark,) = _MARK.unpack_from(self._data)
            length = mark & ~_LAST
            if len(self._message) + length > LONGEST:
                raise MalformedRecord(f"a message of more than {LONGEST} bytes")
            if len(self._data) < _MARK.size + length:
                return
            self._message += self._data[_MARK.size : _MARK.size + length]
            del self._data[: _MARK.size + length]
            if mark & _LAST:
                yield self._take()

    @property
    def kept(self) -> int:
        """Bytes that wait for the rest of their message."""
        return len(self._data) + len(self._message)

    def _take(self) -> bytes:
        message = bytes(self._message)
        self._message.clear()
        if len(message) < _HEAD.size:
            raise MalformedRecord(f"a message of {len(message)} bytes")
        return message


def record(message: bytes) -> bytes:
    """A message with its mark, in one fragment."""
    return _MARK.pack(_LAST | len(message)) + message


class Routes:
    """Which messages may come on which stream, and where messages go.

    Attributes:
        own: the streams that this end has opened for its Calls; they take turns.
    """

    def __init__(self, *, is_server: bool) -> None:
        self._initiator = int(is_server)
        self._calls: dict[int, int] = {}
        self._turn = 0
        self.own: list[int] = []

    def admits(self, stream: int, message: bytes) -> bool:
        """Whether a message that has come is one: those in the wrong direction are to be dropped silently."""
        xid, direction = _HEAD.unpack_from(message)
        if stream & 1 == self._initiator:
            return bool(direction == _REPLY)
        if direction != _CALL or len(self._calls) >= MOST_CALLS:
            return False
        self._calls[xid] = stream
        return True

    def stream_for(self, message: bytes) -> int | None:
        """Where to send a message; None for a Reply to nothing, or if there is no own stream."""
        xid, direction = _HEAD.unpack_from(message)
        if direction == _REPLY:
            return self._calls.pop(xid, None)
        if not self.own:
            return None
        self._turn = (self._turn + 1) % len(self.own)
        return self.own[self._turn]

    def is_call(self, message: bytes) -> bool:
        """Whether it is a Call, for which there has to be an own stream."""
        return bool(_HEAD.unpack_from(message)[1] == _CALL)
