# SPDX-License-Identifier: GPL-2.0-or-later
"""Connected pairs of sockets, a client and a server on two hosts, that carry a byte stream in different ways."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from kquic.lab.topology import Network
from kquic.sock import Cipher, Connection, TransportParams, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run
from kquic.tls.testca import TestCA

from .compare import Way

T = TypeVar("T")

NAME = "server.test"
ALPN = ("data",)

# <linux/tls.h>; Python's socket module does not name them.
TCP_ULP = 31
SOL_TLS = 282
TLS_TX, TLS_RX = 1, 2
TLS_1_3 = 0x0304
_SIZES = {Cipher.AES_GCM_128: (16, 4, 8), Cipher.AES_GCM_256: (32, 4, 8), Cipher.CHACHA20_POLY1305: (32, 0, 12)}
"""Bytes of key, salt and IV in the kernel's crypto info of a cipher."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Two ends of one connection, as descriptors that plain read() and write() work on."""

    client: int
    server: int


Opener = Callable[[Network], AbstractContextManager[Ends]]


@contextmanager
def tcp(net: Network) -> Iterator[Ends]:
    """Plain TCP."""
    with _tcp(net) as (client, server):
        yield Ends(client.fileno(), server.fileno())


@contextmanager
def ktls(cipher: Cipher, net: Network) -> Iterator[Ends]:
    """TLS 1.3 records made by the kernel, with keys that both ends simply know."""
    with _tcp(net) as (client, server):
        up, down = _crypto_info(cipher), _crypto_info(cipher)
        for end, send, receive in ((client, up, down), (server, down, up)):
            end.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
            end.setsockopt(SOL_TLS, TLS_TX, send)
            end.setsockopt(SOL_TLS, TLS_RX, receive)
        yield Ends(client.fileno(), server.fileno())


def _crypto_info(cipher: Cipher) -> bytes:
    key, salt, iv = _SIZES[cipher]
    fields = os.urandom(iv) + os.urandom(key) + os.urandom(salt) + bytes(8)
    return struct.pack("HH", TLS_1_3, cipher) + fields


@contextmanager
def _tcp(net: Network) -> Iterator[tuple[socket.socket, socket.socket]]:
    with ExitStack() as opened:
        with net.srv.entered():
            listener = opened.enter_context(socket.create_server((net.SERVER_V4, 0)))
        with net.cli.entered():
            client = opened.enter_context(socket.create_connection(listener.getsockname()))
        server = opened.enter_context(listener.accept()[0])
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client, server


@contextmanager
def quic(cipher: Cipher, net: Network) -> Iterator[Ends]:
    """A QUIC socket's default stream."""
    with quic_connections(cipher, net) as (client, server):
        client.open_stream()
        yield Ends(client.fileno(), server.fileno())


@contextmanager
def quic_clear(net: Network) -> Iterator[Ends]:
    """The same with 1-RTT packets in the clear."""
    with quic_connections(Cipher.AES_GCM_128, net, clear=True) as (client, server):
        client.open_stream()
        yield Ends(client.fileno(), server.fileno())


@contextmanager
def quic_connections(cipher: Cipher, net: Network, *, clear: bool = False) -> Iterator[tuple[Connection, Connection]]:
    """A connection after its handshake; `clear` to have no protection of its 1-RTT packets."""
    params = TransportParams(disable_1rtt_encryption=int(clear))
    ca = TestCA.create()
    own = ca.server(NAME)
    trust = ClientSettings(X509Credentials(ca.cert_pem, ()), NAME, ALPN, cipher=cipher)
    keys = ServerSettings(X509Credentials(ca.cert_pem, KeyPair(own.cert_pem, own.key_pem)), ALPN, cipher=cipher)
    with ExitStack() as opened:
        with net.srv.entered():
            listener = opened.enter_context(listen(net.SERVER_V4, 0, alpn=ALPN))
        listener.set_transport_params(params)
        with net.cli.entered():
            client = opened.enter_context(connect(net.SERVER_V4, listener.port))
        client.set_transport_params(params)
        thread = threading.Thread(target=run, args=(client, trust))
        thread.start()
        server = opened.enter_context(listener.accept())
        run(server, keys)
        thread.join()
        for end in (client, server):
            end.set_timeout(60.0)
        yield client, server


@contextmanager
def several(way: Opener, number: int, net: Network) -> Iterator[list[Ends]]:
    """That many connections at a time."""
    with ExitStack() as opened:
        yield [opened.enter_context(way(net)) for _ in range(number)]


@contextmanager
def controlled(way: Way[T], sysctl: str, controller: str, net: Network) -> Iterator[T]:
    """With another congestion controller than is the default, at both ends."""
    hosts = (net.cli, net.srv)
    before = [host.run("sysctl", "-n", sysctl).strip() for host in hosts]
    for host in hosts:
        host.run("sysctl", "-w", f"{sysctl}={controller}")
    try:
        with way(net) as opened:
            yield opened
    finally:
        for host, was in zip(hosts, before, strict=True):
            host.run("sysctl", "-w", f"{sysctl}={was}")


WAYS: dict[str, Opener] = {
    "tcp": tcp,
    "ktls-aes128": partial(ktls, Cipher.AES_GCM_128),
    "ktls-chacha": partial(ktls, Cipher.CHACHA20_POLY1305),
    "quic-aes128": partial(quic, Cipher.AES_GCM_128),
    "quic-chacha": partial(quic, Cipher.CHACHA20_POLY1305),
    "quic-clear": quic_clear,
}
