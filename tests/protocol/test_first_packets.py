# SPDX-License-Identifier: GPL-2.0-or-later
"""What a listener makes of the first packets of a client (RFC 9000, 5.2.2, 6, 7.2, 8.1, 14.1)."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aioquic.buffer import Buffer
from aioquic.quic.packet import QuicPacketType, pull_ack_frame

from kquic.sock import Config, listen

from .test_attacks_flood import kernel_memory
from .wire import ACK, ACK_ECN, DATAGRAM, V1, V2, client_hello, close_code, crypto, pieces

if TYPE_CHECKING:
    from kquic.sock import Connection, Listener

    from .conftest import Listen, Raw
    from .wire import RawClient

REFUSED, INVALID_TOKEN, NO_ALPN = 0x2, 0xB, 0x178
PING = b"\x01"


def accepts(listener: Listener) -> Connection | None:
    """The connection that waits, or None."""
    try:
        return listener.accept()
    except BlockingIOError:
        return None


def counter(name: str) -> int:
    """A line of /proc/net/quic/snmp."""
    lines = Path("/proc/net/quic/snmp").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def wait_counted(name: str, value: int) -> None:
    """First packets are handled by a work item."""
    deadline = time.monotonic() + 20
    while counter(name) < value:
        assert time.monotonic() < deadline, counter(name)
    assert counter(name) == value


class TestAccept:
    @pytest.mark.parametrize("version", [V1, V2])
    def test_first_initial_makes_a_connection(self, listener: Listen, client: Raw, version: int) -> None:
        server = listener()
        raw = client(server, version=version)
        hello = client_hello()
        raw.send(crypto(hello))
        connection = accepts(server)
        assert connection is not None
        with connection:
            connection.set_timeout(1.0)
            assert connection.recv().data == hello
            assert connection.peer[:2] == raw.udp.getsockname()[:2]

    def test_repeated_initial_makes_one(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        for _ in range(3):
            raw.send(crypto(client_hello()))
        with server.accept():
            assert accepts(server) is None

    def test_two_clients_with_one_connection_id(self, listener: Listen, client: Raw) -> None:
        server = listener()
        first, second = client(server), client(server, dcid=(dcid := os.urandom(8)))
        first.dcid = dcid
        hellos = [client_hello(padding=n) for n in (1, 2)]
        first.send(crypto(hellos[0]))
        second.send(crypto(hellos[1]))
        with server.accept() as one, server.accept() as two:
            assert [one.recv().data, two.recv().data] == hellos


class TestIgnored:
    """No answer, no connection."""

    def unheard(self, server: Listener, raw: object) -> None:
        assert raw.answer() is None  # type: ignore[attr-defined]
        assert accepts(server) is None

    def test_datagram_below_1200_bytes(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        raw.send(crypto(client_hello()), size=DATAGRAM - 1)
        self.unheard(server, raw)

    def test_connection_id_below_8_bytes(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server, dcid=b"7 bytes")
        raw.send(crypto(client_hello()))
        self.unheard(server, raw)

    def test_unknown_version_below_1200_bytes(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        raw.version = 0x1A2A3A4A
        raw.send(crypto(client_hello()), size=DATAGRAM - 1)
        self.unheard(server, raw)

    def test_version_negotiation(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        raw.udp.send(b"\xc0" + bytes(4) + b"\x08" + raw.dcid + b"\x08" + raw.scid + bytes(DATAGRAM))
        self.unheard(server, raw)

    def test_forged_initial(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        packet = bytearray(raw.initial(crypto(client_hello())))
        packet[-1] ^= 1
        raw.udp.send(packet)
        self.unheard(server, raw)

    @pytest.mark.parametrize(
        "frames",
        [b"\x1c\x00\x00\x00", b"\x08\x00hello", crypto(b"\x02" + bytes(100)), b"\x3f"],
        ids=["close", "stream", "no ClientHello", "no frame"],
    )
    def test_wrong_frames(self, listener: Listen, client: Raw, frames: bytes) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        raw.send(frames)
        self.unheard(server, raw)

    @pytest.mark.parametrize(
        "data", [b"\xc0", b"\xc0\0\0\0\1" + b"\xff" * 1195, b"\xc0" + bytes(1199), b"\x80" + b"\xff" * 40]
    )
    def test_garbage(self, listener: Listen, client: Raw, data: bytes) -> None:
        server = listener()
        raw = client(server)
        raw.udp.send(data)
        self.unheard(server, raw)

    @pytest.mark.parametrize("asks_for", ["a connection", "versions", "a reset"])
    @pytest.mark.parametrize(("port", "heard"), [(53, False), (11211, False), (11212, True)])
    def test_ports_of_services(self, listener: Listen, client: Raw, asks_for: str, port: int, heard: bool) -> None:
        """RFC 9000, 21.5: who seems to be a DNS server, for one, was named by somebody who wants it to be asked."""
        server = listener()
        server.configure(Config(validate_peer_address=1))
        raw = client(server, port=port)
        raw.udp.settimeout(2.0 if heard else 0.2)
        if asks_for == "a reset":
            raw.udp.send(b"\x43" + bytes(100))
        else:
            raw.version = 0x1A2A3A4A if asks_for == "versions" else V1
            raw.send(crypto(client_hello()))
        assert (raw.answer() is not None) == heard

    def test_empty_datagram(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        raw.udp.send(b"")
        self.unheard(server, raw)


class TestClientHelloInPieces:
    def gather(self, server: Listener, raw: object, order: Callable[[list[bytes]], list[bytes]]) -> None:
        hello = client_hello(("echo",), padding=3000)
        for frame in order(list(pieces(hello, 1000))):
            raw.send(frame)  # type: ignore[attr-defined]
        with server.accept() as connection:
            connection.set_timeout(1.0)
            read = b""
            while len(read) < len(hello):
                read += connection.recv().data
            assert read == hello

    def test_in_order(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        self.gather(server, client(server), lambda frames: frames)

    def test_backwards(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        self.gather(server, client(server), lambda frames: frames[::-1])

    def test_doubled(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        self.gather(server, client(server), lambda frames: [f for f in frames for _ in range(2)])

    def test_incomplete_waits(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        for frame in list(pieces(client_hello(("echo",), padding=3000), 1000))[:-1]:
            raw.send(frame)
        assert accepts(server) is None

    def test_incomplete_is_enough_where_no_protocol_matters(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        raw.send(next(pieces(client_hello(padding=3000), 1000)))
        with server.accept():
            pass

    def test_contradiction_is_dropped(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        hello = client_hello(("echo",), padding=3000)
        raw.send(crypto(hello[:1000]))
        raw.send(crypto(b"\xee" * 100, 500))
        for frame in list(pieces(hello, 1000))[1:]:
            raw.send(frame)
        assert accepts(server) is None

    def test_too_long_is_dropped(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        raw.send(crypto(b"\x01\x00\xff\xff" + bytes(900)))
        raw.send(crypto(bytes(900), 60000))
        assert accepts(server) is None

    def test_thousand_tiny_pieces(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        hello = client_hello(("echo",))
        raw.send(b"".join(crypto(hello[n : n + 1], n) for n in range(0, 200, 2)))
        assert accepts(server) is None


class TestAcknowledgedBeforeAccept:
    """RFC 9000, 7.2 and 13.2.1: a client hears at once which pieces of its ClientHello have come."""

    def acknowledged(self, raw: RawClient) -> tuple[bytes, list[int]]:
        """The server's connection ID and the packet numbers of its next ACK."""
        datagram = raw.answer()
        assert datagram is not None
        payload = Buffer(data=raw.open(datagram))
        assert payload.pull_uint8() in (ACK, ACK_ECN)
        ranges, _ = pull_ack_frame(payload)
        return raw.header(datagram).source_cid, [pn for numbers in ranges for pn in numbers]

    @pytest.mark.parametrize("version", [V1, V2])
    def test_pieces_in_disorder(self, listener: Listen, client: Raw, version: int) -> None:
        server = listener(alpn=("echo",))
        raw = client(server, version=version)
        hello = client_hello(("echo",), padding=3000)
        first, second, *rest = pieces(hello, 1000)
        raw.send(second)
        chosen, numbers = self.acknowledged(raw)
        assert numbers == [0]
        raw.send(PING)
        assert self.acknowledged(raw) == (chosen, [0, 1])
        raw.send(first)
        assert self.acknowledged(raw) == (chosen, [0, 1, 2])
        for frame in rest:
            raw.send(frame)
        with server.accept() as connection:
            connection.set_timeout(5.0)
            read = b""
            while len(read) < len(hello):
                read += connection.recv().data

    def test_the_connection_goes_on_with_the_id_and_the_packet_numbers(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        first, *rest = pieces(client_hello(("echo",), padding=1500), 1000)
        raw.send(first)
        datagram = raw.answer()
        assert datagram is not None
        raw.follow(datagram)
        for frame in rest:
            raw.send(frame)
        with server.accept():
            datagram = raw.answer()
            assert datagram is not None
            assert raw.header(datagram).source_cid == raw.dcid
            raw.open(datagram)
            assert raw.opened_pn > 0

    def test_the_end_is_told_with_the_same_id(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        first, *rest = pieces(client_hello(("other",), padding=1500), 1000)
        raw.send(first)
        datagram = raw.answer()
        assert datagram is not None
        raw.follow(datagram)
        for frame in rest[:-1]:
            raw.send(frame)
            assert self.acknowledged(raw)[0] == raw.dcid
        raw.send(rest[-1])
        datagram = raw.answer()
        assert datagram is not None
        assert raw.header(datagram).source_cid == raw.dcid
        assert close_code(raw.open(datagram)) == NO_ALPN
        assert raw.opened_pn > 0

    def test_nothing_for_what_elicits_nothing(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        raw.send(bytes(4))
        assert raw.answer() is None

    def test_closing_the_listener_frees_the_port(self, host: str, client: Raw) -> None:
        """A ClientHello that gathers does not keep it."""
        with listen(host, alpn=("echo",)) as server:
            raw = client(server)
            raw.send(next(pieces(client_hello(("echo",), padding=1500), 1000)))
            assert raw.answer() is not None
            port = server.port
        with socket.socket(raw.udp.family, socket.SOCK_DGRAM) as udp:
            udp.bind((host, port))

    def test_answers_are_small(self, listener: Listen, client: Raw) -> None:
        """Every second packet number: no more than a few ranges, whatever the client does."""
        server = listener(alpn=("echo",))
        raw = client(server)
        for _ in range(40):
            raw.skip()
            raw.send(PING)
            datagram = raw.answer()
            assert datagram is not None
            assert len(datagram) < 200


class TestVersionNegotiation:
    def test_unknown_version_is_told_ours(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        raw.version = 0x1A2A3A4A
        raw.send(crypto(client_hello()))
        datagram = raw.answer()
        assert datagram is not None
        header = raw.header(datagram)
        assert header.packet_type == QuicPacketType.VERSION_NEGOTIATION
        assert {V1, V2} <= set(header.supported_versions)
        reserved = set(header.supported_versions) - {V1, V2}
        assert [version & 0x0F0F0F0F for version in reserved] == [0x0A0A0A0A]
        assert raw.version not in reserved
        assert (header.destination_cid, header.source_cid) == (raw.scid, raw.dcid)

    def test_long_connection_ids_are_echoed(self, listener: Listen, client: Raw) -> None:
        server = listener()
        raw = client(server)
        dcid, scid = os.urandom(255), os.urandom(255)
        packet = b"\xc0\x1a\x2a\x3a\x4a\xff" + dcid + b"\xff" + scid
        raw.udp.send(packet + bytes(DATAGRAM - len(packet)))
        datagram = raw.answer()
        assert datagram is not None
        assert datagram[1:5] == bytes(4)
        assert datagram[5:6] + datagram[6:261] == b"\xff" + scid
        assert datagram[261:262] + datagram[262:517] == b"\xff" + dcid


class TestRetry:
    def validating(self, listener: Listen, **options: object) -> Listener:
        server = listener(**options)
        server.configure(Config(validate_peer_address=1))
        return server

    def retried(self, server: Listener, raw: object) -> None:
        """Have the client take the token and the connection ID of the Retry."""
        raw.send(crypto(client_hello()))  # type: ignore[attr-defined]
        datagram = raw.answer()  # type: ignore[attr-defined]
        assert datagram is not None
        header = raw.header(datagram)  # type: ignore[attr-defined]
        assert header.packet_type == QuicPacketType.RETRY
        assert len(datagram) < 3 * DATAGRAM
        raw.token, raw.dcid = header.token, header.source_cid  # type: ignore[attr-defined]

    @pytest.mark.parametrize("version", [V1, V2])
    def test_token_admits(self, listener: Listen, client: Raw, version: int) -> None:
        server = self.validating(listener)
        raw = client(server, version=version)
        self.retried(server, raw)
        assert accepts(server) is None
        raw.send(crypto(client_hello()))
        with server.accept():
            pass

    def test_no_token_no_memory(self, listener: Listen, client: Raw) -> None:
        server = self.validating(listener)
        retries = counter("QuicOutRetries")
        raw = client(server)
        for _ in range(20):
            raw.dcid = os.urandom(8)
            self.retried(server, raw)
            raw.token = b""
        assert accepts(server) is None
        assert counter("QuicOutRetries") == retries + 20

    def test_forged_token_closes(self, listener: Listen, client: Raw) -> None:
        server = self.validating(listener)
        raw = client(server)
        self.retried(server, raw)
        raw.token = raw.token[:-1] + bytes([raw.token[-1] ^ 1])
        raw.send(crypto(client_hello()))
        assert raw.closed_with() == INVALID_TOKEN
        assert accepts(server) is None

    def test_token_of_another_address(self, listener: Listen, client: Raw) -> None:
        server = self.validating(listener)
        raw, thief = client(server), client(server)
        self.retried(server, raw)
        thief.token, thief.dcid = raw.token, raw.dcid
        thief.send(crypto(client_hello()))
        assert thief.closed_with() == INVALID_TOKEN
        assert accepts(server) is None

    def test_unknown_token_gets_a_retry(self, listener: Listen, client: Raw) -> None:
        server = self.validating(listener)
        raw = client(server, token=b"?" + os.urandom(59))  # neither the mark of a Retry token nor of another
        self.retried(server, raw)

    def test_same_validated_packet_twice(self, listener: Listen, client: Raw) -> None:
        server = self.validating(listener)
        raw = client(server)
        self.retried(server, raw)
        datagram = raw.initial(crypto(client_hello()))
        raw.udp.send(datagram)
        raw.udp.send(datagram)
        with server.accept():
            raw.udp.send(datagram)
            assert accepts(server) is None

    def test_no_room_behind_a_retry(self, listener: Listen, client: Raw) -> None:
        """RFC 9000, 8.1.2: who has proved its address may still be refused, in a packet that it can open."""
        server = self.validating(listener, backlog=2)
        for _ in range(3):
            raw = client(server)
            self.retried(server, raw)
            raw.send(crypto(client_hello()))
            assert raw.answer() is None
        late = client(server)
        self.retried(server, late)
        late.send(crypto(client_hello()))
        assert late.closed_with() == REFUSED
        for _ in range(3):
            server.accept().close()
        assert accepts(server) is None


class TestBacklog:
    def test_one_more_than_the_backlog_then_refused(self, listener: Listen, client: Raw) -> None:
        server = listener(backlog=2)
        for _ in range(3):
            raw = client(server)
            raw.send(crypto(client_hello()))
            assert raw.answer() is None
        late = client(server)
        late.send(crypto(client_hello()))
        assert late.closed_with() == REFUSED
        for _ in range(3):
            server.accept().close()
        assert accepts(server) is None

    def test_many_that_only_begin(self, listener: Listen, client: Raw) -> None:
        """256 may gather at a time; when they have had two seconds, they make room for those who come."""
        server = listener(alpn=("echo",))
        raw = client(server)
        begin = next(pieces(client_hello(("echo",), padding=1500), 1000))
        before, memory = counter("QuicListenDrops"), kernel_memory()
        for _ in range(300):
            raw.dcid = os.urandom(8)
            raw.send(begin)
        wait_counted("QuicListenDrops", before + 44)
        assert kernel_memory() - memory < 4 << 20
        late = client(server)
        deadline = time.monotonic() + 15  # they could stay for 30
        server.set_timeout(0.1)
        while not (accepted := accepts(server)):
            assert time.monotonic() < deadline
            late.send(crypto(client_hello(("echo",))))
        accepted.close()
        assert counter("QuicListenDrops") > before + 44

    def test_close_drops_requests(self, listener: Listen, client: Raw) -> None:
        server = listener()
        port = server.port
        client(server).send(crypto(client_hello()))
        waits, _, _ = select.select([server.sock], [], [], 5.0)
        assert waits
        server.close()
        again = listener(port=port)
        assert accepts(again) is None


class TestStatelessReset:
    """RFC 9000, 10.3."""

    def short(self, size: int) -> bytes:
        return b"\x41" + os.urandom(size - 1)

    @pytest.mark.parametrize("size", [22, 42, 43, 44, 1200])
    def test_smaller_than_what_it_answers(self, listener: Listen, client: Raw, size: int) -> None:
        raw = client(listener())
        raw.udp.send(self.short(size))
        datagram = raw.answer()
        assert datagram is not None
        assert 21 <= len(datagram) < size
        assert datagram[0] & 0xC0 == 0x40

    @pytest.mark.parametrize("size", [1, 8, 9, 21])
    def test_too_short_to_be_answered(self, listener: Listen, client: Raw, size: int) -> None:
        raw = client(listener())
        raw.udp.send(self.short(size))
        assert raw.answer() is None

    def test_same_connection_id_same_token(self, listener: Listen, client: Raw) -> None:
        raw = client(listener())
        cid = os.urandom(8)
        tokens = set()
        for _ in range(3):
            raw.udp.send(b"\x41" + cid + os.urandom(60))
            datagram = raw.answer()
            assert datagram is not None
            tokens.add(datagram[-16:])
        assert len(tokens) == 1

    def test_flood_is_not_answered(self, listener: Listen, client: Raw) -> None:
        raw = client(listener())
        before, start = counter("QuicOutResets"), time.monotonic()
        for _ in range(1000):
            raw.udp.send(self.short(100))
        seconds = int(time.monotonic() - start) + 1
        assert counter("QuicOutResets") - before <= 200 * (seconds + 1)


class TestProtocols:
    """Several listeners on one port (ALPN)."""

    def goes_to(self, servers: list[Listener], raw: object, alpn: tuple[str, ...]) -> int | None:
        raw.send(crypto(client_hello(alpn)))  # type: ignore[attr-defined]
        for number, server in enumerate(servers):
            server.set_timeout(0.2)
            if connection := accepts(server):
                connection.close()
                return number
        return None

    @pytest.mark.parametrize(
        ("offer", "chosen"),
        [(("a",), 0), (("b",), 0), (("c",), 1), (("x", "c", "a"), 1), (("a", "c"), 0), ((), 2), (("x",), 2)],
    )
    def test_client_order_decides(self, listener: Listen, client: Raw, offer: tuple[str, ...], chosen: int) -> None:
        first = listener(alpn=("a", "b"))
        servers = [first, listener(port=first.port, alpn=("c",)), listener(port=first.port)]
        assert self.goes_to(servers, client(first), offer) == chosen

    @pytest.mark.parametrize("offer", [("x",), ()])
    def test_nobody_speaks_it(self, listener: Listen, client: Raw, offer: tuple[str, ...]) -> None:
        server = listener(alpn=("a",))
        raw = client(server)
        raw.send(crypto(client_hello(offer)))
        assert raw.closed_with() == NO_ALPN
        assert accepts(server) is None

    def test_specific_address_beats_wildcard(self, listener: Listen, client: Raw, host: str) -> None:
        anywhere = listener(host="::", alpn=("a",))
        here = listener(host=host, port=anywhere.port, alpn=("a",))
        assert self.goes_to([anywhere, here], client(here), ("a",)) == 1

    def test_wildcard_of_both_families(self, listener: Listen, client: Raw) -> None:
        anywhere = listener(host="::", alpn=("a",))
        assert self.goes_to([anywhere], client(anywhere), ("a",)) == 0
