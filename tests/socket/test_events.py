# SPDX-License-Identifier: GPL-2.0-or-later
"""Events of the connection, and when each comes. Those of streams are in test_receive.py."""

from __future__ import annotations

import errno
import select
import socket
import time

import pytest

from kquic.sock import Config, TransportParams
from kquic.sock._abi import ConnectionIdInfo, EventType, RecvState, StreamFlags
from kquic.sock.events import (
    ConnectionClosed,
    ConnectionIdRetired,
    KeyUpdated,
    NewToken,
    StreamData,
    StreamsAllowed,
    StreamUpdated,
)
from quic_pair import Pair, established, raises, read, relayed, wait_for

NEW, FIN, UNI = StreamFlags.NEW, StreamFlags.FIN, StreamFlags.UNI
NOWAIT = socket.MSG_DONTWAIT


def talk(pair: Pair) -> None:
    """A byte each way, so that each end has seen 1-RTT packets of the other."""
    for sender, receiver in ((pair.client, pair.server), (pair.server, pair.client)):
        sender.send(b"x", flags=NEW | FIN)
        assert read(receiver, 2).data == b"x"


class TestOrder:
    """Where events stand among what can be read."""

    def test_off_by_default(self, pair: Pair) -> None:
        pair.client.send(b"x", flags=NEW | FIN)
        assert isinstance(pair.server.recv(), StreamData)
        with raises(errno.EAGAIN):
            pair.server.recv(flags=NOWAIT)

    def test_before_unread_data(self, pair: Pair) -> None:
        pair.client.send(b"x", flags=NEW)
        wait_for(pair.server, select.POLLIN)
        pair.server.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"", 0, FIN)
        while pair.server.unread < 26:
            time.sleep(0.01)
        assert pair.server.recv() == StreamUpdated(0, RecvState.RECVD, 0, 1)
        assert read(pair.server, 2) == StreamData(0, b"x", fin=True)

    def test_final_size_ahead_of_the_data(self) -> None:
        with relayed(lambda end: end.configure(Config(stream_data_nodelay=1))) as (pair, relay):
            pair.client.send(b"start", flags=NEW)
            assert read(pair.server, 5).data == b"start"
            pair.server.enable_event(EventType.STREAM_UPDATE)
            relay.smallest_lost, relay.lose_from_client = 700, 1
            pair.client.send(b"l" * 700, 0)
            pair.client.send(b"end", 0, FIN)
            assert pair.server.recv() == StreamUpdated(0, RecvState.SIZE_KNOWN, 0, 708)
            assert pair.server.recv() == StreamUpdated(0, RecvState.RECVD, 0, 708)
            assert read(pair.server, 800) == StreamData(0, b"l" * 700 + b"end", fin=True)


class TestConnectionId:
    """One event for each ID that is retired."""

    @pytest.mark.parametrize("of_peer", [False, True])
    def test_retire_one(self, pair: Pair, of_peer: bool) -> None:
        talk(pair)
        for end in (pair.client, pair.server):
            end.enable_event(EventType.CONNECTION_ID)
        mine, theirs = pair.client, pair.server
        mine.set_connection_ids(ConnectionIdInfo(dest=int(of_peer), prior_to=1))
        assert mine.recv() == ConnectionIdRetired(of_peer, 1, 1)
        assert theirs.recv() == ConnectionIdRetired(not of_peer, 1, 1)
        info = mine.connection_ids(of_peer=of_peer)
        assert (info.active, info.prior_to) == (1, 1)
        talk(pair)

    def test_retire_several(self, pair: Pair) -> None:
        talk(pair)
        pair.client.enable_event(EventType.CONNECTION_ID)
        pair.client.set_connection_ids(ConnectionIdInfo(dest=1, prior_to=3))
        seen = [pair.client.recv() for _ in range(3)]
        assert seen[-1] == ConnectionIdRetired(True, 3, 3)
        with raises(errno.EAGAIN):
            pair.client.recv(flags=NOWAIT)

    def test_switch(self, pair: Pair) -> None:
        talk(pair)
        pair.client.set_connection_ids(ConnectionIdInfo(dest=1, active=2))
        info = pair.client.connection_ids(of_peer=True)
        assert (info.active, info.prior_to) == (2, 0)
        talk(pair)

    @pytest.mark.parametrize("dest", [0, 1])
    @pytest.mark.parametrize(("active", "prior_to"), [(0, 8), (8, 0), (0, 2**32 - 3), (1, 9), (9, 1)])
    def test_what_is_not_held(self, pair: Pair, dest: int, active: int, prior_to: int) -> None:
        talk(pair)
        with raises(errno.EINVAL):
            pair.client.set_connection_ids(ConnectionIdInfo(dest=dest, active=active, prior_to=prior_to))
        assert pair.client.connection_ids(of_peer=bool(dest)).active == 0

    def test_not_backwards(self, pair: Pair) -> None:
        talk(pair)
        pair.client.set_connection_ids(ConnectionIdInfo(dest=1, active=2))
        for active in (1, 2):
            with raises(errno.EINVAL):
                pair.client.set_connection_ids(ConnectionIdInfo(dest=1, active=active))


class TestConnectionClose:
    """How the connection ended."""

    def test_of_the_application(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.CONNECTION_CLOSE)
        pair.server.set_close_info(42, "enough")
        pair.server.close()
        assert pair.client.recv() == ConnectionClosed(42, 0, "enough")
        with raises(errno.ENOTCONN):
            pair.client.recv()

    def test_own_end_tells_nothing(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.CONNECTION_CLOSE)
        pair.client.shutdown()
        with raises(errno.ENOTCONN):
            pair.client.recv()

    def test_idle(self) -> None:
        """All zero; the state is the same as after any other end."""
        with established(TransportParams(max_idle_timeout=1_000_000)) as pair:
            pair.client.enable_event(EventType.CONNECTION_CLOSE)
            assert pair.client.recv() == ConnectionClosed(0, 0, "")
            with raises(errno.EPIPE):
                pair.client.send(b"x", flags=NEW)


class TestKeys:
    """Who is told of a key update."""

    def test_passive_side_only(self, pair: Pair) -> None:
        talk(pair)
        for end in (pair.client, pair.server):
            end.enable_event(EventType.KEY_UPDATE)
        pair.client.update_keys()
        assert pair.server.recv() == KeyUpdated(1)
        with raises(errno.EAGAIN):
            pair.client.recv(flags=NOWAIT)


class TestTokens:
    """A server hands them out."""

    def test_new_token(self, pair: Pair) -> None:
        talk(pair)
        pair.client.enable_event(EventType.NEW_TOKEN)
        deadline = time.monotonic() + 10
        while True:
            try:
                pair.server.set_token(b"")
                break
            except BlockingIOError:  # the one of the handshake is not acknowledged yet
                assert time.monotonic() < deadline
        event = pair.client.recv()
        assert isinstance(event, NewToken)
        assert 0 < len(event.token) <= 120
        assert pair.client.token == event.token


class TestStreamLimits:
    """What a stream that ends gives back: the number ever opened + the maximum - those open."""

    LIMITS = TransportParams(max_streams_bidi=3, max_streams_uni=3)

    def test_uni(self) -> None:
        """A stream of the peer ends when all of it has arrived, read or not."""
        with established(self.LIMITS) as pair:
            pair.client.enable_event(EventType.STREAM_MAX_STREAM)
            pair.client.send(b"x", 2, NEW | UNI | FIN)
            assert pair.client.recv() == StreamsAllowed(3 << 2 | 2)
            pair.client.send(b"x", 6, NEW | UNI)
            pair.client.send(b"x", 10, NEW | UNI | FIN)
            assert pair.client.recv() == StreamsAllowed(4 << 2 | 2)

    def test_bidi_waits_for_both_halves(self) -> None:
        with established(self.LIMITS) as pair:
            pair.client.enable_event(EventType.STREAM_MAX_STREAM)
            pair.client.send(b"x", 0, NEW | FIN)
            read(pair.server, 2)
            with raises(errno.EAGAIN):
                pair.client.recv(flags=NOWAIT)
            pair.server.send(b"y", 0, FIN)
            assert pair.client.recv() == StreamsAllowed(3 << 2)

    def test_open_streams_count(self) -> None:
        """However high the limit, no more are open at a time than were allowed at first."""
        with established(self.LIMITS) as pair:
            for stream in (0, 4, 8):
                pair.client.open_stream(stream)
            with raises(errno.EAGAIN):
                pair.client.open_stream(12, StreamFlags.DONTWAIT)
            with raises(errno.EAGAIN):
                pair.client.open_stream(-1, StreamFlags.DONTWAIT)
            assert pair.client.open_stream(2, UNI) == 2
