# SPDX-License-Identifier: GPL-2.0-or-later
"""Ancillary data and message flags, byte by byte."""

from __future__ import annotations

import errno
import socket
import struct
from contextlib import ExitStack

import pytest

import raw_calls as raw
from kquic.sock import Connection, TransportParams, listen
from kquic.sock._abi import (
    MSG_DATAGRAM,
    MSG_NOTIFICATION,
    SOL_QUIC,
    CmsgType,
    CryptoLevel,
    EventType,
    RecvState,
    StreamFlags,
    StreamInfo,
)
from kquic.sock._cmsg import stream_cmsg
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, raises, read

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN
NOWAIT = socket.MSG_DONTWAIT
V4 = socket.AF_INET


def cmsg(level: int, kind: int, data: bytes) -> bytes:
    """One element of ancillary data as it lies in memory."""
    return struct.pack("@Nii", socket.CMSG_LEN(len(data)), level, kind) + data


class TestControl:
    """Ancillary data on receive."""

    def test_stream_info(self, pair: Pair) -> None:
        """Sixteen bytes, the last four zero; no address."""
        pair.client.send(b"abc", flags=NEW | FIN)
        got = raw.recvmsg(pair.server.sock, 100, 200)
        assert got.control == cmsg(SOL_QUIC, CmsgType.STREAM_INFO, StreamInfo(0, FIN).pack())
        assert (got.data, got.flags, got.namelen) == (b"abc", 0, 0)

    @pytest.mark.parametrize("room", [0, 8, raw.STREAM_SPACE - 16, raw.STREAM_SPACE - 1])
    def test_too_little_room(self, pair: Pair, room: int) -> None:
        """Data comes nevertheless, and the FIN is in the flags."""
        pair.client.send(b"abc", flags=NEW | FIN)
        got = raw.recvmsg(pair.server.sock, 100, room)
        assert got.data == b"abc"
        assert got.flags == socket.MSG_CTRUNC | FIN

    def test_exactly_enough_room(self, pair: Pair) -> None:
        pair.client.send(b"abc", flags=NEW | FIN)
        assert raw.recvmsg(pair.server.sock, 100, raw.STREAM_SPACE).flags == 0

    def test_stale_message_flags(self, pair: Pair) -> None:
        """msg_flags is for results only."""
        pair.client.send(b"abc", flags=NEW)
        assert raw.recvmsg(pair.server.sock, 100, raw.STREAM_SPACE, stale=-1).flags == 0

    def test_handshake_in_parts(self) -> None:
        """Each names its level; the last says that it is the last, and none that something was lost."""
        with ExitStack() as opened:
            listener = opened.enter_context(listen(LOCALHOST))
            listener.set_timeout(TIMEOUT)
            client = opened.enter_context(Connection.create(V4))
            client.connect(LOCALHOST, listener.port)
            hello = client_hello()
            client.send_handshake(CryptoLevel.INITIAL, hello)
            server = opened.enter_context(listener.accept())
            peeked = raw.recvmsg(server.sock, 10, raw.HANDSHAKE_SPACE, socket.MSG_PEEK)
            parts = []
            while sum(len(part.data) for part in parts) < len(hello):
                parts.append(raw.recvmsg(server.sock, 100, raw.HANDSHAKE_SPACE, NOWAIT))
            assert b"".join(part.data for part in parts) == hello
            assert peeked.data == hello[:10]
            info = cmsg(SOL_QUIC, CmsgType.HANDSHAKE_INFO, bytes([CryptoLevel.INITIAL]))
            assert all(part.control[: len(info)] == info for part in parts)
            assert [part.flags for part in parts] == [0] * (len(parts) - 1) + [socket.MSG_EOR]
            with raises(errno.EAGAIN):
                raw.recvmsg(server.sock, 100, raw.HANDSHAKE_SPACE, NOWAIT)

    def test_event_in_parts(self, pair: Pair) -> None:
        """Without ancillary data; peeking does not finish it."""
        pair.server.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"x", flags=NEW)
        whole = raw.recvmsg(pair.server.sock, 100, raw.STREAM_SPACE, socket.MSG_PEEK)
        assert whole.flags == MSG_NOTIFICATION | socket.MSG_EOR
        assert whole.control == b""
        expected = struct.pack("=BqB3xIQ", EventType.STREAM_UPDATE, 0, RecvState.RECV, 0, 0)
        assert whole.data == expected
        first = raw.recvmsg(pair.server.sock, 1, 0)
        assert (first.data, first.flags) == (expected[:1], MSG_NOTIFICATION)
        rest = raw.recvmsg(pair.server.sock, 100, 0)
        assert (rest.data, rest.flags) == (expected[1:], MSG_NOTIFICATION | socket.MSG_EOR)

    def test_datagram(self) -> None:
        with established(TransportParams(max_datagram_frame_size=1400)) as pair:
            pair.client.send_datagram(b"datagram")
            assert raw.recvmsg(pair.server.sock, 4, 200).flags == MSG_DATAGRAM
            rest = raw.recvmsg(pair.server.sock, 100, 200)
            assert (rest.data, rest.flags, rest.control) == (b"gram", MSG_DATAGRAM | socket.MSG_EOR, b"")

    def test_peer_address_is_not_told(self, pair: Pair) -> None:
        pair.client.send(b"x", flags=NEW)
        assert pair.server.sock.recvfrom(10) == (b"x", None)

    def test_send_ignores_an_address(self, pair: Pair) -> None:
        """That is, whoever it names."""
        assert pair.client.sock.sendto(b"x", NEW, ("192.0.2.1", 9)) == 1
        assert read(pair.server, 1).data == b"x"

    def test_the_handshake_wins_over_a_stream(self, pair: Pair) -> None:
        """With both named, the bytes are TLS's."""
        both = [(SOL_QUIC, CmsgType.HANDSHAKE_INFO, b"\0"), *stream_cmsg(-1, NEW)]
        pair.client.enable_event(EventType.NEW_SESSION_TICKET)
        ticket = b"\x04\x00\x00\x50" + bytes(80)
        assert pair.server.sock.sendmsg([ticket], both) == len(ticket)
        assert raw.recvmsg(pair.client.sock, 200, 0).data == bytes([EventType.NEW_SESSION_TICKET]) + ticket

    @pytest.mark.parametrize("length", [0, 8, 15, 0xFFFF])
    def test_malformed(self, pair: Pair, length: int) -> None:
        """An element that is shorter than its header, or longer than the buffer."""
        element = bytearray(cmsg(SOL_QUIC, CmsgType.STREAM_INFO, StreamInfo(-1, NEW).pack()))
        struct.pack_into("@N", element, 0, length)
        with raises(errno.EINVAL):
            raw.sendmsg(pair.client.sock, b"x", bytes(element))
