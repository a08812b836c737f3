# SPDX-License-Identifier: GPL-2.0-or-later
"""What a hostile peer can do before and during the handshake (attacks.md, A and B)."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import QuicPacketType, pull_quic_header
from aioquic.tls import Epoch

from kquic.sock import Connection, TransportError, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, TlsError, X509Credentials, run
from kquic.tls.testca import TestCA

from .frames import F, ack, close, crypto, numbers, parse, stream
from .hostile import (
    CA,
    KEYS,
    Change,
    Hostile,
    begun,
    configuration,
    has_application_keys,
    has_handshake_keys,
    on_client,
    on_server,
    parameter,
    replaced,
)
from .test_attacks_flood import charged, kernel_memory, limit
from .wire import V1, V2, RawClient, RawServer, client_hello, initial_packet

pytestmark = pytest.mark.usefixtures("bystander")

E = TransportError
GREASE = 0x1A2A3A4A
TLS = 0x100


def _try(connection: Connection, settings: ClientSettings | ServerSettings, seconds: float) -> None:
    with suppress(TlsError, OSError):
        run(connection, settings, seconds)


@contextmanager
def client_of(server: RawServer) -> Iterator[Connection]:
    """Our client, whose handshake goes on in a thread."""
    with connect(*server.udp.getsockname()) as client:
        settings = ClientSettings(X509Credentials(CA.cert_pem), "server.test", ("data",))
        thread = threading.Thread(target=_try, args=(client, settings, 5.0))
        thread.start()
        server.begin()
        yield client
        with suppress(OSError):
            client.shutdown()
        thread.join()


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


@contextmanager
def server_for(hello: bytes, credentials: X509Credentials = KEYS, seconds: float = 2.0) -> Iterator[RawClient]:
    """A client that has sent a ClientHello to our server, which answers in a thread."""
    with listen("127.0.0.1", alpn=("data",)) as listener:
        listener.set_timeout(5.0)
        raw = RawClient(("127.0.0.1", listener.port))
        raw.send(crypto(hello))
        with listener.accept() as server:
            settings = ServerSettings(credentials, ("data",))
            thread = threading.Thread(target=_try, args=(server, settings, seconds))
            thread.start()
            yield raw
            raw.close()
            with suppress(OSError):
                server.shutdown()
            thread.join()


class TestAmplification:
    """1, 2."""

    def test_server_sends_three_times_what_it_got(self) -> None:
        """A client that says no more than its ClientHello, and a certificate that takes many packets."""
        names = [f"{n:03}-{'x' * 50}.test" for n in range(150)]
        own = TestCA.create().server(*names)
        with server_for(client_hello(("data",)), X509Credentials(own=KeyPair(own.cert_pem, own.key_pem))) as raw:
            raw.udp.settimeout(2.5)
            got = 0
            while datagram := raw.answer():
                got += len(datagram)
            assert 2400 < got <= 3600

    def test_client_goes_on_when_all_is_acknowledged(self, raw_server: RawServer) -> None:
        """RFC 9002, 6.2.2.1: the server may be out of credit; it gets a full datagram to spend."""
        with client_of(raw_server):
            raw_server.send(ack(0))
            while True:
                header = raw_server.hear()
                assert header is not None
                if header.packet_type == QuicPacketType.INITIAL and len(raw_server.datagram) >= 1200:
                    break


class TestSilence:
    """RFC 9002, 6.2.4."""

    def test_each_probe_carries_the_client_hello(self, raw_server: RawServer) -> None:
        """There are servers that refuse a first packet without CRYPTO frames, and the first one may be lost."""
        with client_of(raw_server):
            hello = raw_server.open()
            for _ in range(4):
                assert raw_server.hear() is not None
                assert raw_server.open() == hello

    def test_each_probe_repeats_the_acknowledgment(self, raw_server: RawServer) -> None:
        """What said it at once may be lost: there are servers that send nothing again before they hear of a packet."""
        with client_of(raw_server):
            raw_server.send(ack(0) + numbers(F.PING))
            while not raw_server.acknowledged():
                assert raw_server.hear() is not None
            for _ in range(3):
                assert raw_server.hear() is not None
                assert raw_server.acknowledged() == [0]


class TestRetry:
    """7."""

    def next_initial(self, server: RawServer, token: bytes) -> bytes:
        """Wait for an Initial with this token; its destination."""
        for _ in range(10):
            header = server.hear()
            assert header is not None
            if header.token == token:
                return header.destination_cid
        raise AssertionError("not followed")

    def test_is_followed_once(self, raw_server: RawServer) -> None:
        with client_of(raw_server):
            raw_server.retry()
            assert self.next_initial(raw_server, b"a token") == b"retried0"
            raw_server.retry(b"another", b"retried1", odcid=b"retried0")
            raw_server.retry(b"another", b"retried1")
            header = raw_server.hear()
            assert header is None or header.token == b"a token"

    @pytest.mark.parametrize("how", ["tag", "same connection ID", "no token", "after an Initial"])
    def test_is_ignored(self, raw_server: RawServer, how: str) -> None:
        with client_of(raw_server):
            if how == "tag":
                raw_server.retry(odcid=b"wrong000")
            elif how == "same connection ID":
                raw_server.retry(scid=raw_server.odcid)
            elif how == "no token":
                raw_server.retry(token=b"")
            else:
                raw_server.send(ack(0))
                raw_server.retry()
            header = raw_server.hear(3.0)
            assert header is None or not header.token

    def test_packet_numbers_go_on(self, raw_server: RawServer) -> None:
        """27: RFC 9000, 17.2.5.3."""
        with client_of(raw_server):
            first = raw_server.number()
            raw_server.retry()
            raw_server.keys_of(self.next_initial(raw_server, b"a token"))
            assert raw_server.number() > first

    def test_is_proved_by_the_handshake(self) -> None:
        """RFC 9000, 7.3: the server does not confirm the Retry that somebody else has sent."""
        with connect_after_retry() as code:
            assert code == E.TRANSPORT_PARAM


@contextmanager
def connect_after_retry() -> Iterator[int]:
    server = RawServer()
    with client_of(server):
        server.retry()
        header = None
        while header is None or not header.token:
            header = server.hear()
            assert header is not None
        quic = QuicConnection(
            configuration=configuration(is_client=False), original_destination_connection_id=server.odcid
        )
        # It takes the packet as if it came first.
        quic.receive_datagram(server.datagram, server.client, time.monotonic())
        peer = Hostile(server.udp, quic, server.client)
        for data, address in quic.datagrams_to_send(time.monotonic()):
            server.udp.sendto(data, address)
        yield peer.closed_with()
    server.close()


class TestVersionNegotiation:
    """9."""

    @pytest.mark.parametrize("how", ["lists our version", "other source", "other destination", "after an Initial"])
    def test_is_ignored(self, raw_server: RawServer, how: str) -> None:
        with client_of(raw_server) as client:
            if how == "lists our version":
                raw_server.negotiate(GREASE, V1, V2)
            elif how == "other source":
                raw_server.negotiate(GREASE, V2, scid=b"whatever")
            elif how == "other destination":
                raw_server.negotiate(GREASE, V2, dcid=b"whatever")
            else:
                raw_server.send(ack(0))
                raw_server.negotiate(GREASE, V2)
            raw_server.send(close(7))  # it is still version 1 that counts
            deadline = time.monotonic() + 5
            while client.close_info.errcode != 7:
                assert time.monotonic() < deadline
                raw_server.hear(0.02)


FORGED = {
    "CONNECTION_CLOSE": close(0),
    "ACK of what was never sent": ack(1 << 40),
    "frame that is not allowed": stream(0, b"x"),
    "CRYPTO far ahead": crypto(b"x", 1 << 20),
    "garbage": b"\xff" * 50,
}


class TestInitial:
    """10: keys of Initial packets are no secret."""

    @pytest.mark.parametrize("frames", FORGED.values(), ids=FORGED.keys())
    def test_means_nothing_to_an_established_connection(self, frames: bytes) -> None:
        """62 too."""
        with on_server() as attack:
            peer = attack.peer
            keys = CryptoPair()
            odcid = peer.quic._original_destination_connection_id
            keys.setup_initial(odcid, is_client=True, version=V1)
            for dcid in (odcid, peer.cid):
                peer.raw(initial_packet(keys, dcid, peer.quic.host_cid, frames, 70))
            peer.alive()

    @pytest.mark.parametrize("frames", FORGED.values(), ids=FORGED.keys())
    def test_ends_at_most_the_attempt(self, raw_server: RawServer, frames: bytes) -> None:
        with client_of(raw_server):
            raw_server.send(frames)
            raw_server.hear(0.5)

    def test_with_a_token_is_dropped_by_clients(self, raw_server: RawServer) -> None:
        """RFC 9000, 17.2.2."""
        with client_of(raw_server) as client:
            raw_server.send(close(7), token=b"token")
            raw_server.send(close(8))
            while client.close_info.errcode == 0:
                raw_server.hear(0.1)
            assert client.close_info.errcode == 8

    def test_frame_of_1rtt(self, raw_server: RawServer) -> None:
        """20."""
        with client_of(raw_server):
            raw_server.send(stream(0, b"x"))
            keys = raw_server.keys
            found = []
            while not found:
                header = raw_server.hear()
                assert header is not None
                buf = Buffer(data=raw_server.datagram)
                first = pull_quic_header(buf, host_cid_length=8)
                payload = keys.decrypt_packet(raw_server.datagram[: first.packet_length], buf.tell(), 0)[1]
                found = [f.numbers[0] for f in parse(payload) if f.type == F.CONNECTION_CLOSE]
            assert found == [E.PROTOCOL_VIOLATION]


class TestDuringHandshake:
    def test_tls_bytes_far_ahead(self) -> None:
        """12."""
        with on_server(until=has_handshake_keys) as attack:
            attack.peer.send(crypto(b"x", 1 << 20), Epoch.HANDSHAKE)
            assert attack.peer.closed_with() == E.CRYPTO_BUF_EXCEEDED

    def test_packets_that_wait_for_keys(self) -> None:
        """14: few are parked."""
        before = kernel_memory()
        with on_server(until=has_handshake_keys) as attack:
            for _ in range(200):
                attack.peer.raw(b"\x43" + attack.peer.cid + os.urandom(40_000))
            assert charged(attack) <= limit(attack)
            assert kernel_memory() - before < 8 << 20
            attack.peer.shake_hands()
            attack.peer.alive()

    def test_end_of_the_handshake_before_its_beginning(self) -> None:
        """19: HANDSHAKE_DONE comes before the client has any key."""
        with on_client(until=has_application_keys) as attack:
            attack.peer.send(numbers(F.HANDSHAKE_DONE) + numbers(F.PING))
            attack.peer.send(stream(1, b"early", fin=True))
            attack.peer.shake_hands()
            attack.victim.set_timeout(5.0)
            attack.peer.alive()
            assert attack.victim.recv().data == b"early"

    def test_other_address_before_the_handshake_is_confirmed(self) -> None:
        """35: RFC 9000, 9."""
        with on_server(until=has_handshake_keys) as attack:
            moved = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            moved.sendto(attack.peer.packet(close(7), Epoch.HANDSHAKE), attack.peer.victim)
            moved.close()
            attack.peer.shake_hands()
            attack.peer.alive()

    def test_coalesced_rubbish(self) -> None:
        """5: whatever comes behind a good packet is freed."""
        before = kernel_memory()
        with listen("127.0.0.1", alpn=("data",)) as listener:
            raw = RawClient(("127.0.0.1", listener.port))
            for _ in range(300):
                raw.dcid = os.urandom(8)
                packet = raw.initial(crypto(client_hello(("data",))), 1200)
                handshake = b"\xe3" + V1.to_bytes(4, "big") + b"\x08" + raw.dcid + b"\x08" + raw.scid + b"\x44\x00"
                raw.udp.send(packet + handshake + os.urandom(1024) + b"\xc0" * 30)
            raw.close()
        assert kernel_memory() - before < 4 << 20


#: 21: RFC 9000, 7.4 and 18.2
BAD_PARAMETERS: dict[str, Change] = {
    "one twice": lambda body: body + parameter(4, b"\x01") + parameter(4, b"\x01"),
    "no initial_source_connection_id": replaced(0x0F, None),
    "another initial_source_connection_id": replaced(0x0F, b"whatever"),
    "max_udp_payload_size 1199": replaced(3, encode_uint_var(1199)),
    "ack_delay_exponent 21": replaced(0x0A, b"\x15"),
    "max_ack_delay 2^14": replaced(0x0B, encode_uint_var(1 << 14)),
    "active_connection_id_limit 1": replaced(0x0E, b"\x01"),
    "initial_max_streams_bidi above 2^60": replaced(8, encode_uint_var((1 << 60) + 1)),
    "initial_max_streams_uni above 2^60": replaced(9, encode_uint_var((1 << 60) + 1)),
    "number longer than its parameter": replaced(4, b"\xc0\x01"),
    "number shorter than its parameter": replaced(4, b"\x01\x01"),
    "flag with a value": replaced(0x0C, b"\x01"),
    "parameter cut off": lambda body: body + b"\x04\x08\x01",
    "length cut off": lambda body: body + b"\x04\x40",
    "connection ID of 21 bytes": replaced(0x0F, bytes(21)),
}
ONLY_SERVERS: dict[str, Change] = {
    "original_destination_connection_id": replaced(0, b"whatever"),
    "stateless_reset_token": replaced(2, bytes(16)),
    "preferred_address": replaced(0x0D, bytes(24) + b"\x08" + bytes(24)),
    "retry_source_connection_id": replaced(0x10, b"whatever"),
}
ONLY_TO_CLIENTS: dict[str, Change] = {
    "no original_destination_connection_id": replaced(0, None),
    "another original_destination_connection_id": replaced(0, b"whatever"),
    "retry_source_connection_id without a Retry": replaced(0x10, b"whatever"),
    "stateless_reset_token of 15 bytes": replaced(2, bytes(15)),
    "preferred_address without a connection ID": replaced(0x0D, bytes(24) + b"\0" + bytes(16)),
    "preferred_address cut off": replaced(0x0D, bytes(30)),
}


class TestTransportParameters:
    CLIENTS = BAD_PARAMETERS | ONLY_SERVERS
    SERVERS = BAD_PARAMETERS | ONLY_TO_CLIENTS

    @pytest.mark.parametrize("change", CLIENTS.values(), ids=CLIENTS.keys())
    def test_bad_ones_of_a_client(self, change: Change) -> None:
        with on_server(until=begun, change=change) as attack:
            assert attack.peer.closed_with() == E.TRANSPORT_PARAM

    @pytest.mark.parametrize("change", SERVERS.values(), ids=SERVERS.keys())
    def test_bad_ones_of_a_server(self, change: Change) -> None:
        with on_client(until=has_handshake_keys, change=change) as attack:
            peer = attack.peer
            for data, address in peer.quic.datagrams_to_send(time.monotonic()):
                peer.udp.sendto(data, address)
            assert peer.closed_with() == E.TRANSPORT_PARAM

    @pytest.mark.parametrize("number", [0x1B, 31 * 27 + 27, (1 << 62) - 1])
    def test_unknown_ones_are_ignored(self, number: int) -> None:
        with on_server(change=replaced(number, os.urandom(100))) as attack:
            attack.peer.alive()


class TestTls:
    """22."""

    def hello(self, change: Change) -> int | None:
        with server_for(change(client_hello(("data",)))) as raw:
            raw.udp.settimeout(3.0)
            while datagram := raw.answer():
                if found := [f for f in parse(raw.open(datagram)) if f.type == F.CONNECTION_CLOSE]:
                    return found[0].numbers[0]
        return None

    def test_session_id_of_middleboxes(self) -> None:
        """RFC 9001, 8.4: nobody is bothered with it."""
        hello = client_hello(("data",))
        body = hello[4:38] + b"\x20" + bytes(32) + hello[39 + hello[38] :]
        with listen("127.0.0.1", alpn=("data",)) as listener:
            listener.set_timeout(0.3)
            raw = RawClient(("127.0.0.1", listener.port))
            raw.send(crypto(hello[:1] + len(body).to_bytes(3, "big") + body))
            with pytest.raises(BlockingIOError):
                listener.accept()
            raw.close()

    def test_no_transport_parameters(self) -> None:
        """RFC 9001, 8.2."""
        assert self.hello(lambda hello: hello.replace(b"\x00\x39", b"\x3a\x3a", 1)) == TLS + 109

    def test_old_tls_only(self) -> None:
        """RFC 9001, 4.2."""
        assert self.hello(lambda hello: hello.replace(b"\x00\x2b", b"\x3a\x3a", 1)) in (TLS + 70, TLS + 40, TLS + 47)
