# SPDX-License-Identifier: GPL-2.0-or-later
"""recvmsg: stream data, notifications and datagrams."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time

import pytest

from kquic.sock._abi import (
    MSG_DATAGRAM,
    MSG_NOTIFICATION,
    EventType,
    RecvState,
    SendState,
    StreamFlags,
    TransportParams,
)
from kquic.sock._cmsg import CONTROL_SPACE, stream_cmsg
from kquic.sock.events import Datagram, StreamCredit, StreamData, StreamUpdated
from quic_pair import TIMEOUT, Pair, established, raises, read, wait_for

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN
NOWAIT = socket.MSG_DONTWAIT


class TestReceive:
    """Stream data."""

    def test_stops_at_another_stream(self, pair: Pair) -> None:
        pair.client.send(b"a", 0, NEW)
        pair.client.send(b"b", 4, NEW)
        pair.client.send(b"c", 0)
        deadline = time.monotonic() + TIMEOUT
        while pair.server.unread < 3:
            assert time.monotonic() < deadline
        assert pair.server.recv() == StreamData(0, b"a")
        assert pair.server.recv() == StreamData(4, b"b")
        assert pair.server.recv() == StreamData(0, b"c")

    def test_plain_reader_sees_fin_in_the_flags(self, pair: Pair) -> None:
        pair.client.send(b"all", flags=NEW | FIN)
        data, cmsgs, flags, _ = pair.server.sock.recvmsg(100)
        assert (data, cmsgs) == (b"all", [])
        assert flags & socket.MSG_CTRUNC
        assert flags & FIN

    def test_plain_reader_sees_the_end(self, pair: Pair) -> None:
        pair.client.send(b"all", flags=NEW)
        assert pair.server.sock.recv(100) == b"all"
        pair.client.send(b"", 0, FIN)
        assert pair.server.sock.recv(100) == b""

    def test_small_buffer(self, pair: Pair) -> None:
        pair.client.send(b"abcdef", flags=NEW | FIN)
        assert pair.server.recv(4) == StreamData(0, b"abcd")
        assert pair.server.recv(4) == StreamData(0, b"ef", fin=True)

    def test_peek_takes_nothing(self, pair: Pair) -> None:
        pair.client.send(b"abc", flags=NEW | FIN)
        for _ in range(3):
            assert pair.server.recv(100, socket.MSG_PEEK) == StreamData(0, b"abc", fin=True)
        assert pair.server.unread == 3
        assert pair.server.recv() == StreamData(0, b"abc", fin=True)
        assert pair.server.unread == 0

    @pytest.mark.parametrize(
        "flags",
        [
            *(FIN, NEW, StreamFlags.UNI, StreamFlags.SNDBLOCK, StreamFlags.DONTWAIT, MSG_DATAGRAM, MSG_NOTIFICATION),
            *(socket.MSG_EOR, socket.MSG_WAITALL, socket.MSG_NOSIGNAL, socket.MSG_TRUNC, socket.MSG_CTRUNC),
            *(socket.MSG_OOB, socket.MSG_DONTROUTE, 0x7FFFFFFF & ~(socket.MSG_PEEK | NOWAIT)),
        ],
    )
    def test_stale_flags_mean_nothing(self, pair: Pair, flags: int) -> None:
        pair.client.send(b"abc", flags=NEW | FIN)
        assert pair.server.recv(100, flags) == StreamData(0, b"abc", fin=True)
        with raises(errno.EAGAIN):
            pair.server.recv(100, flags | NOWAIT)

    def test_timeout(self, pair: Pair) -> None:
        pair.server.set_timeout(0.2)
        start = time.monotonic()
        with raises(errno.EAGAIN):
            pair.server.recv()
        assert 0.1 < time.monotonic() - start < 5

    def test_after_close_first_the_rest(self, pair: Pair) -> None:
        pair.client.send(b"last", flags=NEW | FIN)
        wait_for(pair.server, select.POLLIN)
        pair.client.close()
        wait_for(pair.server, select.POLLHUP)
        assert pair.server.recv() == StreamData(0, b"last", fin=True)
        for _ in range(2):
            with raises(errno.ENOTCONN):
                pair.server.recv()
        with raises(errno.EPIPE):
            pair.server.send(b"x", flags=NEW)

    def test_reader_is_woken_by_the_end(self, pair: Pair) -> None:
        def leave() -> None:
            time.sleep(0.3)
            pair.client.close()

        thread = threading.Thread(target=leave)
        thread.start()
        with raises(errno.ENOTCONN):
            pair.server.recv()
        thread.join()


class TestEvents:
    """Notifications about streams."""

    def test_one_frame_starts_and_ends(self, pair: Pair) -> None:
        pair.server.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"all", flags=NEW | FIN)
        assert pair.server.recv() == StreamUpdated(0, RecvState.RECV, 0, 0)
        assert pair.server.recv() == StreamUpdated(0, RecvState.RECVD, 0, 3)
        assert pair.server.recv() == StreamData(0, b"all", fin=True)

    def test_echo(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"ask", flags=NEW | FIN)
        read(pair.server, 4)
        assert pair.client.recv() == StreamUpdated(0, SendState.RECVD, 0, 0)
        pair.server.send(b"answer", 0, FIN)
        assert pair.client.recv() == StreamUpdated(0, RecvState.RECV, 0, 0)
        assert pair.client.recv() == StreamUpdated(0, RecvState.RECVD, 0, 6)

    def test_reset(self, pair: Pair) -> None:
        for end in (pair.client, pair.server):
            end.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"unread", flags=NEW)
        wait_for(pair.server, select.POLLIN)
        pair.client.reset_stream(0, 7)
        assert pair.client.recv() == StreamUpdated(0, SendState.RESET_RECVD, 7, 6)
        assert pair.server.recv() == StreamUpdated(0, RecvState.RECV, 0, 0)
        assert pair.server.recv() == StreamUpdated(0, RecvState.RESET_RECVD, 7, 6)
        assert pair.server.unread == 0
        with raises(errno.EAGAIN):
            pair.server.recv(flags=NOWAIT)

    def test_stop_sending(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"x", flags=NEW)
        read(pair.server, 1)
        pair.server.stop_sending(0, 9)
        assert pair.client.recv() == StreamUpdated(0, SendState.RESET_SENT, 9, 1)
        assert pair.client.recv() == StreamUpdated(0, SendState.RESET_RECVD, 9, 1)
        with raises(errno.EINVAL):
            pair.client.send(b"x", 0)

    def test_stream_credit(self) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=20_000)) as pair:
            pair.client.enable_event(EventType.STREAM_MAX_DATA)
            pair.client.send(bytes(15_000), flags=NEW)
            read(pair.server, 15_000)
            event = pair.client.recv()
            assert isinstance(event, StreamCredit)
            assert event.stream_id == 0
            assert 30_000 <= event.max_data <= 35_000

    def test_small_buffer(self, pair: Pair) -> None:
        pair.server.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"x", flags=NEW)
        parts, flags = b"", 0
        while not flags & socket.MSG_EOR:
            data, _, flags, _ = pair.server.sock.recvmsg(10, CONTROL_SPACE)
            assert flags & MSG_NOTIFICATION
            parts += data
        assert len(parts) == 25
        assert parts[0] == EventType.STREAM_UPDATE


class TestDatagrams:
    """RFC 9221."""

    BOTH = TransportParams(max_datagram_frame_size=1400)

    def test_refused_without_permission(self, pair: Pair) -> None:
        with raises(errno.EINVAL):
            pair.client.send_datagram(b"x")

    def test_arrives_whole(self) -> None:
        with established(self.BOTH) as pair:
            assert pair.client.send_datagram(b"datagram") == 8
            assert pair.server.recv() == Datagram(b"datagram")

    def test_in_parts(self) -> None:
        with established(self.BOTH) as pair:
            pair.client.send_datagram(b"datagram")
            assert pair.server.recv(4) == Datagram(b"data", complete=False)
            assert pair.server.recv(4) == Datagram(b"gram")

    def test_sizes(self) -> None:
        with established(self.BOTH) as pair:
            for data in (b"", bytes(1400), bytes(100_000)):
                with raises(errno.EMSGSIZE):
                    pair.client.send_datagram(data)

    def test_stream_info_is_ignored(self) -> None:
        with established(self.BOTH) as pair:
            pair.client.sock.sendmsg([b"d"], stream_cmsg(77), MSG_DATAGRAM)
            assert pair.server.recv() == Datagram(b"d")
