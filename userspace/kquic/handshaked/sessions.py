# SPDX-License-Identifier: GPL-2.0-or-later
"""Session data in the form in which the kernel keeps it for its clients' next connections.

A resumed handshake brings no certificate. So with the data goes a digest of all
on which the verdict on the server depended, and how long that is good: data
from before a new authority, a new revocation list or the end of a certificate
is left alone, which costs a full handshake.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Sequence

from cryptography import x509

from kquic.tls import ClientSettings, X509Credentials

#: What option SESSION_TICKET takes.
MAX_SIZE = 4096

_MAGIC = b"kqS1"
_HEAD = struct.Struct("!4s32sQ")


def pack(data: bytes, settings: ClientSettings, chain: Sequence[bytes]) -> bytes | None:
    """What to leave on the socket; None if it is too long, or no certificate stands behind it."""
    digest = _digest(settings)
    if digest is None or not chain or len(data) > MAX_SIZE - _HEAD.size:
        return None
    return _HEAD.pack(_MAGIC, digest, _good_until(chain)) + data


def unpack(stored: bytes, settings: ClientSettings) -> bytes | None:
    """The session data, if it is still good on the terms of these settings."""
    if len(stored) <= _HEAD.size:
        return None
    magic, digest, until = _HEAD.unpack_from(stored)
    if magic != _MAGIC or digest != _digest(settings) or until <= time.time():
        return None
    return stored[_HEAD.size :]


def _digest(settings: ClientSettings) -> bytes | None:
    credentials = settings.credentials
    if not isinstance(credentials, X509Credentials):
        return None
    terms = repr((settings.server_name, settings.alpn, settings.verify, settings.cipher, settings.ciphers)).encode()
    return hashlib.sha256(credentials.fingerprint + terms).digest()


def _good_until(chain: Sequence[bytes]) -> int:
    """When the first of the certificates expires; nothing is known of one that cannot be read."""
    try:
        return min(int(x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()) for der in chain)
    except ValueError:
        return 0
