# SPDX-License-Identifier: GPL-2.0-or-later
"""DATAGRAM frames up to what was announced, and no further (RFC 9221, 3 and 4; attacks.md, 55)."""

from __future__ import annotations

import pytest
from aioquic.buffer import encode_uint_var

from kquic.sock import Datagram, TransportError, TransportParams

from .frames import F, numbers
from .hostile import on_server

pytestmark = pytest.mark.usefixtures("bystander")

LIMIT = 1200
PARAMS = TransportParams(max_datagram_frame_size=LIMIT)


def frame(kind: int, size: int) -> bytes:
    """A DATAGRAM frame of so many bytes, with a length of two of them or without."""
    head = encode_uint_var(kind)
    if kind == F.DATAGRAM_LEN:
        head += (0x4000 | size - 3).to_bytes(2, "big")
    return head + bytes(size - len(head))


@pytest.mark.parametrize("kind", [F.DATAGRAM, F.DATAGRAM_LEN])
def test_as_long_as_allowed(kind: int) -> None:
    with on_server(PARAMS) as attack:
        attack.peer.send(frame(kind, LIMIT))
        assert attack.victim.recv() == Datagram(bytes(LIMIT - (3 if kind == F.DATAGRAM_LEN else 1)))
        attack.peer.alive()


@pytest.mark.parametrize("kind", [F.DATAGRAM, F.DATAGRAM_LEN])
def test_a_byte_longer(kind: int) -> None:
    """Type and length count."""
    with on_server(PARAMS) as attack:
        attack.peer.send(frame(kind, LIMIT + 1))
        assert attack.peer.closed_with() == TransportError.PROTOCOL_VIOLATION
        assert attack.victim.close_info.errcode == TransportError.PROTOCOL_VIOLATION


def test_empty_ones_are_acknowledged_and_not_told() -> None:
    with on_server(PARAMS) as attack:
        attack.peer.send(numbers(F.DATAGRAM_LEN, 0))
        attack.peer.send(numbers(F.DATAGRAM))
        attack.peer.send(numbers(F.DATAGRAM_LEN, 1) + b"x")
        assert attack.victim.recv() == Datagram(b"x")
        attack.peer.alive()
