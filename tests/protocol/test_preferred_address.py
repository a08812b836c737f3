# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that sends its clients elsewhere (RFC 9000, 9.6 and 21.5.3; attacks.md, 37)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from sysctls import sysctl

from .frames import F, numbers
from .hostile import Change, on_client, replaced

pytestmark = pytest.mark.usefixtures("bystander")

PREFERRED_ADDRESS = 0x0D


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """A service that has nothing to do with it, and does not answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.5", 0))
        udp.settimeout(1)
        yield udp


def sent_to(udp: socket.socket) -> Change:
    """The transport parameter with which a server sends a client there."""
    host, port = udp.getsockname()
    v4 = socket.inet_aton(host) + int(port).to_bytes(2, "big")
    return replaced(PREFERRED_ADDRESS, v4 + bytes(18) + b"\x08" + os.urandom(8 + 16))


def test_nobody_answers_there(elsewhere: socket.socket) -> None:
    """Full datagrams, and few of them: the connection stays where it was."""
    with on_client(change=sent_to(elsewhere)) as attack:
        attack.peer.send(numbers(F.HANDSHAKE_DONE))
        assert len(elsewhere.recv(2000)) == 1200
        attack.peer.alive()
        assert attack.victim.sock.getpeername() == attack.peer.udp.getsockname()


def test_client_that_does_not_want_to(elsewhere: socket.socket) -> None:
    with sysctl("preferred_address", "0"), on_client(change=sent_to(elsewhere)) as attack:
        attack.peer.send(numbers(F.HANDSHAKE_DONE))
        with pytest.raises(TimeoutError):
            elsewhere.recv(2000)
        attack.peer.alive()
        assert attack.victim.sock.getpeername() == attack.peer.udp.getsockname()
