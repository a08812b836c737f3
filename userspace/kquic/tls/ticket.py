# SPDX-License-Identifier: GPL-2.0-or-later
"""A server's NewSessionTicket message (RFC 8446, 4.6.1), as far as 0-RTT asks: pure."""

from __future__ import annotations

import struct

EARLY_DATA = 42
#: RFC 9001, 4.6.1: the one value of max_early_data_size that QUIC knows.
EARLY_DATA_SIZE = 0xFFFFFFFF

_FIXED = 4 + 4 + 4  # header, lifetime, age_add


def early_data_size(message: bytes) -> int | None:
    """The ticket's max_early_data_size; None if it does not allow early data, or is cut off."""
    try:
        nonce_end = _FIXED + 1 + message[_FIXED]
        (ticket_len,) = struct.unpack_from("!H", message, nonce_end)
        offset = nonce_end + 2 + ticket_len
        (left,) = struct.unpack_from("!H", message, offset)
        return _find(message[offset + 2 : offset + 2 + left])
    except (struct.error, IndexError):
        return None


def _find(extensions: bytes) -> int | None:
    offset = 0
    while offset < len(extensions):
        kind, length = struct.unpack_from("!HH", extensions, offset)
        if kind == EARLY_DATA:
            (size,) = struct.unpack_from("!I", extensions, offset + 4)
            return int(size)
        offset += 4 + length
    return None
