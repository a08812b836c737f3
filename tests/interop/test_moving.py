# SPDX-License-Identifier: GPL-2.0-or-later
"""Migration between the kernel's QUIC and aioquic: either may be the one that moves."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kquic.lab.topology import Host, Network
from kquic.sock import Connection, ConnectionMigrated, EventType, StreamData, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run

SECOND_V4 = "10.0.0.8"
NEW_FIN = 0x600
TIMEOUT = 20.0


@pytest.fixture
def second_address(net: Network) -> Iterator[str]:
    """Another address of the client's host."""
    net.cli.add_address(net.link.dev, SECOND_V4, 24)
    yield SECOND_V4
    net.cli.remove_address(net.link.dev, SECOND_V4, 24)


class Echo:
    """Our server, which notes where its client is."""

    def __init__(self, host: Host, certs) -> None:
        keys = X509Credentials(own=KeyPair.load(certs.server.cert, certs.server.key))
        self._settings = ServerSettings(keys, alpn=("echo",))
        with host.entered():
            self._listener = listen(Network.SERVER_V4, 4433, alpn=("echo",))
        self._listener.set_timeout(TIMEOUT)
        self.peers: list[tuple[str, int]] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._listener, self._listener.accept() as connection:
            connection.set_timeout(TIMEOUT)
            run(connection, self._settings, TIMEOUT)
            connection.enable_event(EventType.CONNECTION_MIGRATION)
            self.peers.append(connection.sock.getpeername())
            try:
                self._serve(connection)
            except OSError:
                return

    def _serve(self, connection: Connection) -> None:
        data: dict[int, bytes] = {}
        while True:
            message = connection.recv()
            if isinstance(message, ConnectionMigrated):
                self.peers.append(connection.sock.getpeername())
                continue
            assert isinstance(message, StreamData)
            data[message.stream_id] = data.get(message.stream_id, b"") + message.data
            if message.fin:
                connection.send_all(data[message.stream_id], message.stream_id, NEW_FIN & 0x200)

    def finish(self) -> None:
        """Wait until the client has gone."""
        self._thread.join(TIMEOUT)


@pytest.mark.parametrize("how", ["port", "cid", "address"])
def test_aioquic_client_moves(net: Network, peers, certs, how: str, second_address: str) -> None:
    echo = Echo(net.srv, certs)
    options = ("--how", how, "--to", second_address if how == "address" else Network.CLIENT_V4)
    with peers.client("aioquic_moving", Network.SERVER_V4, 4433, *options) as client:
        report = client.finish(timeout=60)
    echo.finish()
    port = int(report.split("moved to ")[1].split()[0])
    assert report.count("equal") == 3
    assert "done" in report
    assert echo.peers[-1] == (options[-1], port)
    assert len(echo.peers) == 2


def echoed(connection: Connection, data: bytes, migrate_to: str | None = None) -> list[ConnectionMigrated]:
    """Send, move, and take the echo; the migrations meanwhile."""
    sender = threading.Thread(target=connection.send_all, args=(data,), kwargs={"flags": NEW_FIN})
    sender.start()
    if migrate_to:
        connection.migrate(migrate_to, 40404)
    got, moves = hashlib.sha256(), []
    size = 0
    while size < len(data):
        message = connection.recv()
        if isinstance(message, ConnectionMigrated):
            moves.append(message)
        else:
            assert isinstance(message, StreamData)
            got.update(message.data)
            size += len(message.data)
    sender.join()
    assert got.digest() == hashlib.sha256(data).digest()
    return moves


def test_our_client_moves_before_aioquic(net: Network, peers, certs, second_address: str) -> None:
    settings = ClientSettings(X509Credentials(trust=Path(certs.ca).read_bytes()), "server.test", ("echo",))
    with peers.server("aioquic_echo", Network.SERVER_V4):
        with net.cli.entered():
            connection = connect(Network.SERVER_V4, 4433, kind=socket.SOCK_STREAM)
        with connection:
            connection.set_timeout(TIMEOUT)
            run(connection, settings, TIMEOUT)
            connection.enable_event(EventType.CONNECTION_MIGRATION)
            echoed(connection, b"hello")
            moves = echoed(connection, os.urandom(1 << 20), second_address)
            assert [move.local for move in moves] == [True]
            assert connection.local == (second_address, 40404)
            assert echoed(connection, b"still here") == []
