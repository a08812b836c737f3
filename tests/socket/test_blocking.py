# SPDX-License-Identifier: GPL-2.0-or-later
"""sendmsg: what it waits for, and what it says when it may not."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from contextlib import ExitStack

from kquic.sock import Connection, listen
from kquic.sock._abi import CryptoLevel, EventType, StreamFlags, TransportParams
from kquic.sock._cmsg import handshake_cmsg
from kquic.sock.events import StreamData, StreamsAllowed
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, raises, read, ready, wait_for
from states import silent_server

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


class TestHandshake:
    """TLS messages go by the send buffer only."""

    def test_full_buffer(self) -> None:
        """A part is taken, then nothing; who may wait does so until the time is up."""
        with silent_server() as port, Connection.create(socket.AF_INET) as client:
            client.connect(LOCALHOST, port)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            info = handshake_cmsg(CryptoLevel.INITIAL)
            taken = client.sock.sendmsg([bytes(100_000)], info, NOWAIT)
            assert 0 < taken < 100_000
            with raises(errno.EAGAIN):
                client.sock.sendmsg([b"x"], info, NOWAIT)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, 50_000))
            with raises(errno.EAGAIN):
                client.sock.sendmsg([b"x"], info)
            threading.Timer(0.1, client.shutdown).start()
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, bytes(16))
            with raises(errno.EPIPE):
                client.sock.sendmsg([b"x"], info, socket.MSG_NOSIGNAL)

    def test_room_made_by_the_peer(self) -> None:
        """A message larger than the buffer is sent whole."""
        with ExitStack() as opened:
            listener = opened.enter_context(listen(LOCALHOST))
            listener.set_timeout(TIMEOUT)
            client = opened.enter_context(Connection.create(socket.AF_INET))
            client.connect(LOCALHOST, listener.port)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            hello = client_hello(padding=30_000)
            sizes: list[int] = []
            thread = threading.Thread(target=lambda: sizes.append(client.send_handshake(CryptoLevel.INITIAL, hello)))
            thread.start()
            server = opened.enter_context(listener.accept())
            server.set_timeout(TIMEOUT)
            got = b""
            while len(got) < len(hello):
                got += server.sock.recv(65536)
            thread.join()
            assert (got, sizes) == (hello, [len(hello)])
