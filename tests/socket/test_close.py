# SPDX-License-Identifier: GPL-2.0-or-later
"""close() and shutdown(): what still arrives, and what each end sees."""

from __future__ import annotations

import errno
import select
import socket
import struct

import pytest

from kquic.sock._abi import EventType, RecvState, StreamFlags
from kquic.sock.events import StreamData, StreamUpdated
from quic_pair import Pair, raises, read, relayed, wait_for

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN


class TestDelivery:
    """What was written before close() arrives, also when packets are lost."""

    def test_data(self) -> None:
        with relayed() as (pair, relay):
            relay.lose_from_client = 1
            pair.client.send(b"last words", flags=NEW | FIN)
            pair.client.close()
            assert read(pair.server, 100) == StreamData(0, b"last words", fin=True)

    def test_fin_alone(self) -> None:
        with relayed() as (pair, relay):
            pair.client.send(b"x", flags=NEW)
            assert read(pair.server, 1).data == b"x"
            relay.lose_from_client = 1
            pair.client.send(b"", 0, FIN)
            pair.client.close()
            assert pair.server.recv() == StreamData(0, b"", fin=True)

    def test_reset_alone(self) -> None:
        with relayed() as (pair, relay):
            pair.client.send(b"x", flags=NEW)
            assert read(pair.server, 1).data == b"x"
            pair.server.enable_event(EventType.STREAM_UPDATE)
            relay.lose_from_client = 1
            pair.client.reset_stream(0, 5)
            pair.client.close()
            assert pair.server.recv() == StreamUpdated(0, RecvState.RESET_RECVD, 5, 1)

    @pytest.mark.parametrize("seconds", [0, 5])
    def test_linger_is_not_honoured(self, pair: Pair, seconds: int) -> None:
        """Neither does close() wait, nor is anything thrown away."""
        pair.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
        pair.client.send(b"x" * 50_000, flags=NEW | FIN)
        pair.client.close()
        assert len(read(pair.server, 60_000).data) == 50_000

    def test_code_and_phrase(self, pair: Pair) -> None:
        pair.client.set_close_info(77, "enough")
        pair.client.close()
        wait_for(pair.server, select.POLLHUP)
        assert (pair.server.close_info.errcode, pair.server.close_info.text) == (77, "enough")


class TestShutdown:
    """There is no half-close: any direction ends the connection."""

    @pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR])
    def test_corked_data_leaves(self, pair: Pair, how: int) -> None:
        pair.client.send(b"corked", flags=NEW, msg_flags=socket.MSG_MORE)
        pair.client.sock.shutdown(how)
        assert pair.server.recv() == StreamData(0, b"corked")
        with raises(errno.ENOTCONN):
            pair.server.recv()

    @pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR])
    def test_peer_is_told(self, pair: Pair, how: int) -> None:
        pair.client.set_close_info(9, "bye")
        pair.client.sock.shutdown(how)
        wait_for(pair.server, select.POLLHUP)
        assert (pair.server.close_info.errcode, pair.server.close_info.text) == (9, "bye")

    def test_nothing_is_said_for_reading(self, pair: Pair) -> None:
        pair.client.sock.shutdown(socket.SHUT_RD)
        with raises(errno.ENOTCONN):
            pair.client.recv()
        pair.server.send(b"x", flags=NEW)
        assert not pair.server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def test_what_has_come_stays_readable(self, pair: Pair) -> None:
        pair.server.send(b"early", flags=NEW | FIN)
        wait_for(pair.client, select.POLLIN)
        pair.client.sock.shutdown(socket.SHUT_RDWR)
        assert pair.client.recv() == StreamData(1, b"early", fin=True)
        with raises(errno.ENOTCONN):
            pair.client.recv()
        with raises(errno.EPIPE):
            pair.client.send(b"x", flags=NEW)

    @pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
    def test_twice(self, pair: Pair, how: int) -> None:
        pair.client.sock.shutdown(how)
        with raises(errno.ENOTCONN):
            pair.client.sock.shutdown(how)

    def test_unknown_direction(self, pair: Pair) -> None:
        with raises(errno.EINVAL):
            pair.client.sock.shutdown(3)
