# SPDX-License-Identifier: GPL-2.0-or-later
"""ICMP errors: what they quote decides whether they are believed (RFC 9000, 14.2.1; attacks.md, 59)."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest

from kquic.sock import StreamFlags

from .hostile import on_server
from .looking import look
from .test_attacks_packets import icmp

pytestmark = pytest.mark.usefixtures("bystander", "routes")

MTU = 1400
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3


@pytest.fixture
def routes() -> Iterator[None]:
    """What ICMP tells the routing table is forgotten afterwards."""
    yield
    subprocess.run(["ip", "route", "flush", "cache"], check=True, timeout=10)


def test_program_that_does_not_want_to_hear_of_it() -> None:
    """The IP layer tells its routes whatever an error quotes: a socket can go by the device instead."""
    with on_server() as attack:
        attack.victim.sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        before = look(attack.victim).numbers["mtu"]
        for cid in (attack.peer.quic.host_cid, b"whatever"):
            icmp(attack, 4, MTU, cid)
        attack.victim.send_all(bytes(1000), flags=StreamFlags.NEW)
        attack.victim.send_all(bytes(before))
        attack.peer.alive()
        assert look(attack.victim).numbers["mtu"] == before
