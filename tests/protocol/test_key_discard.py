# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys that are over open nothing any more (RFC 9001, 4.9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoContext, CryptoPair
from aioquic.tls import Epoch

from .frames import F, close, numbers
from .hostile import Hostile, Until, confirmed, has_handshake_keys, on_client, on_server

pytestmark = pytest.mark.usefixtures("bystander")

CODE = 0x17


def copied(context: CryptoContext) -> CryptoContext:
    """The same keys, which nobody takes away."""
    copy: Any = CryptoContext()
    copy.setup(cipher_suite=context.cipher_suite, secret=context.secret, version=context.version)
    return copy


@dataclass
class Keeping:
    """Goes on with the handshake until some time, and keeps the Handshake keys."""

    until: Until
    kept: CryptoPair = field(default_factory=CryptoPair)

    def __call__(self, quic: QuicConnection) -> bool:
        if has_handshake_keys(quic) and not self.kept.send.is_valid():
            pair = quic._cryptos[Epoch.HANDSHAKE]
            self.kept.send, self.kept.recv = copied(pair.send), copied(pair.recv)
        return self.until(quic)

    def close(self, peer: Hostile) -> None:
        """CONNECTION_CLOSE in a Handshake packet."""
        peer.quic._cryptos[Epoch.HANDSHAKE] = self.kept
        peer.send(close(CODE), Epoch.HANDSHAKE)


def test_handshake_keys_of_a_server_go_when_it_is_complete() -> None:
    keeping = Keeping(confirmed)
    with on_server(until=keeping) as attack:
        attack.peer.alive()
        keeping.close(attack.peer)
        attack.peer.alive()


def test_handshake_keys_of_a_client_go_when_it_is_confirmed() -> None:
    keeping = Keeping(confirmed)
    with on_client(until=keeping) as attack:
        attack.peer.send(numbers(F.HANDSHAKE_DONE))
        attack.peer.alive()
        keeping.close(attack.peer)
        attack.peer.alive()


def test_they_are_good_until_then() -> None:
    """What is sent above does close a connection that has the keys."""
    keeping = Keeping(confirmed)
    with on_client(until=keeping) as attack:
        attack.peer.alive()
        keeping.close(attack.peer)
        with pytest.raises(AssertionError, match="no answer"):
            attack.peer.alive()
        assert attack.victim.close_info.errcode == CODE
