# SPDX-License-Identifier: GPL-2.0-or-later
"""What is repeated when a peer acknowledges nothing, or little (RFC 9002, 6.2.4; RFC 9000, 13.3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from kquic.sock import StreamFlags

from .frames import F, ack
from .hostile import Attack, Packet, on_client, on_server

pytestmark = pytest.mark.usefixtures("bystander")

QUESTIONS = [b"first", b"second", b"third"]
PROBES = 2
#: Frames of which a peer needs one only.
ONCE = {F.HANDSHAKE_DONE, F.NEW_CONNECTION_ID, F.NEW_TOKEN}


def asked(packet: Packet) -> list[bytes]:
    """Stream data of a packet."""
    return [frame.strings[0] for frame in packet.frames if F.STREAM <= frame.type < F.MAX_DATA]


def ask(attack: Attack) -> list[Packet]:
    """Let the victim send a packet for each question, and answer none: the probes."""
    for question in QUESTIONS:
        attack.victim.send(question, -1, StreamFlags.NEW | StreamFlags.FIN)
        while asked(packet := attack.peer.read()[0]) != [question]:
            assert not asked(packet)
    return [attack.peer.read()[0] for _ in range(PROBES)]


@pytest.mark.parametrize("hostile", [on_client, on_server])
def test_small_packets_are_repeated_together(hostile: Callable[[], AbstractContextManager[Attack]]) -> None:
    """Each of them, in each probe: any may be the one that the peer waits for, and only one probe may arrive."""
    with hostile() as attack:
        assert [asked(probe) for probe in ask(attack)] == [QUESTIONS] * PROBES


def test_what_has_arrived_once_is_not_repeated() -> None:
    """The packets before count as lost, the other probe stays open; what they carried is there."""
    with on_server() as attack:
        first, _ = ask(attack)
        assert {frame.type for frame in first.frames} >= ONCE
        attack.peer.send(ack(first.pn))
        while packets := attack.peer.read(timeout=0.5):
            assert {frame.type for frame in packets[0].frames} <= {F.PING, F.ACK}
