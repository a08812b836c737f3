# SPDX-License-Identifier: GPL-2.0-or-later
"""What handshakes and idle connections cost."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kquic.lab.topology import Network
from kquic.sock import Connection, Listener, TransportParams, connect, listen
from kquic.tls import (
    Action,
    ClientSettings,
    Handshake,
    KernelHandshake,
    KeyPair,
    SendCrypto,
    ServerSettings,
    X509Credentials,
)
from kquic.tls.testca import TestCA

from .compare import Comparison
from .ends import ALPN, NAME

HANDSHAKES = 300
"""So many that most connections also end for good meanwhile, some tenths of a second after they were closed."""
IDLE = 500
Once = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Settings:
    """Of both ends, for many handshakes."""

    client: ClientSettings
    server: ServerSettings

    @classmethod
    def create(cls) -> Settings:
        """A new authority and a server's certificate."""
        ca = TestCA.create()
        own = ca.server(NAME)
        keys = X509Credentials(ca.cert_pem, KeyPair(own.cert_pem, own.key_pem))
        return cls(ClientSettings(X509Credentials(ca.cert_pem, ()), NAME, ALPN), ServerSettings(keys, ALPN))


@dataclass(frozen=True, slots=True)
class Sockets:
    """Handshakes of two QUIC sockets, both ends in this process, which is on the client's host."""

    settings: Settings
    server: str
    port: int
    listener: Listener
    params: TransportParams | None = None
    """Of both ends."""

    def connection(self) -> tuple[Connection, Connection]:
        """Both ends of a new connection."""
        client = connect(self.server, self.port)
        if self.params:
            client.set_transport_params(self.params)
        one = KernelHandshake(client, self.settings.client)
        one.step()
        server = self.listener.accept()
        two = KernelHandshake(server, self.settings.server)
        while any([two.step() is not None, one.step() is not None]):
            pass
        return client, server

    def once(self) -> None:
        """One, and the end of the connection."""
        for end in self.connection():
            end.close()


@contextlib.contextmanager
def sockets(net: Network, params: TransportParams | None = None) -> Iterator[Sockets]:
    """A listener, and what both ends need."""
    with net.srv.entered():
        listener = listen(net.SERVER_V4, 0, alpn=ALPN)
    with listener, net.cli.entered():
        if params:
            listener.set_transport_params(params)
        yield Sockets(Settings.create(), net.SERVER_V4, listener.port, listener, params)


@contextlib.contextmanager
def over_sockets(net: Network) -> Iterator[Once]:
    """By way of the kernel."""
    with sockets(net) as made:
        yield made.once


class _Parameters:
    """Transport parameters that nobody looks at."""

    def local(self) -> bytes:
        return b"\x0f\x04here"  # initial_source_connection_id

    def received(self, extension: bytes) -> None:
        pass


def _hand_over(actions: list[Action], to: Handshake) -> list[Action]:
    return [more for each in actions if isinstance(each, SendCrypto) for more in to.receive(each.level, each.data)]


@contextlib.contextmanager
def in_memory(_: Network) -> Iterator[Once]:
    """GnuTLS talks to GnuTLS."""
    settings = Settings.create()

    def once() -> None:
        client, server = Handshake(settings.client, _Parameters()), Handshake(settings.server, _Parameters())
        actions = client.start()
        server.start()
        ends = [server, client]
        while actions:
            actions = _hand_over(actions, ends[0])
            ends.reverse()
        assert client.complete
        assert server.complete

    yield once


def rate(once: Once) -> float:
    """How many there are in a second."""
    began = time.perf_counter()
    for _ in range(HANDSHAKES):
        once()
    return HANDSHAKES / (time.perf_counter() - began)


def comparisons() -> Iterator[Comparison[Once]]:
    """The whole of both ends beside the part that is TLS; what is to be reached is meant for one processor."""
    name, target = "handshakes against GnuTLS alone", 0.0
    if os.cpu_count() == 1:
        name, target = f"{name}, one processor", 0.5
    yield Comparison(name, over_sockets, in_memory, rate, "per s", 1, target=target, rounds=9)


def slab() -> int:
    """Kernel memory in use, in bytes."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Slab:"))


def idle_memory(net: Network) -> float:
    """Kernel memory of one end of an idle connection, in bytes: slab, with its file."""
    with sockets(net) as made:
        opened = [made.connection()]
        before = slab()
        opened += [made.connection() for _ in range(IDLE)]
        grown = slab() - before
        for end in (end for pair in opened for end in pair):
            end.close()
    return grown / (2 * IDLE)
