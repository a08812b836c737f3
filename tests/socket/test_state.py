# SPDX-License-Identifier: GPL-2.0-or-later
"""Data calls in every state of a socket, poll, queue lengths, sendfile."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import termios
import threading
import time
from pathlib import Path

import pytest

from kquic.sock import Connection, listen
from kquic.sock._abi import SOL_QUIC, CmsgType, CryptoLevel, EventType, StreamFlags
from kquic.sock._cmsg import handshake_cmsg
from kquic.sock.events import NewSessionTicket
from quic_pair import DEAD, LOCALHOST, TIMEOUT, Pair, raises, read, ready, wait_for

SIOCOUTQNSD = 0x894B
NEW = StreamFlags.NEW


class TestState:
    """Gates, poll and the queues."""

    def test_handshake_data_after_the_handshake(self, pair: Pair) -> None:
        ticket = b"\x04\x00\x00\x50" + bytes(80)
        pair.client.enable_event(EventType.NEW_SESSION_TICKET)
        assert pair.server.send_handshake(CryptoLevel.APP, ticket) == len(ticket)
        assert pair.client.recv() == NewSessionTicket(ticket)
        assert pair.client.session_ticket == ticket

    @pytest.mark.parametrize("level", [3, 4, 255])
    def test_no_such_level(self, pair: Pair, level: int) -> None:
        info = [(SOL_QUIC, CmsgType.HANDSHAKE_INFO, bytes([level]))]
        with raises(errno.EINVAL):
            pair.client.sock.sendmsg([b"x"], info)

    def test_tcp_info_tells_the_timing(self, pair: Pair) -> None:
        """smbd drops a client whose socket has no retransmission timeout to tell."""
        info = pair.server.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        rto, rtt = struct.unpack_from("=I", info, 8)[0], struct.unpack_from("=I", info, 68)[0]
        assert 0 < rtt < rto

    def test_empty_handshake_message(self, pair: Pair) -> None:
        with raises(errno.EMSGSIZE):
            pair.client.sock.sendmsg([b""], handshake_cmsg(CryptoLevel.APP))

    def test_fresh_socket(self) -> None:
        with Connection.create(socket.AF_INET) as fresh:
            with raises(errno.EPIPE):
                fresh.send(b"x", flags=NEW)
            with raises(errno.ENOTCONN):
                fresh.recv()
            assert ready(fresh) & DEAD == DEAD

    def test_listener(self) -> None:
        with listen(LOCALHOST) as listener:
            with raises(errno.EPIPE):
                listener.sock.send(b"x", NEW)
            with raises(errno.ENOTCONN):
                listener.sock.recv(10)

    def test_poll_follows_the_connection(self, pair: Pair) -> None:
        assert ready(pair.server) == select.POLLOUT
        pair.client.send(b"x", flags=NEW)
        wait_for(pair.server, select.POLLIN)
        pair.client.close()
        wait_for(pair.server, select.POLLHUP)
        assert ready(pair.server) & DEAD == DEAD

    def test_queues(self, pair: Pair) -> None:
        pair.client.send(b"abcdef", flags=NEW)
        wait_for(pair.server, select.POLLIN)
        assert pair.server.unread == 6
        pair.server.recv(2)
        assert pair.server.unread == 4
        deadline = time.monotonic() + TIMEOUT
        while pair.client.unacknowledged:
            assert time.monotonic() < deadline

    def test_unsent(self, pair: Pair) -> None:
        """SIOCOUTQNSD counts what has never left, SIOCOUTQ what was not acknowledged."""

        def queued(request: int) -> int:
            return int.from_bytes(fcntl.ioctl(pair.client.fileno(), request, bytes(4)), "little")

        pair.client.send(b"corked", flags=NEW, msg_flags=socket.MSG_MORE)
        assert (queued(SIOCOUTQNSD), queued(termios.TIOCOUTQ)) == (6, 6)
        pair.client.send(b"!", 0)
        assert queued(SIOCOUTQNSD) == 0
        deadline = time.monotonic() + TIMEOUT
        while queued(termios.TIOCOUTQ):
            assert time.monotonic() < deadline

    def test_sendfile(self, pair: Pair, tmp_path: Path) -> None:
        payload = os.urandom(200_000)
        path = tmp_path / "file"
        path.write_bytes(payload)
        pair.client.open_stream()

        def send() -> None:
            with path.open("rb") as source:
                sent = 0
                while sent < len(payload):
                    sent += os.sendfile(pair.client.fileno(), source.fileno(), sent, len(payload) - sent)

        thread = threading.Thread(target=send)
        thread.start()
        assert read(pair.server, len(payload)).data == payload
        thread.join()
