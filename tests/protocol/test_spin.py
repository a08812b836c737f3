# SPDX-License-Identifier: GPL-2.0-or-later
"""The latency spin bit (RFC 9000, 17.4), as somebody on the way sees it, and against another stack."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from aioquic.quic.packet import PACKET_SPIN_BIT

from kquic.sock import StreamFlags
from packet_relay import Relay
from quic_pair import Pair, established, read

from .frames import F, numbers
from .hostile import on_client, on_server

KNOB = Path("/proc/sys/net/quic/spin_bit")
LONG = 0x80
CID = 8
TURNS = 12
#: One of 16 connection IDs does not spin, at either end: that none of so many does is not to be seen in a lifetime.
ATTEMPTS = 20


@pytest.fixture
def spinning() -> Iterator[None]:
    """The administrator has switched it on."""
    KNOB.write_text("1")
    yield
    KNOB.write_text("0")


def talk(pair: Pair) -> None:
    """Questions and answers, one after the other."""
    stream = pair.client.send(b"?", flags=StreamFlags.NEW) and 0
    for turn in range(TURNS):
        assert read(pair.server, 1).data == b"?"
        pair.server.send(b"!", stream)
        assert read(pair.client, 1).data == b"!"
        if turn < TURNS - 1:
            pair.client.send(b"?", stream)


def waves() -> list[list[bool]]:
    """The values of the bit in a conversation, without repetitions: for each end and connection ID in use."""
    seen: dict[tuple[bool, bytes], list[bool]] = {}

    def look(datagram: bytes, from_client: bool) -> list[bytes]:
        if not datagram[0] & LONG:
            key = (from_client, datagram[1 : 1 + CID])
            seen.setdefault(key, []).append(bool(datagram[0] & PACKET_SPIN_BIT))
        return [datagram]

    relays: list[Relay] = []

    def via(port: int) -> int:
        relays.append(Relay(port, look).__enter__())
        return relays[0].port

    try:
        with established(via=via) as pair:
            talk(pair)
    finally:
        for relay in relays:
            relay.__exit__(None, None, None)
    return [[value for value, _ in groupby(values)] for values in seen.values()]


def test_does_not_spin_by_default() -> None:
    assert KNOB.read_text().strip() == "0"
    for _ in range(3):
        assert all(len(wave) == 1 for wave in waves())


def test_spins(spinning: None) -> None:
    """A round trip is half a wave, at both ends."""
    for _ in range(ATTEMPTS):
        if sum(len(wave) >= TURNS // 2 for wave in waves()) == 2:
            return
    raise AssertionError("it never spins")


def answered(peer, bit: int) -> bool:
    """Our end's spin bit after a packet with this one."""
    peer.send(numbers(F.PING), bits=bit)
    peer.send(numbers(F.PING), bits=bit)
    while True:
        datagram = peer.udp.recv(65536)
        if not datagram[0] & LONG and any(f.type == F.ACK for p in peer.open(datagram) for f in p.frames):
            return bool(datagram[0] & PACKET_SPIN_BIT)


@pytest.mark.parametrize("end", ["server", "client"])
def test_follows_its_peer(spinning: None, end: str) -> None:
    """Servers reflect it, clients turn it around."""
    expected = [bool(turn % 2) == (end == "server") for turn in range(6)]
    for _ in range(ATTEMPTS):
        with on_server() if end == "server" else on_client() as attack:
            attack.peer.alive()
            if [answered(attack.peer, PACKET_SPIN_BIT * (turn % 2)) for turn in range(6)] == expected:
                return
    raise AssertionError("it never does")
