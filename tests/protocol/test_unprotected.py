# SPDX-License-Identifier: GPL-2.0-or-later
"""disable_1rtt_encryption: packets in the clear, to measure what protection costs, if both ends ask for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from kquic.sock import Connection, EventType, Listener, StreamFlags, TransportParams
from kquic.sock.events import KeyUpdated
from quic_pair import Pair, established, read
from relay import Relay

from .hostile import on_client, on_server, replaced

pytestmark = pytest.mark.usefixtures("bystander")

ASKS = 0xBAAD
SECRET = b"what an eavesdropper would like to read. "
NEW_FIN = StreamFlags.NEW | StreamFlags.FIN


class Tapped(Relay):
    """A wire whose datagrams are kept."""

    def __init__(self, server_port: int) -> None:
        super().__init__(server_port)
        self.seen: list[bytes] = []

    def _from_client(self) -> None:
        self.seen.append(self._front.recv(65536, socket.MSG_PEEK))
        super()._from_client()


@contextmanager
def tapped(client: int, server: int) -> Iterator[tuple[Pair, Tapped]]:
    """Ends that ask for it or do not, and the wire between them."""
    with ExitStack() as opened:
        wires: list[Tapped] = []

        def via(port: int) -> int:
            wires.append(opened.enter_context(Tapped(port)))
            return wires[0].port

        def prepare(end: Connection | Listener) -> None:
            mine = client if isinstance(end, Connection) else server
            end.set_transport_params(TransportParams(disable_1rtt_encryption=mine))

        yield opened.enter_context(established(prepare=prepare, via=via)), wires[0]


def both_ways(pair: Pair, size: int) -> None:
    for one, other in ((pair.client, pair.server), (pair.server, pair.client)):
        data = (SECRET * (size // len(SECRET) + 1))[:size]
        one.send_all(data, flags=NEW_FIN)
        assert read(other, size).data == data


@pytest.mark.parametrize(("client", "server"), [(1, 1), (1, 0), (0, 1)])
def test_only_if_both_ask(client: int, server: int) -> None:
    with tapped(client, server) as (pair, wire):
        both_ways(pair, 300_000)
        assert any(SECRET in datagram for datagram in wire.seen) == bool(client and server)
        for end in (pair.client, pair.server):
            assert end.transport_params.disable_1rtt_encryption == (client and server)


def test_handshake_stays_protected() -> None:
    with tapped(1, 1) as (_, wire):
        assert not any(b"server.test" in datagram for datagram in wire.seen)


def test_keys_are_updated_all_the_same() -> None:
    with tapped(1, 1) as (pair, wire):
        both_ways(pair, 1000)
        pair.server.enable_event(EventType.KEY_UPDATE)
        pair.client.update_keys()
        assert pair.server.recv() == KeyUpdated(1)
        both_ways(pair, 100_000)
        wire.lose_from_client = wire.lose_from_server = 3
        both_ways(pair, 100_000)


def test_peer_that_asks_alone() -> None:
    with on_server(change=replaced(ASKS, b"")) as attack:
        attack.peer.alive()
    with on_client(change=replaced(ASKS, b"")) as attack:
        attack.peer.alive()
