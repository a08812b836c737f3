# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that move: RFC 9000, 9 and 8.2, and option CONNECTION_MIGRATION."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kquic.diag.info import NO_SSTHRESH
from kquic.sock import Config, Connection, TransportParams, connect, listen
from kquic.sock._abi import SOL_QUIC, SockOpt

from ..quic_pair import raises
from .looking import look
from .moving import IMPATIENT, Pair, Plan, Transfer, free_port, moving, say, say_from_elsewhere, wait_migrated
from .relay import Relay

OTHER = "127.0.0.2"
FORBIDDEN = TransportParams(disable_active_migration=1)


@contextmanager
def behind_nat(config: Config | None = None, *, early_only: bool = False) -> Iterator[tuple[Pair, Relay]]:
    """A client behind an address translator."""
    relays: list[Relay] = []

    def through(listener: object) -> int:
        relays.append(Relay(("127.0.0.1", listener.port)).__enter__())
        relays[0].early_only = early_only
        return relays[0].port

    try:
        with moving(Plan(via=through, config=config)) as pair:
            yield pair, relays[0]
    finally:
        for relay in relays:
            relay.__exit__(None, None, None)


def migrate_when_free(end: Connection, host: str) -> None:
    """Move as soon as no other migration is at work."""
    deadline = time.monotonic() + 20
    while True:
        try:
            end.migrate(host, free_port(host))
            return
        except BlockingIOError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def wait_moved(end: Connection, times: int) -> dict[str, int]:
    """What it knows when it has changed its path so often; that is before an event, which waits for validation."""
    deadline = time.monotonic() + 20
    while (known := look(end).numbers)["migrations"] < times:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return known


class TestOwn:
    """Option CONNECTION_MIGRATION of an established connection."""

    @pytest.mark.smoke
    def test_client_moves(self) -> None:
        with moving() as pair:
            say(pair.client, pair.server)
            port = free_port(OTHER)
            pair.client.migrate(OTHER, port)
            assert wait_migrated(pair.client).local
            assert pair.client.local == (OTHER, port)
            assert not wait_migrated(pair.server).local
            assert pair.server.sock.getpeername() == (OTHER, port)
            say(pair.server, pair.client)
            say(pair.client, pair.server)

    def test_peers_next_connection_id_is_used(self) -> None:
        with moving() as pair:
            say(pair.client, pair.server)
            pair.client.migrate(OTHER, free_port(OTHER))
            wait_migrated(pair.client)
            say(pair.client, pair.server)
            assert pair.client.connection_ids(of_peer=True).active == 1
            assert pair.server.connection_ids(of_peer=True).active == 1

    def test_server_moves(self) -> None:
        with moving() as pair:
            say(pair.client, pair.server)
            port = free_port(OTHER)
            pair.server.migrate(OTHER, port)
            assert wait_migrated(pair.server).local
            assert pair.server.local == (OTHER, port)
            assert not wait_migrated(pair.client).local
            assert pair.client.sock.getpeername() == (OTHER, port)
            say(pair.client, pair.server)

    def test_there_and_back_again(self) -> None:
        with moving() as pair:
            say(pair.client, pair.server)
            home = pair.client.local
            pair.client.migrate(OTHER, free_port(OTHER))
            wait_migrated(pair.client)
            say(pair.client, pair.server)
            pair.client.migrate(*home[:2])
            wait_migrated(pair.client)
            assert pair.client.local == home
            say(pair.client, pair.server)
            assert pair.server.sock.getpeername() == home

    @pytest.mark.parametrize("sender", ["client", "server"])
    def test_during_a_transfer(self, sender: str) -> None:
        with moving() as pair:
            ends = (pair.client, pair.server) if sender == "client" else (pair.server, pair.client)
            transfer = Transfer(*ends)
            pair.client.migrate(OTHER, free_port(OTHER))
            transfer.finish()
            say(pair.client, pair.server)
            assert pair.server.sock.getpeername()[0] == OTHER

    def test_path_that_does_not_answer_is_not_used(self) -> None:
        with behind_nat(IMPATIENT) as (pair, relay):
            say(pair.client, pair.server)
            home = pair.client.local
            relay.ignored = OTHER
            pair.client.migrate(OTHER, free_port(OTHER))
            say(pair.client, pair.server)
            migrate_when_free(pair.client, OTHER)  # the first attempt has failed
            assert relay.dropped
            assert pair.client.local == home
            relay.ignored = None
            assert wait_migrated(pair.client).local
            say(pair.server, pair.client)


class TestRefused:
    """Each row of what the option says no to."""

    def test_closed(self) -> None:
        with Connection.create(socket.AF_INET) as fresh, raises(errno.EPIPE):
            fresh.migrate(OTHER, 4000)

    def test_listening(self) -> None:
        with listen("127.0.0.1") as listener, raises(errno.EPIPE):
            listener.sock.setsockopt(SOL_QUIC, SockOpt.CONNECTION_MIGRATION, bytes(16))

    def test_connecting_client(self) -> None:
        with connect("127.0.0.1", 4433) as client, raises(errno.EINVAL):
            client.migrate(OTHER, 4000)

    @pytest.mark.parametrize("end", ["client", "server"])
    def test_addresses(self, end: str) -> None:
        with moving() as pair:
            moved: Connection = getattr(pair, end)
            for host, port in (
                moved.local[:2],  # where it is
                (OTHER, 0),
                ("0.0.0.0", 4000),
                ("224.0.0.1", 4000),
                ("::1", 4000),  # wrong family
                ("192.0.2.1", 4000),  # not ours: no route from there
            ):
                with raises(errno.EINVAL):
                    moved.migrate(host, port)
            for short in (b"", b"\x02", bytes(15)):
                with raises(errno.EINVAL):
                    moved.sock.setsockopt(SOL_QUIC, SockOpt.CONNECTION_MIGRATION, short)

    def test_port_of_another_program(self) -> None:
        with moving() as pair, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((OTHER, 0))
            with raises(errno.EADDRINUSE):
                pair.client.migrate(OTHER, udp.getsockname()[1])

    def test_two_at_once(self) -> None:
        with behind_nat() as (pair, relay):
            say(pair.client, pair.server)
            relay.deaf = True
            pair.client.migrate(OTHER, free_port(OTHER))
            with raises(errno.EAGAIN):
                pair.client.migrate(OTHER, free_port(OTHER))

    def test_peer_forbids(self) -> None:
        with moving(Plan(params=FORBIDDEN)) as pair, raises(errno.EINVAL):
            pair.client.migrate(OTHER, 4000)
        with moving(Plan(client_params=FORBIDDEN)) as pair, raises(errno.EINVAL):
            pair.server.migrate(OTHER, 4000)

    def test_after_the_end(self) -> None:
        with moving() as pair:
            pair.client.sock.shutdown(socket.SHUT_RDWR)
            with raises(errno.EPIPE):
                pair.client.migrate(OTHER, 4000)


class TestRebinding:
    """The client's address changes without its knowledge."""

    def test_port(self) -> None:
        with behind_nat() as (pair, relay):
            say(pair.client, pair.server)
            relay.rebind()
            assert not say_from_elsewhere(pair.client, pair.server).local
            assert pair.server.sock.getpeername() == relay.seen
            say(pair.server, pair.client)

    def test_address(self) -> None:
        with behind_nat() as (pair, relay):
            say(pair.client, pair.server)
            relay.rebind("127.0.0.3")
            assert not say_from_elsewhere(pair.client, pair.server).local
            assert pair.server.sock.getpeername() == relay.seen
            say(pair.server, pair.client)

    def test_connection_id_stays(self) -> None:
        """RFC 9000, 9.5: the client has not changed its own."""
        with behind_nat() as (pair, relay):
            say(pair.client, pair.server)
            relay.rebind()
            say_from_elsewhere(pair.client, pair.server)
            assert pair.server.connection_ids(of_peer=True).active == 0

    def test_before_the_client_knows_that_the_handshake_is_confirmed(self) -> None:
        """HANDSHAKE_DONE was lost: the client must answer the challenge all the same."""
        with behind_nat(early_only=True) as (pair, relay):
            relay.rebind()
            relay.early_only = False
            assert not say_from_elsewhere(pair.client, pair.server).local
            assert pair.server.sock.getpeername() == relay.seen
            say(pair.server, pair.client)

    @pytest.mark.parametrize("sender", ["client", "server"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.3"])
    def test_during_a_transfer(self, sender: str, host: str) -> None:
        with behind_nat() as (pair, relay):
            ends = (pair.client, pair.server) if sender == "client" else (pair.server, pair.client)
            transfer = Transfer(*ends)
            relay.rebind(host)
            if sender == "server":  # a client that only acknowledges may have nothing to say at this moment
                say(pair.client, pair.server)
            transfer.finish()
            say(pair.client, pair.server, os.urandom(8))
            assert pair.server.sock.getpeername() == relay.seen


def drain(udp: socket.socket) -> int:
    """Bytes of the datagrams that wait."""
    udp.setblocking(False)
    total = 0
    while True:
        try:
            total += len(udp.recv(65536))
        except BlockingIOError:
            return total


def lure_away(pair: Pair, relay: Relay, victim: socket.socket) -> dict[str, int]:
    """Let the client seem to move to the victim's address, and fall silent; what the server knows there."""
    relay.divert(victim, stay=True)
    pair.client.send_all(b"from nowhere", flags=0x600)
    there = wait_moved(pair.server, 1)
    relay.ignored = pair.client.local[0]
    relay.divert(None)
    return there


class TestForged:
    """Somebody on the way forwards a packet under another sender's address (RFC 9000, 9.3.1 and 9.3.2)."""

    @pytest.fixture
    def victim(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.4", 0))
            yield udp

    def test_victim_is_hardly_touched(self, victim: socket.socket) -> None:
        with behind_nat() as (pair, relay):
            say(pair.client, pair.server)
            transfer = Transfer(pair.server, pair.client, size=32 << 20)  # long enough to be met on its way
            transfer.wait_for(transfer.size // 8)
            relay.divert(victim)
            transfer.finish()
            assert 0 < drain(victim) <= 3 * relay.diverted
            assert pair.server.sock.getpeername() == relay.seen
            say(pair.client, pair.server)  # no event

    def test_server_at_an_unknown_address_is_not_heard(self, victim: socket.socket) -> None:
        """RFC 9000, 9: clients decide where a connection goes."""
        with behind_nat() as (pair, relay):
            say(pair.client, pair.server)
            server = pair.client.sock.getpeername()
            relay.disguise = victim
            pair.server.send_all(b"from elsewhere", flags=0x600)
            pair.client.set_timeout(0.3)
            with raises(errno.EAGAIN):
                pair.client.recv()
            relay.disguise = None
            pair.client.set_timeout(10)
            assert pair.client.recv().data == b"from elsewhere"  # type: ignore[union-attr]
            assert pair.client.sock.getpeername() == server

    def test_silent_client_is_found_again(self, victim: socket.socket) -> None:
        """Nothing more comes from the true address: the server goes back when nobody answers at the other."""
        with behind_nat(IMPATIENT) as (pair, relay):
            say(pair.client, pair.server)
            lure_away(pair, relay, victim)
            wait_moved(pair.server, 2)
            assert drain(victim) <= 3 * relay.diverted
            relay.ignored = None
            say(pair.server, pair.client)
            assert pair.server.sock.getpeername() == relay.seen


class TestCongestion:
    """RFC 9000, 9.4: what is known of a path does not hold on another, unless nothing but a port has changed."""

    @pytest.fixture
    def moved(self) -> Iterator[tuple[Pair, Relay]]:
        """A connection that is about to move, whose ends have met congestion."""
        with behind_nat(Config(initial_smoothed_rtt=100_000)) as (pair, relay):
            while not self.remembers(pair.server):  # what was lost may have been nothing but ACKs
                relay.lose_from_server = 3
                Transfer(pair.server, pair.client, 300_000).finish()
            while not self.remembers(pair.client):
                relay.lose_from_client = 3
                Transfer(pair.client, pair.server, 300_000).finish()
            yield pair, relay

    def remembers(self, end: Connection) -> bool:
        """Does it know that there was congestion?"""
        return look(end).numbers["ssthresh"] != NO_SSTHRESH

    def test_another_port(self, moved: tuple[Pair, Relay]) -> None:
        pair, relay = moved
        relay.rebind()
        say_from_elsewhere(pair.client, pair.server)
        assert self.remembers(pair.server)

    def test_another_address(self, moved: tuple[Pair, Relay]) -> None:
        pair, relay = moved
        relay.rebind("127.0.0.3")
        say_from_elsewhere(pair.client, pair.server)
        assert not self.remembers(pair.server)

    def test_own_address(self, moved: tuple[Pair, Relay]) -> None:
        pair, _ = moved
        pair.client.migrate(OTHER, free_port(OTHER))
        wait_migrated(pair.client)
        assert not self.remembers(pair.client)

    def test_forged_address(self, moved: tuple[Pair, Relay]) -> None:
        """RFC 9000, 9.3.2: as it was, when it turns out that nobody has moved."""
        pair, relay = moved
        rtt = look(pair.server).numbers["min_rtt"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
            victim.bind(("127.0.0.4", 0))
            there = lure_away(pair, relay, victim)
            assert there["ssthresh"] == NO_SSTHRESH or there["migrations"] > 1
            back = wait_moved(pair.server, 2)
        assert back["ssthresh"] != NO_SSTHRESH
        assert 0 < back["min_rtt"] <= rtt
        relay.ignored = None
        say(pair.server, pair.client)
        assert pair.server.sock.getpeername() == relay.seen
