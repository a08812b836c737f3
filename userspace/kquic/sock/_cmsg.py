# SPDX-License-Identifier: GPL-2.0-or-later
"""Ancillary data of QUIC messages: pure functions, no socket."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence

from ._abi import SOL_QUIC, CmsgType, CryptoLevel, HandshakeInfo, StreamFlags, StreamInfo

Cmsg = tuple[int, int, bytes]

#: Room for either kind; one message carries one of them.
CONTROL_SPACE = socket.CMSG_SPACE(max(StreamInfo.size(), HandshakeInfo.size()))


def stream_cmsg(stream_id: int, flags: int = 0) -> list[Cmsg]:
    """Ancillary data that names a stream."""
    info = StreamInfo(stream_id, int(flags))
    return [(SOL_QUIC, CmsgType.STREAM_INFO, info.pack())]


def handshake_cmsg(level: CryptoLevel) -> list[Cmsg]:
    """Ancillary data that names the encryption level of CRYPTO bytes."""
    return [(SOL_QUIC, CmsgType.HANDSHAKE_INFO, HandshakeInfo(level).pack())]


def parse_cmsgs(items: Iterable[Sequence[object]]) -> StreamInfo | HandshakeInfo | None:
    """The QUIC element among received ancillary data, if there is one."""
    for level, kind, data in items:
        if level != SOL_QUIC or not isinstance(data, bytes):
            continue
        if kind == CmsgType.STREAM_INFO and len(data) == StreamInfo.size():
            return StreamInfo.unpack(data)
        if kind == CmsgType.HANDSHAKE_INFO and len(data) >= HandshakeInfo.size():
            return HandshakeInfo.unpack(data)
    return None


def is_fin(info: StreamInfo) -> bool:
    """Whether the stream ends with the bytes of this message."""
    return bool(info.stream_flags & StreamFlags.FIN)
