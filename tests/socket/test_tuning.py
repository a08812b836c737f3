# SPDX-License-Identifier: GPL-2.0-or-later
"""Buffers and windows that grow with what a path can carry, where no program has said how large they are."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kquic.lab.topology import Host, Impairment
from kquic.sock import Connection, Listener, TransportParams
from kquic.sock._abi import StreamFlags
from kquic.sock.events import StreamData
from quic_pair import Pair, established

from .test_counters import sysctl

SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
MAX_DATA = 65_535 * 32
RTT = 0.2
LONG = 60.0
"""Seconds for what takes two or three."""


@pytest.fixture
def far() -> Iterator[Host]:
    """A host whose loopback device is as slow as a distant one, but not narrow."""
    host = Host("far")
    host.impair("lo", Impairment(delay_ms=RTT * 500, queue=100_000))
    try:
        yield host
    finally:
        host.close()


def sizes(end: Connection) -> tuple[int, int]:
    """Send and receive buffer."""
    return (
        end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
        end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
    )


def stream(pair: Pair, total: int, enough: Callable[[], bool] = lambda: False, pause: float = 0.0) -> None:
    """The client sends and the server reads so many MiB, or until that is true; 128 KiB at a time, or half of it."""
    stop = threading.Event()

    def send() -> None:
        ident, sent = pair.client.send_all(bytes(65_536), flags=StreamFlags.NEW), 65_536
        while sent < total << 20 and not stop.is_set():
            pair.client.send_all(bytes(65_536), ident)
            sent += 65_536
        pair.client.send(b"x", ident, StreamFlags.FIN)

    for end in (pair.client, pair.server):
        end.set_timeout(LONG)
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    fin = False
    while not fin:
        part = pair.server.recv(1 << 16 if pause else 1 << 17)
        assert isinstance(part, StreamData)
        fin = part.fin
        if enough():
            stop.set()
        if pause:
            time.sleep(pause)
    thread.join()


class TestGrowth:
    def test_both(self, far: Host) -> None:
        with far.entered(), established() as pair:
            before = sizes(pair.client)
            default = sizes(pair.server)
            assert default[1] == 4 * MAX_DATA

            def grown() -> bool:
                return sizes(pair.client)[0] > before[0] and sizes(pair.server)[1] > default[1]

            stream(pair, 32, grown)
            assert grown()
            assert sizes(pair.client)[1] == before[1]
            assert sizes(pair.server)[0] == default[0]

    def test_reader_is_the_limit(self, far: Host) -> None:
        """A window that is wide enough for the program is wide enough."""
        with far.entered(), established() as pair:
            default = sizes(pair.server)
            stream(pair, 4, pause=RTT / 4)
            assert sizes(pair.server) == default

    def test_send_buffer_as_far_as_allowed(self, far: Host) -> None:
        with sysctl("quic_wmem", "4096 16384 400000"), far.entered(), established() as pair:
            stream(pair, 3)
            assert sizes(pair.client)[0] == 400_000

    def test_window_as_far_as_allowed(self, far: Host) -> None:
        most = MAX_DATA + 100_000
        with sysctl("quic_rmem", f"4096 65536 {most}"), far.entered(), established() as pair:
            stream(pair, 32, lambda: sizes(pair.server)[1] == 4 * most)
            assert sizes(pair.server)[1] == 4 * most

    def test_not_above_a_limit_that_is_lower(self, far: Host) -> None:
        with sysctl("quic_wmem", "1 1 1"), sysctl("quic_rmem", "1 1 1"), far.entered(), established() as pair:
            before = sizes(pair.client), sizes(pair.server)
            stream(pair, 3)
            assert (sizes(pair.client), sizes(pair.server)) == before


class TestChosen:
    def test_buffers(self, far: Host) -> None:
        def choose(end: Connection | Listener) -> None:
            end.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 200_000)
            end.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 2 * MAX_DATA)

        with far.entered(), established(prepare=choose) as pair:
            stream(pair, 3)
            assert sizes(pair.client) == sizes(pair.server) == (400_000, 4 * MAX_DATA)

    def test_windows(self, far: Host) -> None:
        with far.entered(), established(TransportParams(max_data=1_000_000)) as pair:
            stream(pair, 8)
            assert sizes(pair.server)[1] == 4_000_000

    def test_the_same_as_before_is_no_choice(self, far: Host) -> None:
        """Programs read all parameters, change one, and write all."""
        with far.entered(), established(TransportParams(max_data=MAX_DATA, max_streams_uni=7)) as pair:
            default = sizes(pair.server)[1]
            stream(pair, 32, lambda: sizes(pair.server)[1] > default)
            assert sizes(pair.server)[1] > default
