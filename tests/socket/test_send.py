# SPDX-License-Identifier: GPL-2.0-or-later
"""sendmsg: which stream, which flags."""

from __future__ import annotations

import errno
import select
import socket

import pytest

from kquic.sock._abi import SOL_QUIC, CmsgType, EventType, SendState, StreamFlags, StreamInfo
from kquic.sock._cmsg import stream_cmsg
from kquic.sock.events import StreamData, StreamUpdated
from quic_pair import Pair, raises, read, ready

MSG_BATCH = 0x40000
NEW, FIN, UNI = StreamFlags.NEW, StreamFlags.FIN, StreamFlags.UNI


class TestChoice:
    """Which stream a message goes to."""

    def test_nothing_open(self, pair: Pair) -> None:
        with raises(errno.EINVAL):
            pair.client.send(b"x")
        with raises(errno.EINVAL):
            pair.client.sock.send(b"x", socket.MSG_NOSIGNAL)

    def test_plain_send_opens_and_continues(self, pair: Pair) -> None:
        assert pair.client.sock.send(b"one", NEW) == 3
        assert pair.client.sock.send(b"two") == 3
        assert read(pair.server, 6) == StreamData(0, b"onetwo")

    def test_new_on_a_used_stream(self, pair: Pair) -> None:
        pair.client.send(b"x", flags=NEW)
        with raises(errno.EINVAL):
            pair.client.send(b"x", flags=NEW)
        with raises(errno.EINVAL):
            pair.client.send(b"x", 0, NEW)

    def test_new_on_a_fresh_stream(self, pair: Pair) -> None:
        assert pair.client.open_stream() == 0
        pair.client.send(b"x", 0, NEW)
        assert read(pair.server, 1).stream_id == 0

    def test_lower_streams_open_too(self, pair: Pair) -> None:
        pair.client.send(b"x", 8, NEW)
        pair.client.send(b"y", 4)
        assert read(pair.server, 1) == StreamData(8, b"x")
        assert read(pair.server, 1) == StreamData(4, b"y")

    def test_ids_out_of_order(self, pair: Pair) -> None:
        for stream in (10, 2, 6):
            pair.client.send(b"z", stream, NEW | UNI)
            assert read(pair.server, 1) == StreamData(stream, b"z")

    def test_answer_without_an_id(self, pair: Pair) -> None:
        pair.client.send(b"ask", flags=NEW | FIN)
        assert read(pair.server, 4) == StreamData(0, b"ask", fin=True)
        pair.server.sock.send(b"answer")
        assert read(pair.client, 6) == StreamData(0, b"answer")

    def test_new_and_fin_on_the_peers_stream(self, pair: Pair) -> None:
        pair.client.send(b"ask", flags=NEW | FIN)
        read(pair.server, 4)
        pair.server.send(b"answer", 0, NEW | FIN)
        assert read(pair.client, 7) == StreamData(0, b"answer", fin=True)

    @pytest.mark.parametrize("stream", [0, 1, 2, 3, 40, 41])
    def test_never_opened(self, pair: Pair, stream: int) -> None:
        with raises(errno.EINVAL):
            pair.client.send(b"x", stream)

    def test_receive_only(self, pair: Pair) -> None:
        pair.server.send(b"x", flags=NEW | UNI)
        assert read(pair.client, 1).stream_id == 3
        with raises(errno.EINVAL):
            pair.client.send(b"x", 3)

    def test_after_fin(self, pair: Pair) -> None:
        pair.client.send(b"x", 0, NEW | FIN)
        with raises(errno.EINVAL):
            pair.client.send(b"x", 0)
        with raises(errno.EINVAL):
            pair.client.send(b"x")

    def test_released(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"x", 2, NEW | FIN | UNI)
        assert pair.client.recv() == StreamUpdated(2, SendState.RECVD, 0, 0)
        with raises(errno.ENOSTR):
            pair.client.send(b"x", 2)
        with raises(errno.ENOSTR):
            pair.client.send(b"x", 2, NEW)


class TestFlags:
    """What flags and ancillary data mean."""

    @pytest.mark.parametrize("flag", [socket.MSG_EOR, socket.MSG_OOB, socket.MSG_DONTROUTE])
    def test_unknown_flag(self, pair: Pair, flag: int) -> None:
        with raises(errno.EINVAL):
            pair.client.send(b"x", flags=NEW, msg_flags=flag)

    @pytest.mark.parametrize("flag", [socket.MSG_WAITALL, MSG_BATCH])
    def test_flags_without_effect(self, pair: Pair, flag: int) -> None:
        assert pair.client.send(b"x", flags=NEW, msg_flags=flag) == 1

    def test_unknown_stream_flag(self, pair: Pair) -> None:
        with raises(errno.EINVAL):
            pair.client.send(b"x", flags=NEW | 1)

    def test_unknown_cmsg(self, pair: Pair) -> None:
        with raises(errno.EINVAL):
            pair.client.sock.sendmsg([b"x"], [(SOL_QUIC, 7, bytes(16))], NEW)

    def test_foreign_cmsg_is_skipped(self, pair: Pair) -> None:
        foreign = (socket.SOL_SOCKET, 99, bytes(4))
        assert pair.client.sock.sendmsg([b"x"], [foreign], NEW) == 1

    def test_tls_record_cmsg_is_refused(self, pair: Pair) -> None:
        with raises(errno.EINVAL):
            pair.client.sock.sendmsg([b"x"], [(282, 1, b"\x15")], NEW)

    def test_short_cmsg_is_padded(self, pair: Pair) -> None:
        short = [(SOL_QUIC, CmsgType.STREAM_INFO, StreamInfo(0, NEW).pack()[:12])]
        assert pair.client.sock.sendmsg([b"x"], short) == 1

    def test_nothing_to_send(self, pair: Pair) -> None:
        with raises(errno.EMSGSIZE):
            pair.client.send(b"", flags=NEW)

    def test_fin_alone(self, pair: Pair) -> None:
        pair.client.send(b"x", flags=NEW)
        assert read(pair.server, 1).data == b"x"
        assert pair.client.send(b"", 0, FIN) == 0
        assert pair.server.recv() == StreamData(0, b"", fin=True)

    def test_several_buffers_are_one_string(self, pair: Pair) -> None:
        pair.client.sock.sendmsg([b"one", b"", b"two"], stream_cmsg(-1, NEW))
        assert read(pair.server, 6).data == b"onetwo"

    def test_more_waits_for_the_rest(self, pair: Pair) -> None:
        pair.client.send(b"head", flags=NEW, msg_flags=socket.MSG_MORE)
        assert not ready(pair.server, 200) & select.POLLIN
        pair.client.send(b"tail", 0)
        assert pair.server.recv() == StreamData(0, b"headtail")

    def test_more_is_not_overtaken(self, pair: Pair) -> None:
        pair.client.send(b"head", flags=NEW, msg_flags=socket.MSG_MORE)
        pair.client.send(b"of another stream", 4, NEW)
        assert pair.server.recv() == StreamData(0, b"head")
        assert pair.server.recv() == StreamData(4, b"of another stream")

    def test_corked_data_leaves_at_close(self, pair: Pair) -> None:
        pair.client.send(b"corked", flags=NEW, msg_flags=socket.MSG_MORE)
        pair.client.close()
        assert read(pair.server, 6).data == b"corked"
