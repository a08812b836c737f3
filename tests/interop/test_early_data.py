# SPDX-License-Identifier: GPL-2.0-or-later
"""Resumption and 0-RTT with independent implementations, on the loopback device."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived
from aioquic.tls import SessionTicket

from kquic.sock import StreamData, StreamFlags, Streams, listen
from kquic.sock import connect as kernel_connect
from kquic.tls import (
    AntiReplay,
    ClientSettings,
    HandshakeResult,
    KeyPair,
    ServerSettings,
    X509Credentials,
    offer_session,
    run,
    save_session,
    server_handshake,
)
from kquic.tls.testca import TestCA

LOCALHOST, NAME, ALPN = "127.0.0.1", "server.test", "echo"
TIMEOUT = 10.0
CA = TestCA.create()
OWN = CA.server(NAME)


class Server:
    """An echo server on the kernel's sockets that resumes and takes 0-RTT, for so many connections."""

    def __init__(self, opened: ExitStack) -> None:
        credentials = X509Credentials(CA.cert_pem, KeyPair(OWN.cert_pem, OWN.key_pem))
        self._settings = ServerSettings(
            credentials, (ALPN,), ticket_key=bytes(range(64)), early_data=AntiReplay(), keylog=None
        )
        self._listener = opened.enter_context(listen(LOCALHOST, alpn=(ALPN,)))
        self._listener.set_timeout(TIMEOUT)
        self.port = self._listener.port
        self.results: list[HandshakeResult] = []

    def _one(self) -> None:
        with self._listener.accept() as connection:
            connection.set_timeout(TIMEOUT)
            self.results.append(server_handshake(connection, self._settings))
            try:
                stream = Streams(connection).accept()
                stream.send(stream.read(), fin=True)
                connection.recv()
            except OSError:
                return  # the client has left

    @contextmanager
    def serving(self, count: int) -> Iterator[None]:
        """Serve so many connections, one after the other."""
        thread = threading.Thread(target=lambda: [self._one() for _ in range(count)])
        thread.start()
        yield
        thread.join(2 * TIMEOUT)
        assert not thread.is_alive()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server."""
    with ExitStack() as opened:
        yield Server(opened)


async def ask(port: int, config: QuicConfiguration, tickets: list[SessionTicket]) -> bytes:
    """aioquic's client: one question, sent before the handshake is over if that is possible."""
    async with connect(
        LOCALHOST, port, configuration=config, session_ticket_handler=tickets.append, wait_connected=False
    ) as peer:
        reader, writer = await peer.create_stream()
        writer.write(b"question")
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), TIMEOUT)


def test_aioquic_client(server: Server) -> None:
    tickets: list[SessionTicket] = []
    config = QuicConfiguration(is_client=True, alpn_protocols=[ALPN], server_name=NAME, cadata=CA.cert_pem)
    with server.serving(2):
        assert asyncio.run(ask(server.port, config, tickets)) == b"question"
        assert tickets[0].max_early_data_size == 0xFFFFFFFF
        config.session_ticket = tickets[0]
        assert asyncio.run(ask(server.port, config, tickets)) == b"question"
    assert [(r.resumed, r.early_data) for r in server.results] == [(False, False), (True, True)]


class Echo(QuicConnectionProtocol):
    """Sends back what came on a stream when the stream has ended."""

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived) and event.end_stream:
            self._quic.send_stream_data(event.stream_id, event.data, True)
            self.transmit()


class AioquicServer(threading.Thread):
    """aioquic's server in a thread; it keeps its tickets and takes 0-RTT."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        files = OWN.write(folder, "server")
        self._config = QuicConfiguration(is_client=False, alpn_protocols=[ALPN])
        self._config.load_cert_chain(files.cert, files.key)
        self._tickets: dict[bytes, SessionTicket] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0

    def run(self) -> None:
        self._loop.run_until_complete(self._begin())
        self._loop.run_forever()
        self._server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _begin(self) -> None:
        self._server: Any = await serve(
            LOCALHOST,
            0,
            configuration=self._config,
            create_protocol=Echo,
            session_ticket_fetcher=lambda label: self._tickets.pop(label, None),
            session_ticket_handler=lambda ticket: self._tickets.update({ticket.ticket: ticket}),
        )
        self.port = self._server._transport.get_extra_info("sockname")[1]
        self._ready.set()

    def begin(self) -> None:
        """Start, and wait until it listens."""
        self.start()
        assert self._ready.wait(TIMEOUT)

    def end(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[AioquicServer]:
    """aioquic's server."""
    server = AioquicServer(tmp_path)
    server.begin()
    yield server
    server.end()


def test_aioquic_server(theirs: AioquicServer) -> None:
    base = ClientSettings(X509Credentials(CA.cert_pem), NAME, (ALPN,), keylog=None)
    with kernel_connect(LOCALHOST, theirs.port) as first:
        first.set_timeout(TIMEOUT)
        saved = save_session(first, run(first, base, TIMEOUT), TIMEOUT)
    assert saved is not None
    assert saved.early_data
    with kernel_connect(LOCALHOST, theirs.port) as again:
        again.set_timeout(TIMEOUT)
        offer_session(again, saved)
        again.send(b"question", flags=StreamFlags.NEW | StreamFlags.FIN)
        result = run(again, saved.settings(base), TIMEOUT).result
        assert (result.resumed, result.early_data) == (True, True)
        answer = again.recv()
        assert isinstance(answer, StreamData)
        assert (answer.stream_id, answer.data) == (0, b"question")


def test_openssl_client_resumes(server: Server, tmp_path: Path) -> None:
    ca, session = CA.write(tmp_path), tmp_path / "session"
    script = (
        f"(sleep 1) | openssl s_client -quic -alpn {ALPN} -connect {LOCALHOST}:{server.port}"
        f" -servername {NAME} -CAfile {ca} -verify_return_error"
    )
    with server.serving(2):
        for option in ("-sess_out", "-sess_in"):
            argv = ["sh", "-c", f"{script} {option} {session}"]
            subprocess.run(argv, check=True, timeout=30, capture_output=True)
    assert [r.resumed for r in server.results] == [False, True]
