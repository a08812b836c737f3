# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer that is not there, and one that has forgotten (RFC 9000, 10.3, 21.12.3)."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from kquic.diag import Flag, Query, Socket, sockets
from kquic.sock import Connection, Listener, TransportParams, connect, listen
from kquic.sock._abi import CryptoLevel, EventType
from kquic.sock.events import ConnectionClosed
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run
from kquic.tls.testca import TestCA

from .wire import client_hello

RESET = 0x100


@pytest.fixture
def pair(host: str) -> Iterator[tuple[Connection, Connection, Listener]]:
    """Both ends of an established connection whose server may reset it, and the listener."""
    authority = TestCA.create()
    own = authority.server("server.test")
    settings = ServerSettings(X509Credentials(authority.cert_pem, KeyPair(own.cert_pem, own.key_pem)), ("echo",))
    with listen(host, alpn=("echo",)) as listener, connect(host, listener.port) as client:
        listener.set_transport_params(TransportParams(stateless_reset=1))
        for end in (listener, client):
            end.set_timeout(5.0)
        wanted = ClientSettings(X509Credentials(authority.cert_pem), "server.test", ("echo",))
        thread = threading.Thread(target=run, args=(client, wanted, 5.0))
        thread.start()
        with listener.accept() as server:
            run(server, settings, 5.0)
            thread.join(5.0)
            yield client, server, listener


def wait_until_quiet(client: Connection) -> None:
    """Until all of the handshake is acknowledged: neither end has anything to say."""

    def ends() -> list[Socket]:
        return sockets(Query(local_port=client.port)) + sockets(Query(peer_port=client.port))

    deadline = time.monotonic() + 5
    while any(
        end.info is None or end.info["bytes_in_flight"] or Flag.CONFIRMED not in end.info.flags for end in ends()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_server_that_has_forgotten_resets(pair: tuple[Connection, Connection, Listener]) -> None:
    client, server, _ = pair
    client.enable_event(EventType.CONNECTION_CLOSE)
    wait_until_quiet(client)
    server.sock.shutdown(socket.SHUT_RD)  # says nothing to the client
    client.send_all(b"anybody there?", flags=0x600)
    message = client.recv()
    assert isinstance(message, ConnectionClosed)
    assert client.close_info.errcode == RESET
    with pytest.raises(OSError) as gone:
        client.recv()
    assert gone.value.errno == errno.ENOTCONN


def assert_refused(host: str, port: int) -> None:
    """A client is told by ICMP that nobody listens, long before its handshake would time out."""
    with connect(host, port) as client:
        client.send_handshake(CryptoLevel.INITIAL, client_hello())
        poller = select.poll()
        poller.register(client.fileno(), select.POLLIN)
        assert poller.poll(5000)
        assert client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_closed_port_refuses(host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, 0))
        port = udp.getsockname()[1]
    assert_refused(host, port)


def test_port_refuses_whose_listener_is_gone(host: str, pair: tuple[Connection, Connection, Listener]) -> None:
    client, server, listener = pair
    port = listener.port
    listener.close()
    assert_refused(host, port)
    server.send_all(b"alive", flags=0x600)
    assert client.recv().data == b"alive"
