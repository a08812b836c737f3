# SPDX-License-Identifier: GPL-2.0-or-later
"""What a handshake asks of its transport, and what it asks it for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from kquic.sock import Cipher, CryptoLevel


@dataclass(frozen=True, slots=True)
class SendCrypto:
    """Send these TLS bytes in CRYPTO frames of this level."""

    level: CryptoLevel
    data: bytes


@dataclass(frozen=True, slots=True)
class InstallSecret:
    """Install a traffic secret for one direction of one level."""

    level: CryptoLevel
    send: bool
    cipher: Cipher
    secret: bytes = field(repr=False)


Action = SendCrypto | InstallSecret


class Parameters(Protocol):
    """Transport parameters (RFC 9001, 8.2), asked for and delivered in mid-handshake.

    Either may raise; the handshake then fails with that exception.
    """

    def local(self) -> bytes:
        """The extension body to send."""

    def received(self, extension: bytes) -> None:
        """The extension body that the peer sent. On a server this comes before `local`."""


@dataclass(frozen=True, slots=True)
class HandshakeResult:
    """What a finished handshake settled."""

    alpn: str | None
    cipher: Cipher
    peer_chain: tuple[bytes, ...] = field(repr=False)
    server_name: str | None
    psk_identity: str | None
    resumed: bool
    early_data: bool  # 0-RTT was accepted
