# SPDX-License-Identifier: GPL-2.0-or-later
"""Tickets in the messages of TLS, as far as 0-RTT asks (RFC 8446, 4.6.1 and 4.2.11): pure."""

from __future__ import annotations

import struct

PRE_SHARED_KEY, EARLY_DATA = 41, 42
#: RFC 9001, 4.6.1: the one value of max_early_data_size that QUIC knows.
EARLY_DATA_SIZE = 0xFFFFFFFF

_FIXED = 4 + 4 + 4  # of a ticket: header, lifetime, age_add
_SESSION_ID = 4 + 2 + 32  # of a ClientHello: header, version, random


class _CutOff(Exception):
    """The message ends too early."""


def early_data_size(message: bytes) -> int | None:
    """A NewSessionTicket's max_early_data_size; None if it does not allow early data, or is cut off."""
    try:
        _, end = _ticket(message)
        extensions, _ = _vector(message, end, 2)
        found = _extension(extensions, EARLY_DATA)
        return None if found is None else int(struct.unpack_from("!I", found)[0])
    except (struct.error, _CutOff):
        return None


def ticket(message: bytes) -> bytes:
    """The ticket in a NewSessionTicket; nothing if it is cut off."""
    try:
        return _ticket(message)[0]
    except _CutOff:
        return b""


def offered_ticket(hello: bytes) -> bytes | None:
    """The first identity of a ClientHello, to which alone 0-RTT belongs (RFC 8446, 4.2.10)."""
    try:
        at = _SESSION_ID
        for size in (1, 2, 1):  # session ID, ciphers, compression
            _, at = _vector(hello, at, size)
        extensions, _ = _vector(hello, at, 2)
        found = _extension(extensions, PRE_SHARED_KEY)
        if found is None:
            return None
        identities, _ = _vector(found, 0, 2)
        return _vector(identities, 0, 2)[0]
    except _CutOff:
        return None


def _ticket(message: bytes) -> tuple[bytes, int]:
    _, nonce_end = _vector(message, _FIXED, 1)
    return _vector(message, nonce_end, 2)


def _vector(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Bytes behind a length of so many bytes, and where they end."""
    start = at + size
    end = start + int.from_bytes(data[at:start], "big")
    if end > len(data) or start > len(data):
        raise _CutOff
    return data[start:end], end


def _extension(extensions: bytes, wanted: int) -> bytes | None:
    at = 0
    while at < len(extensions):
        kind = int.from_bytes(extensions[at : at + 2], "big")
        body, at = _vector(extensions, at + 2, 2)
        if kind == wanted:
            return body
    return None
