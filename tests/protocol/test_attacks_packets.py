# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that are replayed, truncated, sealed with the wrong keys, or not QUIC at all (attacks.md, B and D)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from copy import copy

import pytest
from aioquic.tls import Epoch

from kquic.lab.topology import Host
from kquic.sock import TransportError, TransportParams

from .frames import F, ack, numbers, stream
from .hostile import Attack, on_client, on_server
from .looking import look
from .test_attacks_flood import hush
from .test_batches import UDP_SEGMENT

pytestmark = pytest.mark.usefixtures("bystander")

E = TransportError
HOSTS = ["127.0.0.1", "::1"]


def update_keys(attack: Attack) -> None:
    """Go on with the next keys, without being asked and without saying so first."""
    attack.peer.keys(Epoch.ONE_RTT)._update_key("test")


class TestKeyUpdate:
    """24."""

    def test_is_followed(self) -> None:
        with on_server() as attack:
            for _ in range(4):
                update_keys(attack)
                attack.peer.alive()
                attack.peer.ack_all()

    def test_twice_without_an_answer(self) -> None:
        """RFC 9001, 6.2: both come in one batch, so that nothing can be acknowledged in between."""
        with on_server() as attack:
            peer = attack.peer
            peer.alive()
            keys = peer.keys(Epoch.ONE_RTT)
            update_keys(attack)
            expected = copy(keys.recv)
            first = peer.packet(numbers(F.PING))
            update_keys(attack)
            second = peer.packet(numbers(F.PING))
            keys.recv = expected
            peer.udp.setsockopt(socket.SOL_UDP, UDP_SEGMENT, len(first))
            peer.raw(first + second)
            assert peer.closed_with() == E.KEY_UPDATE

    def test_new_keys_acknowledged_with_old_ones(self) -> None:
        """RFC 9001, 6.2: whoever has seen packets with new keys has new keys."""
        with on_server() as attack:
            peer = attack.peer
            hush(attack)
            keys = peer.keys(Epoch.ONE_RTT)
            old = copy(keys.recv), copy(keys.send)
            attack.victim.update_keys()
            attack.victim.send(b"hello", attack.victim.open_stream())
            (packet,) = peer.read()
            new = keys.recv, keys.send
            assert new[0].key_phase != old[0].key_phase
            keys.recv, keys.send = old
            late = peer.packet(ack(packet.pn))
            keys.recv, keys.send = new
            peer.raw(late)
            assert peer.closed_with() == E.KEY_UPDATE

    def test_old_keys_behind_new_ones(self) -> None:
        """RFC 9001, 6.4: a packet with old keys is from before the update, or nothing comes of it."""
        with on_server() as attack:
            peer = attack.peer
            hush(attack)
            before = peer.packet(stream(0, b"before"))
            after = peer.packet(stream(4, b"after"), pn=peer.pn + 10)
            update_keys(attack)
            peer.alive()
            peer.raw(after)
            peer.raw(before)
            peer.pn += 20
            peer.alive()
            assert attack.victim.recv().data == b"before"
            attack.victim.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                attack.victim.recv()

    def test_forged_phase(self) -> None:
        """Packets of the other phase that do not open change nothing."""
        with on_server() as attack:
            for bit in (0, 4):
                for _ in range(100):
                    attack.peer.raw(bytes([0x43 | bit]) + attack.peer.cid + os.urandom(60))
            attack.peer.alive()


class TestProtection:
    """26."""

    @pytest.mark.parametrize("size", range(25))
    def test_too_short_to_be_opened(self, size: int) -> None:
        with on_server() as attack:
            attack.peer.raw(b"\x43" + attack.peer.cid + os.urandom(size))
            attack.peer.alive()

    @pytest.mark.parametrize("bits", [0x08, 0x10, 0x18])
    def test_reserved_bits(self, bits: int) -> None:
        with on_server() as attack:
            attack.peer.send(numbers(F.PING), bits=bits)
            assert attack.peer.closed_with() == E.PROTOCOL_VIOLATION

    def test_reserved_bits_of_a_forged_packet(self) -> None:
        """Looked at only once the packet is known to be the peer's."""
        with on_server() as attack:
            packet = bytearray(attack.peer.packet(numbers(F.PING), bits=0x18))
            packet[-1] ^= 1
            attack.peer.raw(bytes(packet))
            attack.peer.alive()

    def test_every_bit_flipped(self) -> None:
        """Whatever is changed on the way, nothing comes of the packet."""
        with on_server() as attack:
            hush(attack)
            good = attack.peer.packet(stream(0, b"never seen"))
            for bit in range(8 * len(good)):
                bad = bytearray(good)
                bad[bit // 8] ^= 1 << bit % 8
                attack.peer.raw(bytes(bad))
            attack.peer.alive()
            attack.victim.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                attack.victim.recv()


class TestNumbers:
    """27."""

    def test_none_is_used_twice(self) -> None:
        """Not for what is sent again, not with new keys, and not to another address (RFC 9000, 12.3)."""
        with on_server() as attack:
            peer, victim = attack.peer, attack.victim
            stream_id = victim.open_stream()
            peer.received[Epoch.ONE_RTT] = []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as moved:
                for turn in range(3):
                    victim.send(bytes(3000), stream_id)
                    for _ in range(8):  # nothing is acknowledged, so it comes again
                        peer.read(0.1)
                    peer.ack_all()
                    peer.alive()
                    peer.ack_all()
                    if turn == 0:
                        victim.update_keys()
                    else:
                        peer.udp = moved
                        peer.send(stream(0, b"x", turn))
            found = peer.received[Epoch.ONE_RTT]
            assert len(found) > 12
            assert len(set(found)) == len(found)


class TestReplay:
    """61."""

    def test_every_packet_counts_once(self) -> None:
        with on_server(TransportParams(max_datagram_frame_size=65535)) as attack:
            packets = [attack.peer.packet(numbers(F.DATAGRAM_LEN, 2) + n.to_bytes(2, "big")) for n in range(50)]
            for packet in packets * 3:
                attack.peer.raw(packet)
            attack.peer.alive()
            attack.victim.sock.setblocking(False)
            seen = []
            with pytest.raises(BlockingIOError):
                while True:
                    seen.append(int.from_bytes(attack.victim.recv().data, "big"))
            assert seen == list(range(50))

    def test_long_ago(self) -> None:
        with on_server(TransportParams(max_datagram_frame_size=65535)) as attack:
            old = attack.peer.packet(numbers(F.DATAGRAM_LEN, 3) + b"old")
            attack.peer.raw(old)
            attack.peer.pn += 100_000
            attack.peer.alive()
            attack.peer.raw(old)
            attack.peer.alive()
            assert attack.victim.recv().data == b"old"
            attack.victim.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                attack.victim.recv()

    def test_packet_number_far_ahead(self) -> None:
        with on_server() as attack:
            for _ in range(20):
                attack.peer.pn += 1 << 30
                attack.peer.alive()


class TestReset:
    """58."""

    def test_token_of_a_live_connection_is_not_told(self) -> None:
        """Packets for its connection ID from anywhere are not answered with a reset."""
        with on_server() as attack:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.settimeout(0.2)
                for size in (30, 43, 100, 1200):
                    other.sendto(b"\x43" + attack.peer.cid + os.urandom(size), attack.peer.victim)
                with pytest.raises(TimeoutError):
                    other.recv(2000)
            attack.peer.alive()

    def test_wrong_tokens_do_nothing(self) -> None:
        with on_client() as attack:
            for _ in range(100):
                attack.peer.raw(b"\x43" + attack.peer.cid + os.urandom(40))
            attack.peer.raw(b"\x43" + attack.peer.cid + os.urandom(20) + bytes(16))
            attack.peer.alive()


def about(attack: Attack, cid: bytes) -> bytes:
    """The IP packet that an ICMP error is about: one that the victim may have sent."""
    (source, sport, *_), (target, tport, *_) = attack.peer.victim, attack.peer.udp.getsockname()
    payload = b"\x43" + cid + bytes(41)
    udp = struct.pack("!HHHH", sport, tport, 8 + len(payload), 0) + payload
    ends = [socket.inet_pton(attack.peer.udp.family, end) for end in (source, target)]
    if ":" in source:
        return struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + b"".join(ends) + udp
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + b"".join(ends) + udp


def icmp(attack: Attack, code: int, mtu: int, cid: bytes) -> None:
    """ICMP "destination unreachable", or "packet too big" where that is a type of its own."""
    source, body = attack.peer.victim[0], about(attack, cid)
    if ":" in source:
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
            raw.sendto(struct.pack("!BBHI", *((2, 0, 0, mtu) if mtu else (1, code, 0, 0))) + body, (source, 0))
        return
    body = struct.pack("!HH", 0, mtu) + body
    words = struct.unpack(f"!{(len(body) + 4) // 2}H", struct.pack("!BBH", 3, code, 0) + body)
    total = sum(words)
    total = (total >> 16) + (total & 0xFFFF)
    check = ~(total + (total >> 16)) & 0xFFFF
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.sendto(struct.pack("!BBH", 3, code, check) + body, (source, 0))


@pytest.fixture
def apart() -> Iterator[None]:
    """What routes learn stays on a host of the test's own."""
    host = Host("icmp")
    try:
        with host.entered():
            yield
    finally:
        host.close()


class TestIcmp:
    """59."""

    @pytest.mark.parametrize(
        ("host", "code"), [*((HOSTS[0], code) for code in (0, 1, 2, 3, 13)), *((HOSTS[1], code) for code in (0, 1, 4))]
    )
    def test_unreachable_ends_nothing(self, host: str, code: int) -> None:
        with on_server(host=host) as attack:
            icmp(attack, code, 0, attack.peer.quic.host_cid)
            attack.peer.alive()

    @pytest.mark.usefixtures("apart")
    @pytest.mark.parametrize(
        ("host", "mtu", "size"),
        [
            ("127.0.0.1", 600, 1200),
            ("127.0.0.1", 1227, 1200),
            ("127.0.0.1", 1400, 1372),
            ("::1", 1279, 16384),  # no such IPv6 link
            ("::1", 1280, 1232),
            ("::1", 1400, 1352),
        ],
    )
    def test_too_big(self, host: str, mtu: int, size: int) -> None:
        """RFC 9000, 14: never below 1200 bytes."""
        with on_server(host=host) as attack:
            icmp(attack, 4, mtu, attack.peer.quic.host_cid)
            attack.peer.alive()
            assert look(attack.victim).numbers["mtu"] == size
            hush(attack)
            attack.victim.send_all(bytes(5000), flags=0x600)
            kinds = range(F.STREAM, F.MAX_DATA)
            frames = [f for n in range(5) for p in attack.peer.read(0.3) for f in p.frames if f.type in kinds]
            assert min(size, 5000) - 100 < max(len(frame.strings[0]) for frame in frames) < size

    @pytest.mark.usefixtures("apart")
    @pytest.mark.parametrize("host", HOSTS)
    def test_too_big_of_somebody_who_has_not_seen_a_packet(self, host: str) -> None:
        """RFC 9000, 14.2.1: the connection ID is not known off the path."""
        with on_server(host=host) as attack:
            before = look(attack.victim).numbers["mtu"]
            icmp(attack, 4, 1400, b"whatever")
            attack.peer.alive()
            assert look(attack.victim).numbers["mtu"] == before > 1500
