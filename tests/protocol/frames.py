# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames as bytes (RFC 9000, 19): made by hand, so that wrong ones can be made too, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from aioquic.buffer import Buffer, encode_uint_var


class F(IntEnum):
    """Frame types."""

    PADDING = 0x00
    PING = 0x01
    ACK = 0x02
    ACK_ECN = 0x03
    RESET_STREAM = 0x04
    STOP_SENDING = 0x05
    CRYPTO = 0x06
    NEW_TOKEN = 0x07
    STREAM = 0x08
    MAX_DATA = 0x10
    MAX_STREAM_DATA = 0x11
    MAX_STREAMS_BIDI = 0x12
    MAX_STREAMS_UNI = 0x13
    DATA_BLOCKED = 0x14
    STREAM_DATA_BLOCKED = 0x15
    STREAMS_BLOCKED_BIDI = 0x16
    STREAMS_BLOCKED_UNI = 0x17
    NEW_CONNECTION_ID = 0x18
    RETIRE_CONNECTION_ID = 0x19
    PATH_CHALLENGE = 0x1A
    PATH_RESPONSE = 0x1B
    CONNECTION_CLOSE = 0x1C
    CONNECTION_CLOSE_APP = 0x1D
    HANDSHAKE_DONE = 0x1E
    DATAGRAM = 0x30
    DATAGRAM_LEN = 0x31


#: Fields behind the type: v a number, d bytes behind their length, c a connection ID, 8 and t bytes of fixed length.
FIELDS: dict[int, str] = {
    F.PADDING: "", F.PING: "", F.RESET_STREAM: "vvv", F.STOP_SENDING: "vv", F.CRYPTO: "vd", F.NEW_TOKEN: "d",
    F.MAX_DATA: "v", F.MAX_STREAM_DATA: "vv", F.MAX_STREAMS_BIDI: "v", F.MAX_STREAMS_UNI: "v", F.DATA_BLOCKED: "v",
    F.STREAM_DATA_BLOCKED: "vv", F.STREAMS_BLOCKED_BIDI: "v", F.STREAMS_BLOCKED_UNI: "v",
    F.NEW_CONNECTION_ID: "vvct", F.RETIRE_CONNECTION_ID: "v", F.PATH_CHALLENGE: "8", F.PATH_RESPONSE: "8",
    F.CONNECTION_CLOSE: "vvd", F.CONNECTION_CLOSE_APP: "vd", F.HANDSHAKE_DONE: "", F.DATAGRAM_LEN: "d",
}  # fmt: skip
FIN, LEN, OFF = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was received: its numbers in order, its byte strings in order."""

    type: int
    numbers: tuple[int, ...] = ()
    strings: tuple[bytes, ...] = ()
    ranges: tuple[range, ...] = ()


def numbers(kind: int, *values: int) -> bytes:
    """A frame that consists of numbers."""
    return b"".join(encode_uint_var(value) for value in (kind, *values))


def stream(stream_id: int, data: bytes = b"", offset: int = 0, *, fin: bool = False) -> bytes:
    """STREAM with all its fields."""
    return numbers(F.STREAM | OFF | LEN | (FIN if fin else 0), stream_id, offset, len(data)) + data


def crypto(data: bytes, offset: int = 0) -> bytes:
    """CRYPTO."""
    return numbers(F.CRYPTO, offset, len(data)) + data


def ack(largest: int, first: int = 0, gaps: Sequence[tuple[int, int]] = (), delay: int = 0) -> bytes:
    """ACK of `largest` and `first` numbers below it, then (gap, length) pairs."""
    flat = [number for pair in gaps for number in pair]
    return numbers(F.ACK, largest, delay, len(gaps), first, *flat)


def new_connection_id(seq: int, prior_to: int, cid: bytes, token: bytes = bytes(16)) -> bytes:
    """NEW_CONNECTION_ID."""
    return numbers(F.NEW_CONNECTION_ID, seq, prior_to) + bytes([len(cid)]) + cid + token


def new_token(token: bytes) -> bytes:
    """NEW_TOKEN."""
    return numbers(F.NEW_TOKEN, len(token)) + token


def close(code: int, reason: bytes = b"") -> bytes:
    """CONNECTION_CLOSE of the transport."""
    return numbers(F.CONNECTION_CLOSE, code, 0, len(reason)) + reason


def parse(payload: bytes) -> list[Frame]:
    """The frames of a packet; padding is left out."""
    buf, found = Buffer(data=payload), []
    while not buf.eof():
        kind = buf.pull_uint_var()
        if kind != F.PADDING:
            found.append(_parse_one(buf, kind))
    return found


def _parse_one(buf: Buffer, kind: int) -> Frame:
    if kind in (F.ACK, F.ACK_ECN):
        return _parse_ack(buf, kind)
    if F.STREAM <= kind < F.MAX_DATA:
        return _parse_stream(buf, kind)
    if kind == F.DATAGRAM:
        return Frame(kind, (), (buf.pull_bytes(buf.capacity - buf.tell()),))
    found: list[int] = []
    strings: list[bytes] = []
    for field in FIELDS[kind]:
        if field == "v":
            found.append(buf.pull_uint_var())
        else:
            size = {"8": lambda: 8, "t": lambda: 16, "c": buf.pull_uint8, "d": buf.pull_uint_var}[field]()
            strings.append(buf.pull_bytes(size))
    return Frame(kind, tuple(found), tuple(strings))


def _parse_stream(buf: Buffer, kind: int) -> Frame:
    stream_id = buf.pull_uint_var()
    offset = buf.pull_uint_var() if kind & OFF else 0
    size = buf.pull_uint_var() if kind & LEN else buf.capacity - buf.tell()
    return Frame(kind, (stream_id, offset), (buf.pull_bytes(size),))


def _parse_ack(buf: Buffer, kind: int) -> Frame:
    largest, delay, more, first = (buf.pull_uint_var() for _ in range(4))
    smallest = largest - first
    found = [range(smallest, largest + 1)]
    for _ in range(more):
        largest = smallest - buf.pull_uint_var() - 2
        smallest = largest - buf.pull_uint_var()
        found.append(range(smallest, largest + 1))
    counts = tuple(buf.pull_uint_var() for _ in range(3)) if kind == F.ACK_ECN else ()
    return Frame(kind, (found[0].stop - 1, delay, *counts), (), tuple(found))
