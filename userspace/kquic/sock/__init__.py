# SPDX-License-Identifier: GPL-2.0-or-later
"""QUIC sockets: connections, listeners, streams, events over the kernel's IPPROTO_QUIC.

The handshake is not here: see `kquic.tls`.
"""

from __future__ import annotations

from ._abi import (
    IPPROTO_QUIC,
    MSG_DATAGRAM,
    MSG_NOTIFICATION,
    SOL_QUIC,
    VERSION_V1,
    VERSION_V2,
    CertificateRequest,
    Cipher,
    Config,
    CongestionControl,
    ConnectionClose,
    ConnectionIdInfo,
    CryptoLevel,
    CryptoSecret,
    EventType,
    RecvState,
    SendState,
    SockOpt,
    StreamFlags,
    TransportError,
    TransportParams,
)
from ._address import Address
from .aio import AsyncConnection, AsyncListener
from .connection import Connection, connect
from .events import (
    ConnectionClosed,
    ConnectionIdRetired,
    ConnectionMigrated,
    Datagram,
    Event,
    HandshakeData,
    KeyUpdated,
    Message,
    NewSessionTicket,
    NewToken,
    StreamCredit,
    StreamData,
    StreamsAllowed,
    StreamUpdated,
    UnknownEvent,
)
from .listener import Listener, listen
from .stream import Stream, StreamReset, Streams, StreamSorter, TooMuchUnread

__all__ = [
    "IPPROTO_QUIC",
    "MSG_DATAGRAM",
    "MSG_NOTIFICATION",
    "SOL_QUIC",
    "VERSION_V1",
    "VERSION_V2",
    "Address",
    "AsyncConnection",
    "AsyncListener",
    "CertificateRequest",
    "Cipher",
    "Config",
    "CongestionControl",
    "Connection",
    "ConnectionClose",
    "ConnectionClosed",
    "ConnectionIdInfo",
    "ConnectionIdRetired",
    "ConnectionMigrated",
    "CryptoLevel",
    "CryptoSecret",
    "Datagram",
    "Event",
    "EventType",
    "HandshakeData",
    "KeyUpdated",
    "Listener",
    "Message",
    "NewSessionTicket",
    "NewToken",
    "RecvState",
    "SendState",
    "SockOpt",
    "Stream",
    "StreamCredit",
    "StreamData",
    "StreamFlags",
    "StreamReset",
    "StreamSorter",
    "StreamUpdated",
    "Streams",
    "StreamsAllowed",
    "TooMuchUnread",
    "TransportError",
    "TransportParams",
    "UnknownEvent",
    "connect",
    "listen",
]
