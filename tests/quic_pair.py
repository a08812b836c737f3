# SPDX-License-Identifier: GPL-2.0-or-later
"""An established connection on the loopback device, and small words for tests of it."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from kquic.sock import Connection, Listener, TransportParams, listen
from kquic.sock.events import StreamData
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run
from kquic.tls.testca import TestCA
from relay import Relay

LOCALHOST = "127.0.0.1"
TIMEOUT = 10.0
DEAD = select.POLLHUP | select.POLLERR | select.POLLIN | select.POLLOUT | select.POLLRDHUP

CA = TestCA.create()


@dataclass(frozen=True)
class Pair:
    """Two ends of an established connection on the loopback device."""

    client: Connection
    server: Connection


def handshake(client: Connection, listener: Listener) -> Connection:
    """Both ends' handshake, for a client that has just been connected; returns the server's end."""
    own = CA.server("server.test")
    trust = ClientSettings(X509Credentials(CA.cert_pem, ()), "server.test", ("data",))
    keys = ServerSettings(X509Credentials(CA.cert_pem, KeyPair(own.cert_pem, own.key_pem)), ("data",))
    thread = threading.Thread(target=run, args=(client, trust, TIMEOUT))
    thread.start()
    server = listener.accept()
    run(server, keys, TIMEOUT)
    thread.join()
    for end in (client, server):
        end.set_timeout(TIMEOUT)
    return server


@contextmanager
def established(
    params: TransportParams | None = None,
    prepare: Callable[[Connection | Listener], object] = lambda _: None,
    via: Callable[[int], int] = int,
) -> Iterator[Pair]:
    """A connection; `params` are what the server announces.

    `prepare` is given the listener and the unconnected client; `via` tells which
    port the client connects to in place of the listener's.
    """
    with ExitStack() as opened:
        listener = opened.enter_context(listen(LOCALHOST, alpn=("data",)))
        if params:
            listener.set_transport_params(params)
        client = opened.enter_context(Connection.create(socket.AF_INET))
        prepare(listener)
        prepare(client)
        client.connect(LOCALHOST, via(listener.port))
        yield Pair(client, opened.enter_context(handshake(client, listener)))


@contextmanager
def relayed(
    prepare: Callable[[Connection | Listener], object] = lambda _: None,
) -> Iterator[tuple[Pair, Relay]]:
    """A connection, and the wire between its ends."""
    with ExitStack() as opened:
        relays: list[Relay] = []

        def via(port: int) -> int:
            relays.append(opened.enter_context(Relay(port)))
            return relays[0].port

        pair = opened.enter_context(established(prepare=prepare, via=via))
        yield pair, relays[0]


@contextmanager
def raises(code: int) -> Iterator[None]:
    """The call fails with this errno."""
    with pytest.raises(OSError) as caught:
        yield
    assert errno.errorcode[caught.value.errno or 0] == errno.errorcode[code]


def read(end: Connection, size: int) -> StreamData:
    """Exactly so many bytes of one stream, or up to its FIN."""
    first = end.recv(size)
    assert isinstance(first, StreamData)
    data, fin = first.data, first.fin
    while len(data) < size and not fin:
        more = end.recv(size - len(data))
        assert isinstance(more, StreamData)
        assert more.stream_id == first.stream_id
        data, fin = data + more.data, more.fin
    return StreamData(first.stream_id, data, fin)


def ready(end: Connection, milliseconds: int = 0) -> int:
    """What poll() says."""
    poll = select.poll()
    poll.register(end.fileno(), select.POLLIN | select.POLLOUT | select.POLLRDHUP)
    return sum(mask for _, mask in poll.poll(milliseconds))


def wait_for(end: Connection, mask: int) -> None:
    """Until poll() says this."""
    deadline = time.monotonic() + TIMEOUT
    while not ready(end, 100) & mask:
        assert time.monotonic() < deadline
