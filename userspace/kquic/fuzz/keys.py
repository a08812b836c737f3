# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet protection with secrets that everybody knows: the harness is TLS for both ends."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from aioquic.quic.crypto import CryptoContext, CryptoPair, next_key_phase
from aioquic.tls import CipherSuite

from kquic.sock import Cipher, CryptoLevel

V1, V2 = 0x00000001, 0x6B3343CF
SUITES: dict[int, CipherSuite] = {
    Cipher.AES_GCM_128: CipherSuite.AES_128_GCM_SHA256,
    Cipher.AES_GCM_256: CipherSuite.AES_256_GCM_SHA384,
    Cipher.CHACHA20_POLY1305: CipherSuite.CHACHA20_POLY1305_SHA256,
}


class Level(IntEnum):
    """Encryption levels in the order in which a connection gets them."""

    INITIAL = 0
    EARLY = 1
    HANDSHAKE = 2
    APP = 3


#: As the socket interface numbers them.
NUMBERS = {
    Level.INITIAL: CryptoLevel.INITIAL,
    Level.EARLY: CryptoLevel.EARLY,
    Level.HANDSHAKE: CryptoLevel.HANDSHAKE,
    Level.APP: CryptoLevel.APP,
}


def secret(level: Level, from_client: bool, cipher: int) -> bytes:
    """The traffic secret of one level and direction."""
    size = 48 if cipher == Cipher.AES_GCM_256 else 32
    return bytes([level << 1 | from_client]) * size


@lru_cache(4096)
def initial(dcid: bytes, from_client: bool, version: int) -> CryptoContext:
    """RFC 9001, 5.2."""
    pair = CryptoPair()
    pair.setup_initial(dcid, is_client=from_client, version=version)
    return pair.send


@lru_cache(4096)
def traffic(level: Level, from_client: bool, cipher: int, version: int, updates: int = 0) -> CryptoContext:
    """The keys of one level and direction after some key updates."""
    if updates:
        return next_key_phase(traffic(level, from_client, cipher, version, updates - 1))
    context = CryptoContext()
    suite = SUITES.get(cipher, CipherSuite.AES_128_GCM_SHA256)
    context.setup(cipher_suite=suite, secret=secret(level, from_client, cipher), version=version)
    return context
