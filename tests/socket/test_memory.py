# SPDX-License-Identifier: GPL-2.0-or-later
"""What a socket may hold: SO_RCVBUF against the peer, SO_SNDBUF against the program, and nothing afterwards."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from kquic.sock import Connection, Listener
from kquic.sock._abi import EventType, StreamFlags, TransportParams
from kquic.sock.events import StreamData
from quic_pair import TIMEOUT, established, read, ready, relayed

NEW, FIN, UNI = StreamFlags.NEW, StreamFlags.FIN, StreamFlags.UNI
NOWAIT = socket.MSG_DONTWAIT
SO_MEMINFO, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 55, 32, 33
RMEM_ALLOC = 0


def held(end: Connection) -> int:
    """Bytes that the receive buffer is charged with."""
    return int(struct.unpack("=9I", end.sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[RMEM_ALLOC])


def settled(end: Connection) -> int:
    """What it is charged with after nothing has changed for a while."""
    before = -1
    while (now := held(end)) != before:
        before = now
        time.sleep(0.1)
    return now


def quic_pages() -> int:
    """Pages that all QUIC sockets are charged with, and the number of sockets."""
    for line in Path("/proc/net/protocols").read_text().splitlines():
        name, _, sockets, memory, *_ = line.split()
        if name == "QUIC":
            return int(memory) if int(sockets) == 0 else -1
    raise AssertionError("no QUIC in /proc/net/protocols")


def backoff(end: Connection) -> int:
    """Probe timeouts since the peer was last heard of (tcpi_backoff)."""
    return end.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[4]


def received(end: Connection, size: int) -> bytes:
    """Up to `size` bytes of a stream."""
    part = end.recv(size)
    assert isinstance(part, StreamData)
    return part.data


def refused() -> int:
    """Packets dropped for want of room in a receive buffer."""
    lines = Path("/proc/net/quic/snmp").read_text().splitlines()
    (count,) = [line.split()[1] for line in lines if line.startswith("QuicFrmRcvBufDrop")]
    return int(count)


class TestReceive:
    """No peer makes a socket exceed its receive buffer, but for one datagram if there is nothing to read."""

    SMALL = 40_000
    DATAGRAM = 65_536

    @pytest.mark.parametrize("piece", [1, 30, 1000, 20_000])
    def test_one_stream(self, piece: int) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=1_000_000)) as pair:
            pair.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.SMALL // 2)
            assert pair.server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == self.SMALL
            pair.client.open_stream()
            payload = bytes(range(256)) * 400
            for start in range(0, min(len(payload), 500 * piece), piece):
                pair.client.send(payload[start : start + piece], 0)
            sent = min(len(payload), 500 * piece)
            assert settled(pair.server) <= self.SMALL + self.DATAGRAM
            assert read(pair.server, sent).data == payload[:sent]
            assert settled(pair.server) == 0

    def test_many_streams(self) -> None:
        with established() as pair:
            pair.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.SMALL // 2)
            for number in range(100):
                pair.client.send(b"x" * 700, 4 * number, NEW | FIN)
            assert settled(pair.server) <= self.SMALL + self.DATAGRAM
            ended: set[int | None] = set()
            while len(ended) < 100:  # a packet may end in the middle of one
                part = pair.server.recv()
                assert isinstance(part, StreamData)
                if part.fin:
                    ended.add(part.stream_id)
            assert ended == {4 * number for number in range(100)}

    def test_buffer_full_behind_a_gap(self) -> None:
        """What fills the gap is taken however full the buffer is; else nothing could be read any more."""
        with relayed() as (pair, relay):
            pair.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.SMALL // 2)
            pair.client.open_stream()
            relay.lose_from_client = 1
            payload = os.urandom(100_000)
            for start in range(0, len(payload), 1000):
                pair.client.send(payload[start : start + 1000], 0)
            assert settled(pair.server) <= self.SMALL + self.DATAGRAM
            assert read(pair.server, len(payload)).data == payload

    def test_peer_hears_of_room(self) -> None:
        """A peer that was refused hears of the room that reading has made, and need not wait out its backoff."""
        with relayed() as (pair, relay):
            pair.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.SMALL // 2)
            pair.client.send_all(bytes(100_000), flags=NEW)
            deadline = time.monotonic() + TIMEOUT
            while (highest := backoff(pair.client)) < 3:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            relay.lose_from_client = 1 << 30
            while ready(pair.server) & select.POLLIN:
                pair.server.recv()
            while (now := backoff(pair.client)) >= highest:
                assert time.monotonic() < deadline
                highest = now
            relay.lose_from_client = 0

    def test_events_are_bounded(self) -> None:
        with established() as pair:
            pair.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            pair.server.enable_event(EventType.STREAM_UPDATE)
            limit = pair.server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
            for number in range(100):
                pair.client.send(b"", 4 * number, NEW | FIN)
            assert settled(pair.server) <= 2 * limit


class TestWindow:
    """A receive buffer that the program has chosen bounds what the peer is told that it may send."""

    BUFFER = 200_000  # of which getsockopt() tells double
    WINDOW = 2 * BUFFER // 4
    DEFAULT = 65_535 * 32

    def narrow(self, end: Connection | Listener) -> None:
        end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.BUFFER)

    @staticmethod
    def taken(sender: Connection, ids: range) -> int:
        """Bytes that can be sent before somebody reads; streams are many, so that they are not what ends it."""
        total = 0
        for stream_id in ids:
            with suppress(OSError):
                flags = NEW
                while True:
                    total += sender.send(bytes(10_000), stream_id, flags, msg_flags=NOWAIT)
                    flags = StreamFlags(0)
        return total

    def test_set_before(self) -> None:
        with established(prepare=self.narrow) as pair:
            for sender, reader, ids in (
                (pair.client, pair.server, range(0, 40, 4)),
                (pair.server, pair.client, range(1, 41, 4)),
            ):
                assert reader.transport_params.max_data == self.WINDOW
                assert sender.peer_transport_params.max_data == self.WINDOW
                sender.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 10_000_000)
                assert self.taken(sender, ids) == self.WINDOW

    def test_default_is_what_parameters_say(self) -> None:
        with established() as pair:
            assert pair.client.peer_transport_params.max_data == self.DEFAULT
            pair.client.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 10_000_000)
            assert self.taken(pair.client, range(0, 400, 4)) == self.DEFAULT

    def test_large_buffer_is_no_larger_window(self) -> None:
        def widen(end: Connection | Listener) -> None:
            end.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 40_000_000)

        with established(prepare=widen) as pair:
            assert pair.client.peer_transport_params.max_data == self.DEFAULT

    def test_shrinks_and_grows(self) -> None:
        """What was allowed stays allowed; when it is used up the buffer of the day counts."""
        rest = 10 * self.WINDOW
        with established(TransportParams(max_stream_data_bidi_remote=100_000_000)) as pair:
            client, server = pair.client, pair.server
            client.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 10_000_000)
            self.narrow(server)
            data = bytes(self.DEFAULT + rest)
            sender = threading.Thread(target=client.send_all, args=(data,), kwargs={"flags": NEW})
            sender.start()
            left = self.DEFAULT
            while left:
                left -= len(received(server, min(65_536, left)))
            before = refused()
            while rest:
                settled(server)  # as much has come as may
                rest -= len(received(server, rest))
            sender.join()
            assert refused() == before
            assert self.WINDOW // 2 <= self.taken(client, range(4, 8, 4)) <= self.WINDOW
            server.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 * self.DEFAULT)
            while ready(server, 100) & select.POLLIN:
                server.recv()
            assert self.taken(client, range(8, 12, 4)) > self.DEFAULT // 2

    def test_smallest(self) -> None:
        with established(prepare=lambda end: end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)) as pair:
            assert pair.client.peer_transport_params.max_data == 1200
            sender = threading.Thread(target=pair.client.send_all, args=(bytes(20_000),), kwargs={"flags": NEW})
            sender.start()
            assert read(pair.server, 20_000).data == bytes(20_000)
            sender.join()


class TestSend:
    """The program waits when its buffer is full."""

    def test_datagrams_count(self) -> None:
        params = TransportParams(max_datagram_frame_size=1400)
        with established(params) as pair:
            pair.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10_000)
            pair.client.send_datagram(b"x" * 1000)
            assert pair.client.unacknowledged < 2_000_000


class TestNothingIsLeft:
    """Memory goes back when sockets close."""

    @staticmethod
    def slack() -> int:
        """Each CPU may keep a mebibyte of the sum to itself."""
        return (os.cpu_count() or 1) * (1 << 20) // os.sysconf("SC_PAGE_SIZE")

    def test_unread_and_unsent(self) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=100_000)) as pair:
            for number in range(50):
                pair.client.send(b"y" * 2000, 4 * number, NEW)
                pair.server.send(b"z" * 2000, 4 * number + 1, NEW)
            assert quic_pages() < 0
        deadline = time.monotonic() + 2 * TIMEOUT
        while not 0 <= quic_pages() <= self.slack():
            assert time.monotonic() < deadline, quic_pages()
            time.sleep(0.1)
