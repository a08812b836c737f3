# SPDX-License-Identifier: GPL-2.0-or-later
"""Notifications as the kernel writes them: a type byte, an unaligned payload."""

from __future__ import annotations

import struct

import pytest

from kquic.sock import events
from kquic.sock._abi import RecvState, SendState

CASES = [
    (
        b"\x01" + struct.pack("=qB3xIQ", 4, 10, 77, 1000),
        events.StreamUpdated(4, RecvState.RESET_RECVD, 77, 1000),
    ),
    (
        b"\x01" + struct.pack("=qB3xIQ", 0, 3, 0, 0),
        events.StreamUpdated(0, SendState.RECVD, 0, 0),
    ),
    (b"\x02" + struct.pack("=qQ", 8, 1 << 40), events.StreamCredit(8, 1 << 40)),
    (b"\x03" + struct.pack("=Q", 402), events.StreamsAllowed(402)),
    (b"\x04" + struct.pack("=B3xII", 1, 3, 2), events.ConnectionIdRetired(True, 3, 2)),
    (
        b"\x05" + struct.pack("=IB3x64s", 0x130, 6, b"gone\0rest"),
        events.ConnectionClosed(0x130, 6, "gone"),
    ),
    (b"\x06\x01", events.ConnectionMigrated(True)),
    (b"\x07\x01", events.KeyUpdated(1)),
    (b"\x08token", events.NewToken(b"token")),
    (b"\x09\x04\0\0\1x", events.NewSessionTicket(b"\x04\0\0\1x")),
    (b"\x2aabc", events.UnknownEvent(42, b"abc")),
]


@pytest.mark.parametrize(("raw", "event"), CASES)
def test_parse(raw: bytes, event: events.Event) -> None:
    assert events.parse_event(raw) == event
