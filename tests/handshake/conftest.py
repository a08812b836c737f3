# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes between two sockets on the loopback device."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from kquic.sock import IPPROTO_QUIC, Connection, connect, listen
from kquic.tls import ClientSettings, Handshake, ServerSettings, run
from kquic.tls.testca import Identity, TestCA

TIMEOUT = 10.0


@pytest.fixture(scope="session", autouse=True)
def quic_sockets() -> None:
    """Skip where the kernel has no QUIC; bring the loopback device up where it is down."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_QUIC).close()
    except OSError as error:
        pytest.skip(f"no QUIC sockets here: {error.strerror}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)


@pytest.fixture(scope="session")
def ca() -> TestCA:
    """An authority."""
    return TestCA.create()


@pytest.fixture(scope="session")
def server_id(ca: TestCA) -> Identity:
    """The server's certificate."""
    return ca.server("server.test")


@dataclass(frozen=True)
class Shaken:
    """Both ends after a handshake: what each returned or raised."""

    client: Connection
    server: Connection
    client_end: Handshake | Exception
    server_end: Handshake | Exception

    def established(self) -> tuple[Handshake, Handshake]:
        """Both handshakes, which have to have succeeded."""
        for end in (self.client_end, self.server_end):
            if isinstance(end, Exception):
                raise end
        assert isinstance(self.client_end, Handshake)
        assert isinstance(self.server_end, Handshake)
        return self.client_end, self.server_end

    def echo(self, data: bytes) -> bytes:
        """Send data on a stream to the server and back."""
        self.client.send_all(data, flags=0x600)  # NEW, FIN
        received = b""
        while not (message := self.server.recv()).fin:  # type: ignore[union-attr]
            received += message.data  # type: ignore[union-attr]
        return received + message.data  # type: ignore[union-attr]


class Shake(Protocol):
    """The fixture's type."""

    def __call__(
        self, client: ClientSettings, server: ServerSettings, prepare: Callable[[Any], None] = ..., /
    ) -> Shaken:
        """Shake hands; `prepare` is given the listener and the client's socket first."""


def _keep(work: Callable[[], Any], into: list[Any]) -> None:
    try:
        into.append(work())
    except Exception as error:
        into.append(error)


@pytest.fixture(params=["127.0.0.1", "::1"])
def shake(request: pytest.FixtureRequest) -> Iterator[Shake]:
    """Do a handshake between two new sockets, over IPv4 and over IPv6."""
    with ExitStack() as opened:

        def do(
            client: ClientSettings, server: ServerSettings, prepare: Callable[[Any], None] = lambda _: None
        ) -> Shaken:
            listener = opened.enter_context(listen(request.param, alpn=server.alpn))
            connection = opened.enter_context(connect(request.param, listener.port))
            listener.set_timeout(TIMEOUT)
            connection.set_timeout(TIMEOUT)
            prepare(listener)
            prepare(connection)
            ends: list[Any] = []
            thread = threading.Thread(target=_keep, args=(lambda: run(connection, client, TIMEOUT), ends))
            thread.start()
            accepted = opened.enter_context(listener.accept())
            accepted.set_timeout(TIMEOUT)
            answer: list[Any] = []
            _keep(lambda: run(accepted, server, TIMEOUT), answer)
            thread.join(2 * TIMEOUT)
            assert not thread.is_alive(), "the client's handshake hangs"
            return Shaken(connection, accepted, ends[0], answer[0])

        yield do
