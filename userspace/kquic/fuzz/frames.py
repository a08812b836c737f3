# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames (RFC 9000, 19) by their fields: made at random, taken apart, changed, put together again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from aioquic._buffer import Buffer
from aioquic.buffer import encode_uint_var

from . import values

PADDING, PING, ACK, ACK_ECN, CRYPTO, NEW_TOKEN, STREAM = 0x00, 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
NEW_CONNECTION_ID, PATH_CHALLENGE, PATH_RESPONSE, DATAGRAM = 0x18, 0x1A, 0x1B, 0x30
MAX_ACK_RANGES = 64

#: Fields behind the type: v a number, d bytes behind their length, c a connection ID, 8 and t bytes of fixed length,
#: r the rest of the packet.
FIELDS: dict[int, str] = {
    0x00: "", 0x01: "", 0x04: "vvv", 0x05: "vv", 0x06: "vd", 0x07: "d",
    0x08: "vr", 0x09: "vr", 0x0A: "vd", 0x0B: "vd", 0x0C: "vvr", 0x0D: "vvr", 0x0E: "vvd", 0x0F: "vvd",
    0x10: "v", 0x11: "vv", 0x12: "v", 0x13: "v", 0x14: "v", 0x15: "vv", 0x16: "v", 0x17: "v",
    0x18: "vvct", 0x19: "v", 0x1A: "8", 0x1B: "8", 0x1C: "vvd", 0x1D: "vd", 0x1E: "", 0x30: "r", 0x31: "d",
}  # fmt: skip
SIZES = {"8": 8, "t": 16}
KINDS = (*FIELDS, ACK, ACK_ECN, ACK)
#: Types of which a packet with many is likely to be read to its end.
HARMLESS = (0x01, 0x0E, 0x0F, 0x0A, 0x31, 0x1A, 0x10, 0x11, 0x14, 0x15, 0x16)

Field = int | bytes
Parsed = tuple[int, tuple[int, ...], tuple[bytes, ...]]


def ack(numbers: Sequence[int], delay: int = 0) -> bytes:
    """An ACK of these numbers, which fall."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    ranges = ranges[:MAX_ACK_RANGES]
    fields = [ACK, ranges[0][0], delay, len(ranges) - 1, ranges[0][0] - ranges[0][1]]
    for (_, above), (high, low) in pairwise(ranges):
        fields += [above - high - 2, high - low]
    return b"".join(map(encode_uint_var, fields))


# Taking apart.


def _pull(buf: Buffer, field: str) -> Field:
    if field == "v":
        return buf.pull_uint_var()
    if field == "r":
        return buf.pull_bytes(buf.capacity - buf.tell())
    if field == "c":
        return buf.pull_bytes(buf.pull_uint8())
    return buf.pull_bytes(SIZES.get(field) or buf.pull_uint_var())


def _pull_ack(buf: Buffer, kind: int) -> list[Field]:
    fields: list[Field] = [buf.pull_uint_var(), buf.pull_uint_var()]
    count = buf.pull_uint_var()
    fields += [count, *(buf.pull_uint_var() for _ in range(2 * count + 1))]
    return fields + ([buf.pull_uint_var() for _ in range(3)] if kind == ACK_ECN else [])


def split(payload: bytes) -> tuple[list[tuple[int, list[Field]]], bytes]:
    """Frames with their fields, and what can be read as none. PADDING is left out."""
    buf, found = Buffer(data=payload), list[tuple[int, list[Field]]]()
    while not buf.eof():
        at = buf.tell()
        if not payload[at]:
            buf.seek(len(payload) - len(payload[at:].lstrip(b"\0")))
            continue
        try:
            kind = buf.pull_uint_var()
            fields = _pull_ack(buf, kind) if kind in (ACK, ACK_ECN) else [_pull(buf, f) for f in FIELDS[kind]]
        except (ValueError, KeyError):
            return found, payload[at:]
        if kind != PADDING:
            found.append((kind, fields))
    return found, b""


def parse(payload: bytes) -> list[Parsed]:
    """Type, numbers and byte strings of each frame that can be read."""
    return [
        (kind, tuple(f for f in fields if isinstance(f, int)), tuple(f for f in fields if isinstance(f, bytes)))
        for kind, fields in split(payload)[0]
    ]


def join(frames: Sequence[tuple[int, Sequence[Field]]], rest: bytes = b"") -> bytes:
    """The other way round."""
    return b"".join(_put(kind, fields) for kind, fields in frames) + rest


def _put(kind: int, fields: Sequence[Field]) -> bytes:
    out = encode_uint_var(kind)
    layout = FIELDS.get(kind, "")
    for at, field in enumerate(fields):
        if isinstance(field, int):
            out += encode_uint_var(field)
        elif layout[at : at + 1] == "c":
            out += bytes([len(field) & 0xFF]) + field
        elif layout[at : at + 1] == "d":
            out += encode_uint_var(len(field)) + field
        else:
            out += field
    return out


# Making and changing.


def _random_field(rng: Random, field: str) -> Field:
    if field == "v":
        return values.number(rng)
    if field == "c":
        return rng.randbytes(rng.choice((8, 8, 8, 0, 1, 20, 21, 4)))
    return rng.randbytes(SIZES.get(field) or rng.choice((0, 1, 3, 16, 100, 700, 1100)))


def _random_ack(rng: Random, kind: int) -> list[Field]:
    count = rng.choice((0, 0, 0, 1, 2, 5, 60, 500))
    fields: list[Field] = [values.number(rng), values.number(rng), count]
    fields += [values.number(rng) for _ in range(2 * min(count, 64) + 1)]
    return fields + ([values.number(rng) for _ in range(3)] if kind == ACK_ECN else [])


def one(rng: Random, kinds: Sequence[int] = KINDS) -> tuple[int, list[Field]]:
    """A frame."""
    kind = rng.choice(kinds)
    if kind in (ACK, ACK_ECN):
        return kind, _random_ack(rng, kind)
    return kind, [_random_field(rng, field) for field in FIELDS[kind]]


def some(rng: Random) -> bytes:
    """A packet's payload."""
    kinds = HARMLESS if rng.random() < 0.4 else KINDS
    return join([one(rng, kinds) for _ in range(rng.choice((1, 1, 1, 2, 3, 8)))])[:1300]


def mutate(rng: Random, payload: bytes) -> bytes:
    """Change a frame's fields, the row of frames, or bytes."""
    frames, rest = split(payload)
    way = rng.randrange(7)
    if not frames or way == 0:
        return values.scramble(rng, payload)
    at = rng.randrange(len(frames))
    if way == 1:
        frames.insert(at, one(rng))
    elif way == 2:
        del frames[at]
    elif way == 3:
        frames.insert(rng.randrange(len(frames) + 1), frames[at])
    elif way == 4 and frames[at][0] & ~7 == STREAM:
        frames[at] = (frames[at][0] ^ rng.choice((1, 1, 2, 4)), frames[at][1])
    else:
        frames[at] = (frames[at][0], _change(rng, frames[at][1]))
    return join(frames, rest)[:1300]


def _change(rng: Random, fields: Sequence[Field]) -> list[Field]:
    changed = list(fields)
    if changed:
        at = rng.randrange(len(changed))
        old = changed[at]
        changed[at] = values.near(rng, old) if isinstance(old, int) else values.scramble(rng, old)
    return changed
