# SPDX-License-Identifier: GPL-2.0-or-later
"""sendmsg: what it waits for, and what it says when it may not."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time

from kquic.sock._abi import EventType, StreamFlags, TransportParams
from kquic.sock.events import StreamData, StreamsAllowed
from quic_pair import Pair, established, raises, read, ready, wait_for

NEW, FIN, SNDBLOCK = StreamFlags.NEW, StreamFlags.FIN, StreamFlags.SNDBLOCK
STREAM_NOWAIT = StreamFlags.DONTWAIT
NOWAIT = socket.MSG_DONTWAIT


class TestBlocking:
    """Room, credit and stream limits."""

    SMALL = TransportParams(max_data=40_000, max_stream_data_bidi_remote=20_000, max_streams_bidi=2)

    def test_stream_credit(self) -> None:
        with established(self.SMALL) as pair:
            assert pair.client.send(bytes(30_000), flags=NEW, msg_flags=NOWAIT) == 20_000
            with raises(errno.ENOSPC):
                pair.client.send(b"x", 0, msg_flags=NOWAIT)
            with raises(errno.EAGAIN):
                pair.client.sock.send(b"x", NOWAIT)
            assert len(read(pair.server, 20_000).data) == 20_000
            wait_for(pair.client, select.POLLOUT)
            assert pair.client.sock.send(b"x", NOWAIT) == 1

    def test_connection_credit(self) -> None:
        with established(self.SMALL) as pair:
            for stream in (0, 4):
                assert pair.client.send(bytes(20_000), stream, NEW, msg_flags=NOWAIT) == 20_000
            assert not ready(pair.client) & select.POLLOUT
            with raises(errno.ENOSPC):
                pair.client.send(b"x", 4, msg_flags=NOWAIT)

    def test_writer_waits_for_the_reader(self) -> None:
        with established(self.SMALL) as pair:
            payload = os.urandom(300_000)
            thread = threading.Thread(target=pair.client.send_all, args=(payload,), kwargs={"flags": NEW})
            thread.start()
            assert read(pair.server, len(payload)).data == payload
            thread.join()

    def test_stream_limit(self) -> None:
        with established(self.SMALL) as pair:
            for stream in (0, 4):
                pair.client.send(b"x", stream, NEW | FIN)
            with raises(errno.EAGAIN):
                pair.client.send(b"x", 8, NEW | STREAM_NOWAIT)
            with raises(errno.EAGAIN):
                pair.client.open_stream(8, STREAM_NOWAIT)
            pair.client.set_timeout(0.2)
            with raises(errno.EAGAIN):
                pair.client.send(b"x", 8, NEW | SNDBLOCK)

    def test_stream_that_ends_makes_room(self) -> None:
        with established(self.SMALL) as pair:
            pair.client.enable_event(EventType.STREAM_MAX_STREAM)
            for stream in (0, 4):
                pair.client.send(b"x", stream, NEW | FIN)
            for _ in range(2):
                read(pair.server, 2)
            pair.server.send(b"y", 0, FIN)
            assert pair.client.send(b"z", 8, NEW) == 1
            assert read(pair.server, 1) == StreamData(8, b"z")
            assert pair.client.recv() == StreamsAllowed(8)

    def test_send_buffer(self, pair: Pair) -> None:
        pair.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
        pair.client.set_timeout(None)
        taken = pair.client.send(bytes(2_000_000), flags=NEW, msg_flags=NOWAIT)
        assert 0 < taken < 100_000
        assert len(read(pair.server, taken).data) == taken

    def test_reset_ends_the_wait(self) -> None:
        with established(self.SMALL) as pair:
            pair.client.send(bytes(20_000), flags=NEW)

            def reset() -> None:
                time.sleep(0.3)
                pair.client.reset_stream(0)

            thread = threading.Thread(target=reset)
            thread.start()
            with raises(errno.EINVAL):
                pair.client.send(b"x", 0)
            thread.join()

    def test_end_of_the_connection_ends_the_wait(self) -> None:
        with established(self.SMALL) as pair:
            pair.client.send(bytes(20_000), flags=NEW)

            def leave() -> None:
                time.sleep(0.3)
                pair.server.close()

            thread = threading.Thread(target=leave)
            thread.start()
            with raises(errno.EPIPE):
                pair.client.send(b"x", 0)
            thread.join()
