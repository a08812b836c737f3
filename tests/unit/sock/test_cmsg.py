# SPDX-License-Identifier: GPL-2.0-or-later
"""Ancillary data of QUIC messages."""

from __future__ import annotations

import socket
import struct

from kquic.sock import _cmsg
from kquic.sock._abi import SOL_QUIC, CryptoLevel, HandshakeInfo, StreamFlags, StreamInfo


def test_control_space_is_that_of_the_interface() -> None:
    assert _cmsg.CONTROL_SPACE == 32
    assert socket.CMSG_LEN(StreamInfo.size()) == 32
    assert socket.CMSG_SPACE(HandshakeInfo.size()) == 24


def test_stream_cmsg_names_stream_and_flags() -> None:
    [(level, kind, data)] = _cmsg.stream_cmsg(-1, StreamFlags.NEW | StreamFlags.FIN)
    assert (level, kind) == (SOL_QUIC, 0)
    assert data == struct.pack("=qII", -1, 0x600, 0)


def test_handshake_cmsg_names_the_level() -> None:
    assert _cmsg.handshake_cmsg(CryptoLevel.HANDSHAKE) == [(SOL_QUIC, 1, b"\x02")]


def test_parse_skips_what_is_not_quic() -> None:
    foreign = (socket.SOL_SOCKET, socket.SCM_RIGHTS, b"\0" * 16)
    stream = (SOL_QUIC, 0, StreamInfo(7, StreamFlags.FIN).pack())
    info = _cmsg.parse_cmsgs([foreign, stream])
    assert info == StreamInfo(7, StreamFlags.FIN)
    assert isinstance(info, StreamInfo)
    assert _cmsg.is_fin(info)


def test_parse_refuses_a_cut_stream_info() -> None:
    assert _cmsg.parse_cmsgs([(SOL_QUIC, 0, b"\0" * 12)]) is None
