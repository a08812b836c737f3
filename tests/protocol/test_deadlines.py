# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that keep a handshake alive without going on with it (attacks.md, 53)."""

from __future__ import annotations

import errno
import select
import socket
import time
from contextlib import closing

import pytest
from aioquic.tls import Epoch

from kquic.sock import TransportError, listen
from quic_pair import raises
from sysctls import sysctl

from .frames import F, numbers
from .hostile import TIMEOUT, has_handshake_keys, on_server
from .wire import RawClient, client_hello, crypto

pytestmark = pytest.mark.usefixtures("bystander")

PING = numbers(F.PING)


def test_initial_packets_for_ever() -> None:
    """Packets that come do not move the deadline; the program sees a timeout."""
    with sysctl("handshake_timeout", "1"), listen("127.0.0.1", alpn=("data",)) as listener:
        listener.set_timeout(TIMEOUT)
        with closing(RawClient(("127.0.0.1", listener.port))) as raw:
            raw.send(crypto(client_hello(("data",))))
            with listener.accept() as server:
                poll = select.poll()
                poll.register(server.sock, select.POLLHUP)
                deadline = time.monotonic() + 2 * TIMEOUT
                while not poll.poll(50):
                    assert time.monotonic() < deadline, "still there"
                    raw.send(PING)
                assert server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
                assert server.close_info.errcode == TransportError.CONNECTION_REFUSED
                with raises(errno.EPIPE):
                    server.send(b"x")


def test_handshake_packets_for_ever() -> None:
    """The client is told."""
    with sysctl("handshake_timeout", "1"), on_server(until=has_handshake_keys) as attack:
        deadline = time.monotonic() + 2 * TIMEOUT
        closed: list[int] = []
        while not closed:
            assert time.monotonic() < deadline, "still there"
            attack.peer.send(PING, Epoch.HANDSHAKE)
            closed = [frame.numbers[0] for frame in attack.peer.frames(F.CONNECTION_CLOSE, 0.05)]
        assert set(closed) == {TransportError.CONNECTION_REFUSED}


def test_whoever_is_through_has_all_the_time() -> None:
    with sysctl("handshake_timeout", "1"), on_server() as attack:
        time.sleep(1.5)
        attack.peer.alive()
