# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGPIPE, and signals that end a wait."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from kquic.sock import Connection, listen
from kquic.sock._abi import MSG_DATAGRAM, CryptoLevel, StreamFlags, TransportParams
from kquic.sock._cmsg import handshake_cmsg
from quic_pair import LOCALHOST, Pair, established, raises, wait_for

NEW = StreamFlags.NEW


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The SIGPIPEs that have come."""
    seen: list[int] = []
    before = signal.signal(signal.SIGPIPE, lambda number, _: seen.append(number))
    yield seen
    signal.signal(signal.SIGPIPE, before)


def handshake(sock: socket.socket, flags: int = 0) -> None:
    """Send a TLS message."""
    sock.sendmsg([b"x"], handshake_cmsg(CryptoLevel.INITIAL), flags)


class TestPipe:
    """EPIPE signals unless the caller does not want it."""

    CALLS = (
        (lambda sock: sock.send(b"x", NEW), True),
        (lambda sock: sock.send(b"x", NEW | socket.MSG_NOSIGNAL), False),
        (lambda sock: sock.send(b"x", MSG_DATAGRAM), False),
        (lambda sock: os.write(sock.fileno(), b"x"), True),
        (lambda sock: os.writev(sock.fileno(), [b"x", b"y"]), True),
        (handshake, True),
        (lambda sock: handshake(sock, socket.MSG_NOSIGNAL), False),
    )

    @pytest.mark.parametrize(("call", "signalled"), CALLS)
    def test_fresh(self, signals: list[int], call: Callable[[socket.socket], object], signalled: bool) -> None:
        with Connection.create(socket.AF_INET) as fresh, raises(errno.EPIPE):
            call(fresh.sock)
        assert signals == [signal.SIGPIPE] * signalled

    @pytest.mark.parametrize(("call", "signalled"), CALLS)
    def test_closed(
        self, pair: Pair, signals: list[int], call: Callable[[socket.socket], object], signalled: bool
    ) -> None:
        pair.server.close()
        wait_for(pair.client, 0x10)
        with raises(errno.EPIPE):
            call(pair.client.sock)
        assert signals == [signal.SIGPIPE] * signalled

    def test_listener(self, signals: list[int]) -> None:
        with listen(LOCALHOST) as listener, raises(errno.EPIPE):
            listener.sock.send(b"x", NEW)
        assert signals

    def test_waiting_sender(self, signals: list[int]) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair:
            pair.client.send(bytes(2000), flags=NEW)
            threading.Timer(0.1, pair.server.close).start()
            with raises(errno.EPIPE):
                pair.client.sock.send(b"x")
        assert signals


class TestInterrupted:
    """A handler that raises ends every call that waits."""

    @pytest.fixture
    def alarm(self) -> Iterator[type[Exception]]:
        class Alarm(Exception):
            pass

        def ring(number: int, frame: object) -> None:
            raise Alarm

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        yield Alarm
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    def test_recv(self, pair: Pair, alarm: type[Exception]) -> None:
        with pytest.raises(alarm):
            pair.client.recv()

    def test_accept(self, alarm: type[Exception]) -> None:
        with listen(LOCALHOST) as listener, pytest.raises(alarm):
            listener.accept()

    def test_send(self) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair:
            pair.client.send(bytes(2000), flags=NEW)
            before = signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(ZeroDivisionError):
                pair.client.send(b"x", 0)
            signal.signal(signal.SIGALRM, before)
