# SPDX-License-Identifier: GPL-2.0-or-later
"""Tokens that prove a client's address, and when that is asked for (RFC 9000, 8.1; RFC 9369, 5)."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from aioquic.quic.packet import QuicPacketType

from kquic.sock import Config, Listener, connect, listen
from kquic.tls import ClientSettings, ServerSettings, X509Credentials, run

from .hostile import CA, KEYS, TIMEOUT
from .wire import V1, V2, RawClient, client_hello, crypto

pytestmark = pytest.mark.usefixtures("bystander")

HOST = "127.0.0.1"
#: Handshakes from which on every client has to prove its address.
BUSY = 512
HELLO = crypto(client_hello(("data",)))


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listen(HOST, alpn=("data",), backlog=64) as made:
        made.set_timeout(TIMEOUT)
        yield made


def issued(listener: Listener) -> bytes:
    """What a client is given for its next connection."""
    trust = ClientSettings(X509Credentials(CA.cert_pem), "server.test", ("data",))
    with connect(HOST, listener.port) as client:
        thread = threading.Thread(target=run, args=(client, trust, TIMEOUT))
        thread.start()
        with listener.accept() as server:
            run(server, ServerSettings(KEYS, ("data",)), TIMEOUT)
            thread.join()
            deadline = time.monotonic() + TIMEOUT
            while not client.token:
                assert time.monotonic() < deadline, "no NEW_TOKEN"
                time.sleep(0.01)
            return client.token


def admitted(listener: Listener, token: bytes, version: int = V1) -> bool:
    """Whether a client with the token is taken at once; else it gets a Retry."""
    raw = RawClient((HOST, listener.port), version=version, token=token)
    try:
        raw.send(HELLO)
        ready, _, _ = select.select([raw.udp, listener.sock], [], [], TIMEOUT)
        assert ready
        if listener.sock in ready:
            listener.accept().close()
            return True
        datagram = raw.answer()
        assert datagram is not None
        assert raw.header(datagram).packet_type == QuicPacketType.RETRY
        return False
    finally:
        raw.close()


def accept_all(listener: Listener, opened: ExitStack, count: int) -> None:
    """So many connections of clients that do not go on."""
    raw = RawClient((HOST, listener.port))
    for _ in range(count):
        raw.dcid = os.urandom(8)
        raw.send(HELLO)
        opened.enter_context(listener.accept())
    raw.close()


def answered_with_retry(listener: Listener) -> bool:
    """Whether a client without a token has to come back with one."""
    raw = RawClient((HOST, listener.port))
    raw.send(HELLO)
    raw.udp.settimeout(0.5)
    datagram = raw.answer()
    raw.close()
    return datagram is not None and raw.header(datagram).packet_type == QuicPacketType.RETRY


class TestNewToken:
    def test_works_once(self, listener: Listener) -> None:
        """RFC 9000, 8.1.4."""
        tokens = [issued(listener) for _ in range(2)]
        listener.configure(Config(validate_peer_address=1))
        for token in tokens:
            assert admitted(listener, token)
            assert not admitted(listener, token)

    def test_belongs_to_a_version(self, listener: Listener) -> None:
        token = issued(listener)
        listener.configure(Config(validate_peer_address=1))
        assert not admitted(listener, token, V2)
        assert admitted(listener, token, V1)

    def test_belongs_to_the_negotiated_version(self, listener: Listener) -> None:
        listener.configure(Config(version=V2))
        token = issued(listener)
        listener.configure(Config(validate_peer_address=1))
        assert not admitted(listener, token, V1)
        assert admitted(listener, token, V2)


class TestUnderLoad:
    def test_accepted_handshakes_count(self, listener: Listener) -> None:
        """A server that accepts as fast as clients come has them on its hands all the same."""
        with ExitStack() as opened:
            accept_all(listener, opened, BUSY - 1)
            assert not answered_with_retry(listener)
            opened.enter_context(listener.accept())
            assert answered_with_retry(listener)
        assert not answered_with_retry(listener)
