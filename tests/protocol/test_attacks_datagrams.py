# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams of unusual make: in fragments, with IP options, empty, or full of packets (attacks.md, 15 and 63)."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aioquic.tls import Epoch

from .frames import F, numbers, stream
from .hostile import Attack, has_handshake_keys, on_server
from .test_attacks_flood import charged, limit

pytestmark = pytest.mark.usefixtures("bystander")

#: No operation, three times, and the end of the list (RFC 791, 3.1).
OPTIONS = b"\x01\x01\x01\x00"
SMALLEST_FRAGMENT = 8


def reassembled() -> int:
    """IP datagrams that were put together from fragments."""
    names, values = [line.split()[1:] for line in Path("/proc/net/snmp").read_text().splitlines()[:2]]
    return int(dict(zip(names, values, strict=True))["ReasmOKs"])


@pytest.fixture
def short_loopback() -> Iterator[None]:
    """A loopback device whose packets are those of Ethernet, so that longer datagrams go in fragments."""
    link = ["ip", "link", "set", "lo", "mtu"]
    subprocess.run([*link, "1500"], check=True, timeout=10)
    yield
    subprocess.run([*link, "65536"], check=True, timeout=10)


def received(attack: Attack, size: int) -> bytes:
    """So many bytes of stream 0."""
    data = b""
    attack.victim.set_timeout(5.0)
    while len(data) < size:
        data += attack.victim.recv().data
    return data


def test_fragments(short_loopback: None) -> None:
    """63: what was put together again is not in one piece of memory."""
    with on_server() as attack:
        before, data = reassembled(), bytes(range(256)) * 15
        attack.peer.send(stream(0, data))
        assert received(attack, len(data)) == data
        assert reassembled() == before + 1
        attack.peer.alive()


def test_ip_options() -> None:
    """63: the UDP header is not where it mostly is."""
    with on_server() as attack:
        attack.peer.udp.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, OPTIONS)
        attack.peer.send(stream(0, b"hello"))
        assert received(attack, 5) == b"hello"
        attack.peer.alive()


def test_empty_datagrams() -> None:
    """15: they cost something, and get nothing."""
    with on_server() as attack:
        for _ in range(2000):
            attack.peer.raw(b"")
        attack.peer.alive()


def test_datagram_full_of_packets() -> None:
    """63: as many as there is room for; the connection has its answer for each of them once."""
    with on_server(until=has_handshake_keys) as attack:
        datagram = b""
        while len(datagram) < 60_000:
            datagram += attack.peer.packet(numbers(F.PING), Epoch.HANDSHAKE)
        attack.peer.raw(datagram)
        attack.peer.quic._packet_number = attack.peer.pn
        attack.peer.shake_hands()
        attack.peer.alive()


def test_datagram_full_of_rubbish() -> None:
    """63: long headers of packets that nobody can open, one behind the other."""
    with on_server(until=has_handshake_keys) as attack:
        one = attack.peer.packet(numbers(F.PING), Epoch.HANDSHAKE)
        for _ in range(20):
            attack.peer.raw((one[:-1] + bytes([one[-1] ^ 1])) * (60_000 // len(one)))
        assert charged(attack) <= limit(attack)
        attack.peer.shake_hands()
        attack.peer.alive()
