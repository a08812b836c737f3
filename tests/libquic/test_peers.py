# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs linked with libquic, with kquic.tls and with aioquic at the other end."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Network
from kquic.sock import Connection, StreamData, Streams, connect, listen
from kquic.tls import (
    AntiReplay,
    ClientSettings,
    HandshakeResult,
    KeyPair,
    ServerSettings,
    X509Credentials,
    client_handshake,
    server_handshake,
)
from kquic.tls.ciphers import MEASURED, parse

from .conftest import LIMIT, NAME, PEER, ask, serve

if TYPE_CHECKING:
    from tests.conftest import Certificates, Peers

    from .conftest import Files


def answer(connection: Connection) -> None:
    """Send every stream back until the client leaves."""
    streams = Streams(connection)
    try:
        while True:
            stream = streams.accept()
            stream.send(stream.read(), fin=True)
    except OSError:
        return


@contextmanager
def python_server(settings: ServerSettings, count: int, results: list[HandshakeResult]) -> Iterator[int]:
    """An echo server on kquic.sock for so many clients; yields its port."""

    def run() -> None:
        for _ in range(count):
            with listener.accept() as connection:
                connection.set_timeout(LIMIT)
                results.append(server_handshake(connection, settings))
                answer(connection)

    with listen("127.0.0.1", alpn=settings.alpn) as listener:
        listener.set_timeout(LIMIT)
        thread = threading.Thread(target=run)
        thread.start()
        yield listener.port
        thread.join(2 * LIMIT)
        assert not thread.is_alive()


@pytest.fixture
def settings(files: Files) -> Callable[[AntiReplay | None], ServerSettings]:
    """What a Python server needs."""
    own = X509Credentials(own=KeyPair.load(files.cert, files.key))
    return lambda early: ServerSettings(own, ("echo",), ticket_key=bytes(range(64)), early_data=early)


def test_python_server(settings: Callable[[AntiReplay | None], ServerSettings]) -> None:
    """With the cipher that the kernel is fastest with."""
    results: list[HandshakeResult] = []
    with python_server(settings(None), 1, results) as port:
        assert ask(port, "-n", NAME, "-A", "echo").value("stream") == "8 again"
    assert results[0].cipher == parse(MEASURED.read_text())[0]


def test_early_data(files: Files, settings: Callable[[AntiReplay | None], ServerSettings], tmp_path: Path) -> None:
    """0-RTT: data that was sent before the handshake."""
    common = ("-o", "-e", "-C", files.ca, "-n", NAME, "-A", "echo", "-r", str(tmp_path / "session"))
    results: list[HandshakeResult] = []
    with python_server(settings(AntiReplay()), 2, results) as port:
        assert ask(port, *common).value("early") == "0"
        again = ask(port, *common)
        assert (again.value("resumed"), again.value("early")) == ("1", "1"), again.output
        assert "stream 0 early" in again.output
    assert [result.early_data for result in results] == [False, True]


def test_python_client(files: Files) -> None:
    trust = X509Credentials(Path(files.ca).read_bytes())
    with serve("-k", files.key, "-c", files.cert, "-A", "echo") as server:
        with connect("127.0.0.1", server.port) as connection:
            connection.set_timeout(LIMIT)
            assert client_handshake(connection, ClientSettings(trust, NAME, ("echo",))).alpn == "echo"
            stream = Streams(connection).open()
            stream.send(b"x" * 300_000, fin=True)
            assert stream.read() == b"x" * 300_000
        assert server.end().value("end") == "ENOTCONN"


def test_events_do_not_disturb(files: Files) -> None:
    """A program that asked for events before the handshake: they are no TLS messages."""
    with serve("-k", files.key, "-c", files.cert, "-A", "echo") as server:
        assert ask(server.port, "-n", NAME, "-A", "echo", "-E").value("stream") == "8 again"


def test_python_reads_what_c_sends(files: Files) -> None:
    """quic_sendmsg() opens the stream that it names and ends it."""
    results: list[HandshakeResult] = []
    own = X509Credentials(own=KeyPair.load(files.cert, files.key))
    with listen("127.0.0.1", alpn=("echo",)) as listener:
        client = subprocess.Popen(
            [PEER, "-p", str(listener.port), "-n", NAME, "-A", "echo"], stdout=subprocess.PIPE, text=True
        )
        with listener.accept() as connection:
            connection.set_timeout(LIMIT)
            results.append(server_handshake(connection, ServerSettings(own, ("echo",))))
            message = connection.recv()
            assert message == StreamData(0, b"hello", True)
            connection.send(b"bye", 0, flags=0x200)
            message = connection.recv()
            assert message == StreamData(8, b"again", True)
            connection.send(b"bye", 8, flags=0x200)
            output = client.communicate(timeout=60)[0]
    assert "stream 0 bye" in output
    assert client.returncode == 0


def test_aioquic_server(peers: Peers, certs: Certificates, network: Network) -> None:
    with peers.server("aioquic_echo", Network.SERVER_V4):
        argv = [PEER, "-a", Network.SERVER_V4, "-p", "4433", "-s", "-C", certs.ca, "-n", NAME, "-A", "echo"]
        with Program(network.cli, argv) as client:
            assert "stream 8 again" in client.finish()


def test_aioquic_client(peers: Peers, certs: Certificates, network: Network) -> None:
    keys = certs.server
    argv = [PEER, "-l", "-a", Network.SERVER_V4, "-p", "4433", "-k", keys.key, "-c", keys.cert, "-A", "echo"]
    with (
        Program(network.srv, argv, ready="port ") as server,
        peers.client("aioquic_echo", Network.SERVER_V4, 4433, "--bytes", "300000") as client,
    ):
        assert "equal" in client.finish()
        assert "end ENOTCONN" in server.finish()
