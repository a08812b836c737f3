# SPDX-License-Identifier: GPL-2.0-or-later
"""Which version a connection speaks: negotiation, and peers that lie about it (RFC 9368; RFC 9369, 4)."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from aioquic.buffer import Buffer
from aioquic.quic.connection import QuicConnection

from kquic.diag import Query, sockets
from kquic.sock import Config, Connection, Listener, StreamFlags, TransportError, TransportParams, connect, listen
from kquic.tls import ClientSettings, TlsError, X509Credentials, run
from quic_pair import Pair, established, read, relayed, wait_for
from relay import Relay

from .frames import close
from .hostile import (
    CA,
    Change,
    Hostile,
    begun,
    configuration,
    confirmed,
    has_handshake_keys,
    lying,
    on_client,
    on_server,
    replaced,
)
from .wire import V1, V2, RawClient, RawServer, client_hello, crypto

pytestmark = pytest.mark.usefixtures("bystander")

GREASE, NOBODYS = 0x1A2A3A4A, 0x00C0FFEE
E = TransportError
Prepare = Callable[[Connection | Listener], object]


def information(chosen: int, *available: int) -> Change:
    """Say something else in version_information."""
    return replaced(0x11, struct.pack(f"!{1 + len(available)}I", chosen, *available))


MISSING = replaced(0x11, None)


def in_use(pair: Pair) -> tuple[int, int]:
    """The versions that both ends are in, as the kernel shows them."""
    (client,) = sockets(Query(local_port=pair.client.port))
    (server,) = sockets(Query(peer_port=pair.client.port))
    assert client.info is not None and server.info is not None
    return client.info["version"], server.info["version"]


def preferring(client: int = 0, server: int = 0, **params: int) -> Prepare:
    """What each end is told, by version and by transport parameters."""

    def prepare(end: Connection | Listener) -> None:
        is_client = isinstance(end, Connection)
        end.configure(Config(version=client if is_client else server))
        end.set_transport_params(TransportParams(**params if is_client else {}))

    return prepare


class TestOurOwn:
    @pytest.mark.parametrize(
        ("client", "server", "version"),
        [(0, 0, V1), (V2, 0, V2), (0, V2, V2), (V1, V2, V2), (V2, V1, V1), (V2, V2, V2), (0, NOBODYS, V1)],
    )
    def test_server_has_its_way(self, client: int, server: int, version: int) -> None:
        with established(prepare=preferring(client, server)) as pair:
            assert in_use(pair) == (version, version)
            pair.client.update_keys()
            for one, other in ((pair.client, pair.server), (pair.server, pair.client)):
                one.send_all(b"a" * 100_000, flags=StreamFlags.NEW | StreamFlags.FIN)
                assert read(other, 100_000).data == b"a" * 100_000

    def test_client_that_does_not_negotiate(self) -> None:
        with established(prepare=preferring(0, V2, disable_compatible_version=1)) as pair:
            assert in_use(pair) == (V1, V1)

    def test_behind_a_retry(self) -> None:
        """Keys of the negotiated version come from the connection ID of the Retry."""

        def prepare(end: Connection | Listener) -> None:
            preferring(0, V2)(end)
            if isinstance(end, Listener):
                end.configure(Config(validate_peer_address=1))

        with established(prepare=prepare) as pair:
            assert in_use(pair) == (V2, V2)

    @pytest.mark.parametrize("lost", ["client", "server"])
    def test_first_flights_are_lost(self, lost: str) -> None:
        """What is sent again before the client knows the version is in the first one."""
        with ExitStack() as opened:

            def via(port: int) -> int:
                relay = opened.enter_context(Relay(port))
                setattr(relay, f"lose_from_{lost}", 3)
                return relay.port

            pair = opened.enter_context(established(prepare=preferring(0, V2), via=via))
            assert [s.info and s.info["version"] for s in sockets(Query(local_port=pair.client.port))] == [V2]


class TestClientOfAnother:
    """aioquic is the client."""

    @pytest.mark.parametrize(
        ("prefer", "first", "knows", "version"),
        [
            (V2, V1, [V1, V2], V2),
            (V2, V1, [V1, NOBODYS, V2], V2),
            (V2, V1, [V1], V1),
            (V1, V2, [V2, V1], V1),
            (0, V1, [V1, V2], V1),
            (0, V2, [V2, V1], V2),
        ],
    )
    def test_is_led_to_the_preferred_version(self, prefer: int, first: int, knows: list[int], version: int) -> None:
        config = Config(version=prefer) if prefer else None
        with on_server(config=config, original_version=first, supported_versions=knows) as attack:
            assert attack.peer.quic._version == version
            assert attack.peer.quic._remote_version_information.chosen_version == version
            assert {V1, V2} <= set(attack.peer.quic._remote_version_information.available_versions)
            attack.peer.alive()

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (information(V2, V1, V2), E.VERSION_NEGOTIATION),
            (information(NOBODYS, V1, NOBODYS), E.VERSION_NEGOTIATION),
            (information(V1), E.TRANSPORT_PARAM),
            (information(V1, V2), E.TRANSPORT_PARAM),
            (information(V1, V1, 0), E.TRANSPORT_PARAM),
            (information(0, V1, V2), E.TRANSPORT_PARAM),
            (replaced(0x11, b""), E.TRANSPORT_PARAM),
            (replaced(0x11, bytes([0, 0, 0, 1, 0, 0, 0, 1, 0])), E.TRANSPORT_PARAM),
        ],
        ids=["in-use", "unknown", "empty", "unlisted", "available-0", "chosen-0", "nothing", "torn"],
    )
    @pytest.mark.parametrize("prefer", [V1, V2])
    def test_that_lies(self, change: Change, code: int, prefer: int) -> None:
        with on_server(until=begun, change=change, config=Config(version=prefer)) as attack:
            assert attack.peer.closed_with() == code

    def test_that_says_nothing(self) -> None:
        with on_server(change=MISSING, config=Config(version=V2)) as attack:
            assert attack.peer.quic._version == V1
            attack.peer.alive()


def prefer_v2(quic: QuicConnection) -> None:
    """aioquic goes by the client's order: let it see another one."""
    honest = quic._parse_transport_parameters

    def parse(*args: object, **options: object) -> None:
        honest(*args, **options)
        quic._remote_version_information.available_versions.sort(reverse=True)

    quic._parse_transport_parameters = parse  # type: ignore[method-assign]


class TestServerOfAnother:
    """aioquic is the server."""

    def test_upgrades(self) -> None:
        with on_client(prepare=prefer_v2) as attack:
            assert attack.peer.quic._version == V2
            (found,) = sockets(Query(local_port=attack.victim.port))
            assert found.info is not None and found.info["version"] == V2
            attack.peer.alive()

    def test_does_not(self) -> None:
        with on_client() as attack:
            assert attack.peer.quic._version == V1
            assert {V1, V2} <= set(attack.peer.quic._remote_version_information.available_versions)
            attack.peer.alive()

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (MISSING, E.VERSION_NEGOTIATION),
            (information(V1, V1, V2), E.VERSION_NEGOTIATION),
            (information(NOBODYS, V1, V2), E.VERSION_NEGOTIATION),
            (information(0, V1, V2), E.TRANSPORT_PARAM),
            (information(V2, 0), E.TRANSPORT_PARAM),
        ],
        ids=["missing", "not-upgraded", "unknown", "chosen-0", "available-0"],
    )
    def test_upgrades_and_lies(self, change: Change, code: int) -> None:
        with on_client(until=has_handshake_keys, change=change, prepare=prefer_v2) as attack:
            self.finish(attack.peer)
            assert attack.peer.closed_with() == code

    def test_claims_an_upgrade(self) -> None:
        with on_client(until=has_handshake_keys, change=information(V2, V1, V2)) as attack:
            self.finish(attack.peer)
            assert attack.peer.closed_with() == E.VERSION_NEGOTIATION

    def finish(self, peer: Hostile) -> None:
        for data, address in peer.quic.datagrams_to_send(time.monotonic()):
            peer.udp.sendto(data, address)


def _shake(client: Connection) -> None:
    with suppress(TlsError, OSError):
        run(client, ClientSettings(X509Credentials(CA.cert_pem), "server.test", ("data",)), 10.0)


@contextmanager
def trying(first: int, server: RawServer, **params: int) -> Iterator[Connection]:
    """Our client, that begins in a version, and whose first packet the server has seen."""
    with ExitStack() as opened:
        client = opened.enter_context(Connection.create(socket.AF_INET))
        client.configure(Config(version=first))
        client.set_transport_params(TransportParams(**params))
        client.connect(*server.udp.getsockname())
        thread = threading.Thread(target=_shake, args=(client,))
        opened.callback(thread.join)
        opened.callback(lambda: suppressed(client.shutdown))
        thread.start()
        server.begin()
        yield client


def suppressed(call: Callable[[], object]) -> None:
    with suppress(OSError):
        call()


def heard_in(server: RawServer, version: int) -> bool:
    """The client's next packets: whether one is of this version."""
    while header := server.hear(3.0):
        if header.version == version:
            return True
    return False


class TestVersionNegotiation:
    """A packet that anybody could have sent; what is to be ignored is in test_attacks_handshake.py."""

    @pytest.fixture
    def server(self) -> Iterator[RawServer]:
        made = RawServer()
        yield made
        made.close()

    def then(self, server: RawServer, *knows: int, change: Change | None = None) -> Hostile:
        """A whole server goes on from the client's packet that came last."""
        quic = QuicConnection(
            configuration=configuration(is_client=False, supported_versions=list(knows)),
            original_destination_connection_id=server.odcid,
        )
        lying(quic, change).receive_datagram(server.datagram, server.client, time.monotonic())
        return Hostile(server.udp, quic, server.client)

    @pytest.mark.parametrize("change", [None, MISSING], ids=["told", "untold"])
    def test_client_begins_anew(self, server: RawServer, change: Change | None) -> None:
        with trying(V2, server, disable_compatible_version=1):
            server.negotiate(GREASE, NOBODYS, V1)
            assert heard_in(server, V1)
            peer = self.then(server, V1, change=change)
            peer.shake_hands(confirmed)
            peer.alive()

    @pytest.mark.parametrize("first", [V1, V2])
    def test_downgrade_is_noticed(self, server: RawServer, first: int) -> None:
        """RFC 9368, 4: somebody else has sent the packet; the server knows the version that it refuses."""
        other = V2 if first == V1 else V1
        with trying(first, server, disable_compatible_version=1):
            server.negotiate(other)
            assert heard_in(server, other)
            peer = self.then(server, V1, V2)
            for data, address in peer.quic.datagrams_to_send(time.monotonic()):
                server.udp.sendto(data, address)
            assert peer.closed_with() == E.VERSION_NEGOTIATION

    def test_only_once(self, server: RawServer) -> None:
        with trying(V2, server):
            server.negotiate(V1)
            assert heard_in(server, V1)
            server.negotiate(V2)
            assert not heard_in(server, V2)

    def test_choice_of_the_first_attempt_stays(self, server: RawServer) -> None:
        """The ClientHello belongs to TLS: a server that compares notices that it was made for another version."""
        with trying(V2, server):
            server.negotiate(V1)
            assert heard_in(server, V1)
            peer = self.then(server, V1)
            assert peer.quic._close_event is not None
            assert peer.quic._close_event.error_code == E.VERSION_NEGOTIATION

    def test_nothing_in_common(self, server: RawServer) -> None:
        with trying(V1, server) as client:
            server.negotiate(GREASE, NOBODYS)
            wait_for(client, select.POLLHUP)
            assert client.close_info.errcode == 0


FIXED, LONG_HEADER = 0x40, 0x80
RESERVED, RESERVED_MASK = 0x0A0A0A0A, 0x0F0F0F0F


@contextmanager
def observed(client: int, server: int) -> Iterator[tuple[Pair, Relay]]:
    """A connection of ends that announce grease_quic_bit or do not, and the wire between them."""

    def prepare(end: Connection | Listener) -> None:
        mine = client if isinstance(end, Connection) else server
        end.set_transport_params(TransportParams(grease_quic_bit=mine))

    with relayed(prepare) as both:
        yield both


class TestGrease:
    """What peers have to ignore, so that they stay able to (RFC 9000, 6.3, 18.1; RFC 9287)."""

    def test_reserved_version_is_offered(self) -> None:
        with on_server() as attack:
            versions = attack.peer.quic._remote_version_information.available_versions
            assert [v for v in versions if v & RESERVED_MASK == RESERVED]

    def test_reserved_version_is_offered_by_clients(self) -> None:
        with on_client() as attack:
            versions = attack.peer.quic._remote_version_information.available_versions
            assert [v for v in versions if v & RESERVED_MASK == RESERVED]

    def test_reserved_parameter(self) -> None:
        """TLS may ask twice, and is told the same."""
        server = RawServer()
        with connect(*server.udp.getsockname()) as client:
            body = client.own_parameters_extension()
            assert client.own_parameters_extension() == body
        server.close()
        buf, numbers = Buffer(data=body), []
        while not buf.eof():
            numbers.append(buf.pull_uint_var())
            buf.pull_bytes(buf.pull_uint_var())
        assert [number for number in numbers if number >= 27 and number % 31 == 27]

    @pytest.mark.parametrize(("client", "server"), [(1, 1), (1, 0), (0, 1), (0, 0)])
    def test_fixed_bit_is_random_for_who_does_not_look(self, client: int, server: int) -> None:
        with observed(client, server) as (pair, relay):
            for one, other in ((pair.client, pair.server), (pair.server, pair.client)):
                one.send_all(b"a" * 200_000, flags=StreamFlags.NEW | StreamFlags.FIN)
                assert read(other, 200_000).data == b"a" * 200_000
            for first_bytes, wanted in ((relay.from_client, server), (relay.from_server, client)):
                assert first_bytes[0] & FIXED
                seen = {bool(first & FIXED) for first in first_bytes if not first & LONG_HEADER}
                assert seen == ({True, False} if wanted else {True})

    def test_packet_without_the_bit_is_dropped_by_who_looks(self) -> None:
        with on_server() as attack:
            peer = attack.peer
            packet = bytearray(peer.packet(close(7)))
            packet[0] ^= FIXED
            peer.raw(bytes(packet))
            peer.alive()

    def test_first_packet_without_the_bit(self) -> None:
        """A listener that has not announced it takes no such client."""
        with listen("127.0.0.1", alpn=("data",)) as listener:
            listener.set_timeout(0.5)
            raw = RawClient(("127.0.0.1", listener.port))
            raw.first_bits = FIXED
            raw.send(crypto(client_hello(("data",))))
            with pytest.raises(BlockingIOError):
                listener.accept()
            raw.first_bits = 0
            raw.dcid = os.urandom(8)
            raw.send(crypto(client_hello(("data",))))
            listener.accept().close()
            raw.close()
