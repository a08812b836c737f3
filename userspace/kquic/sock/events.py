# SPDX-License-Identifier: GPL-2.0-or-later
"""What one read from a QUIC socket can bring, as frozen dataclasses."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ._abi import (
    ConnectionClose,
    ConnectionIdInfo,
    CryptoLevel,
    EventType,
    RecvState,
    SendState,
    StreamMaxData,
    StreamUpdate,
)


@dataclass(frozen=True, slots=True)
class HandshakeData:
    """CRYPTO bytes of one encryption level."""

    level: CryptoLevel
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamData:
    """Bytes of one stream; `fin` says that they are the last.

    `stream_id` is None where the kernel had no room to name the stream.
    """

    stream_id: int | None
    data: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram (RFC 9221), or the part of it that fitted; `complete` tells."""

    data: bytes
    complete: bool = True


@dataclass(frozen=True, slots=True)
class StreamUpdated:
    """A stream changed its state."""

    stream_id: int
    state: SendState | RecvState
    errcode: int
    final_size: int


@dataclass(frozen=True, slots=True)
class StreamCredit:
    """The peer raised the credit of a stream to `max_data` bytes in all."""

    stream_id: int
    max_data: int


@dataclass(frozen=True, slots=True)
class StreamsAllowed:
    """The peer raised a stream limit: `max_stream_id` is the highest own id now allowed."""

    max_stream_id: int


@dataclass(frozen=True, slots=True)
class ConnectionIdRetired:
    """An id was retired; `of_peer` tells whose it was."""

    of_peer: bool
    active: int
    prior_to: int


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """The connection ended: by the peer, a violation, idleness or a reset."""

    errcode: int
    frame: int
    phrase: str


@dataclass(frozen=True, slots=True)
class ConnectionMigrated:
    """The path switched; `local` tells whether our address changed or the peer's."""

    local: bool


@dataclass(frozen=True, slots=True)
class KeyUpdated:
    """The peer updated its keys; `phase` is the new key phase."""

    phase: int


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token for a later connection arrived."""

    token: bytes


@dataclass(frozen=True, slots=True)
class NewSessionTicket:
    """A TLS NewSessionTicket message arrived."""

    message: bytes


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event of a kind that this version does not know."""

    type: int
    payload: bytes


Event = (
    StreamUpdated
    | StreamCredit
    | StreamsAllowed
    | ConnectionIdRetired
    | ConnectionClosed
    | ConnectionMigrated
    | KeyUpdated
    | NewToken
    | NewSessionTicket
    | UnknownEvent
)
Message = HandshakeData | StreamData | Datagram | Event


def _stream_updated(payload: bytes) -> Event:
    update = StreamUpdate.unpack(payload)
    state = RecvState(update.state) if update.state >= RecvState.RECV else SendState(update.state)
    return StreamUpdated(update.id, state, update.errcode, update.finalsz)


def _stream_credit(payload: bytes) -> Event:
    credit = StreamMaxData.unpack(payload)
    return StreamCredit(credit.id, credit.max_data)


def _id_retired(payload: bytes) -> Event:
    info = ConnectionIdInfo.unpack(payload)
    return ConnectionIdRetired(bool(info.dest), info.active, info.prior_to)


def _closed(payload: bytes) -> Event:
    close = ConnectionClose.unpack(payload)
    return ConnectionClosed(close.errcode, close.frame, close.text)


_PARSERS = {
    EventType.STREAM_UPDATE: _stream_updated,
    EventType.STREAM_MAX_DATA: _stream_credit,
    EventType.STREAM_MAX_STREAM: lambda p: StreamsAllowed(struct.unpack("@Q", p[:8])[0]),
    EventType.CONNECTION_ID: _id_retired,
    EventType.CONNECTION_CLOSE: _closed,
    EventType.CONNECTION_MIGRATION: lambda p: ConnectionMigrated(bool(p[0])),
    EventType.KEY_UPDATE: lambda p: KeyUpdated(p[0]),
    EventType.NEW_TOKEN: NewToken,
    EventType.NEW_SESSION_TICKET: NewSessionTicket,
}


def parse_event(notification: bytes) -> Event:
    """Parse a notification: a type byte, then its payload."""
    kind, payload = notification[0], notification[1:]
    parser = _PARSERS.get(kind)  # type: ignore[call-overload]
    return parser(payload) if parser else UnknownEvent(kind, payload)
