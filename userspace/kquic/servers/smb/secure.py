# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys of a session, signatures and encryption of SMB 3.1.1: AES-CMAC and AES-128-GCM."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from .wire import FLAG_SIGNED, HEADER_SIZE, TRANSFORM_ID, Malformed

NONCE_SIZE = 12
TRANSFORM_SIZE = 52
_SIGNATURE = slice(48, 64)
_TRANSFORM = struct.Struct("<4s16s16sIHHQ")


def derive(key: bytes, label: bytes, context: bytes) -> bytes:
    """SP 800-108 in counter mode with HMAC-SHA256, 128 bits."""
    data = struct.pack(">I", 1) + label + b"\0" + context + struct.pack(">I", 128)
    return hmac.new(key, data, hashlib.sha256).digest()[:16]


@dataclass(frozen=True, slots=True)
class Keys:
    """What a session signs and encrypts with."""

    signing: bytes
    to_client: bytes
    to_server: bytes

    @classmethod
    def of(cls, session_key: bytes, preauth: bytes) -> Keys:
        """Derived from the authentication's key and the hash of all messages so far ([MS-SMB2] 3.1.4.2)."""
        return cls(
            derive(session_key[:16], b"SMBSigningKey\0", preauth),
            derive(session_key[:16], b"SMBS2CCipherKey\0", preauth),
            derive(session_key[:16], b"SMBC2SCipherKey\0", preauth),
        )

    def sign(self, message: bytes) -> bytes:
        """The message with its flag and signature."""
        signed = bytearray(message)
        flags = int.from_bytes(signed[16:20], "little") | FLAG_SIGNED
        signed[16:20] = flags.to_bytes(4, "little")
        signed[_SIGNATURE] = bytes(16)
        signed[_SIGNATURE] = _cmac(self.signing, bytes(signed))
        return bytes(signed)

    def verify(self, message: bytes) -> bool:
        """Whether a message has the right signature."""
        blank = message[: _SIGNATURE.start] + bytes(16) + message[HEADER_SIZE:]
        return hmac.compare_digest(_cmac(self.signing, blank), message[_SIGNATURE])

    def encrypt(self, message: bytes, session_id: int) -> bytes:
        """The message in a transform for the client."""
        nonce = os.urandom(NONCE_SIZE)
        rest = struct.pack("<16sIHHQ", nonce + bytes(4), len(message), 0, 1, session_id)
        sealed = AESGCM(self.to_client).encrypt(nonce, message, rest)
        return TRANSFORM_ID + sealed[-16:] + rest + sealed[:-16]

    def decrypt(self, transform: bytes) -> bytes:
        """The message in a transform of the client."""
        _, tag, nonce, size, *_ = _TRANSFORM.unpack_from(transform)
        sealed = transform[TRANSFORM_SIZE:]
        if len(sealed) != size:
            raise Malformed("a transform of another size than it says")
        try:
            return AESGCM(self.to_server).decrypt(nonce[:NONCE_SIZE], sealed + tag, transform[20:TRANSFORM_SIZE])
        except InvalidTag as error:
            raise Malformed("a transform that was not made with this key") from error


def transform_session(transform: bytes) -> int:
    """Whose transform it is."""
    if len(transform) < TRANSFORM_SIZE:
        raise Malformed("no whole transform header")
    return int(_TRANSFORM.unpack_from(transform)[6])


def _cmac(key: bytes, data: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()
