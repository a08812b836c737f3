# SPDX-License-Identifier: GPL-2.0-or-later
"""A QUIC socket in every state that a program can get one into, for tables of calls."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from kquic.sock import IPPROTO_QUIC, Connection, listen
from kquic.sock._abi import CryptoLevel
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, wait_for

State = Callable[[], AbstractContextManager[socket.socket]]


def new(family: int = socket.AF_INET) -> socket.socket:
    """A raw socket."""
    return socket.socket(family, socket.SOCK_STREAM, IPPROTO_QUIC)


@contextmanager
def fresh() -> Iterator[socket.socket]:
    """Nothing was done with it."""
    with new() as sock:
        yield sock


@contextmanager
def bound() -> Iterator[socket.socket]:
    """It has an address."""
    with new() as sock:
        sock.bind((LOCALHOST, 0))
        yield sock


@contextmanager
def listening() -> Iterator[socket.socket]:
    """Nobody has come yet."""
    with bound() as sock:
        sock.listen(3)
        yield sock


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOCALHOST, 0))
        yield udp.getsockname()[1]


@contextmanager
def connecting() -> Iterator[socket.socket]:
    """A client before its ClientHello."""
    with silent_server() as port, new() as sock:
        sock.connect((LOCALHOST, port))
        yield sock


@contextmanager
def abandoned() -> Iterator[socket.socket]:
    """A client that has given up."""
    with connecting() as sock:
        sock.shutdown(socket.SHUT_RDWR)
        yield sock


@contextmanager
def accepted() -> Iterator[socket.socket]:
    """What accept() returns: the ClientHello waits."""
    with ExitStack() as opened:
        listener = opened.enter_context(listen(LOCALHOST))
        client = opened.enter_context(Connection.create(socket.AF_INET))
        client.connect(LOCALHOST, listener.port)
        client.send_handshake(CryptoLevel.INITIAL, client_hello())
        listener.set_timeout(TIMEOUT)
        yield opened.enter_context(listener.accept()).sock


def _end(server: bool, prepare: Callable[[Pair], None] = lambda _: None) -> State:
    @contextmanager
    def make() -> Iterator[socket.socket]:
        with established() as pair:
            prepare(pair)
            yield (pair.server if server else pair.client).sock

    return make


def _server_leaves(pair: Pair) -> None:
    pair.server.close()
    wait_for(pair.client, select.POLLHUP)


def _client_leaves(pair: Pair) -> None:
    pair.client.close()
    wait_for(pair.server, select.POLLHUP)


#: By name. `client` and `server` are established, `shut` ended the connection itself, the last two saw the peer do it.
STATES: dict[str, State] = {
    "fresh": fresh,
    "bound": bound,
    "listening": listening,
    "connecting": connecting,
    "abandoned": abandoned,
    "accepted": accepted,
    "client": _end(server=False),
    "server": _end(server=True),
    "shut": _end(server=False, prepare=lambda pair: pair.client.shutdown()),
    "left_client": _end(server=False, prepare=_server_leaves),
    "left_server": _end(server=True, prepare=_client_leaves),
}
