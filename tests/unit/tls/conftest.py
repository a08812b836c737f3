# SPDX-License-Identifier: GPL-2.0-or-later
"""Two handshakes joined in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from kquic.sock import CryptoLevel
from kquic.tls import (
    ClientSettings,
    Handshake,
    InstallSecret,
    SendCrypto,
    ServerSettings,
)
from kquic.tls.actions import Action
from kquic.tls.testca import Identity, TestCA


@dataclass
class FixedParameters:
    """Transport parameters that are just bytes; remembers what was asked in which order."""

    own: bytes
    peer: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def local(self) -> bytes:
        """What this side sends."""
        self.asked.append("local")
        return self.own

    def received(self, extension: bytes) -> None:
        """What the other side sent."""
        self.asked.append("received")
        self.peer = extension


@dataclass
class Side:
    """One end: its handshake, what it asked of the transport, in order."""

    tls: Handshake
    parameters: FixedParameters
    actions: list[Action] = field(default_factory=list)

    def secret(self, level: CryptoLevel, *, send: bool) -> bytes:
        """The secret that was installed for one direction of a level."""
        [found] = [
            a.secret for a in self.actions if isinstance(a, InstallSecret) and (a.level, a.send) == (level, send)
        ]
        return found


@dataclass
class Talk:
    """A client and a server after their handshake."""

    client: Side
    server: Side


def _talk(client: ClientSettings, server: ServerSettings, chunk: int = 1 << 16) -> Talk:
    """Run a handshake, CRYPTO bytes cut into pieces of `chunk`."""
    mine, theirs = FixedParameters(b"\x01of the client"), FixedParameters(b"\x02of the server")
    talk = Talk(Side(Handshake(client, mine), mine), Side(Handshake(server, theirs), theirs))
    queue: deque[tuple[Side, Side, Action]] = deque()

    def put(side: Side, other: Side, actions: list[Action]) -> None:
        side.actions += actions
        queue.extend((side, other, action) for action in actions)

    put(talk.client, talk.server, talk.client.tls.start())
    while queue:
        side, other, action = queue.popleft()
        if isinstance(action, SendCrypto):
            for start in range(0, len(action.data), chunk):
                piece = action.data[start : start + chunk]
                put(other, side, other.tls.receive(action.level, piece))
    return talk


@pytest.fixture
def talk() -> Callable[..., Talk]:
    """Run a handshake in memory; its exceptions come through."""
    return _talk


@pytest.fixture(scope="session")
def ca() -> TestCA:
    """An authority."""
    return TestCA.create()


@pytest.fixture(scope="session")
def server_id(ca: TestCA) -> Identity:
    """A server's certificate, by name and by address."""
    return ca.server("server.test", "192.0.2.1", "2001:db8::1")


@pytest.fixture(scope="session")
def client_id(ca: TestCA) -> Identity:
    """A client's certificate."""
    return ca.client("client.test")
