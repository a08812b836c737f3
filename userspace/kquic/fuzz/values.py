# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers and bytes that tend to find something."""

from __future__ import annotations

from random import Random

LARGEST = (1 << 62) - 1
SMALL: tuple[int, ...] = (
    *range(8),
    8,
    12,
    16,
    20,
    21,
    24,
    32,
    50,
    64,
    100,
    255,
    400,
    1000,
    1200,
    1023,
    4096,
    65535,
    65536,
)
EDGES: tuple[int, ...] = (1 << 14, (1 << 30) - 1, 1 << 30, 1 << 31, (1 << 32) - 1, 1 << 60, (1 << 60) + 1, LARGEST)


def number(rng: Random) -> int:
    """A number that a varint can hold: mostly small, sometimes at an edge."""
    way = rng.random()
    if way < 0.55:
        return rng.randrange(12)
    if way < 0.85:
        return rng.choice(SMALL)
    if way < 0.95:
        return rng.choice(EDGES)
    return rng.getrandbits(rng.randrange(1, 63))


def near(rng: Random, old: int) -> int:
    """Another number."""
    way = rng.randrange(5)
    if way == 0:
        return min(LARGEST, old + rng.choice((1, 2, 4, 8, 64)))
    if way == 1:
        return max(0, old - rng.choice((1, 2, 4, 8, 64)))
    if way == 2:
        return (old ^ 1 << rng.randrange(62)) & LARGEST
    return number(rng)


def signed(rng: Random, old: int) -> int:
    """Another number, of an operation: may be negative."""
    return rng.choice((old + 1, old - 1, -old, old ^ 1 << rng.randrange(8), rng.choice(SMALL)))


def scramble(rng: Random, data: bytes) -> bytes:
    """Other bytes, of about the same length."""
    if not data:
        return rng.randbytes(rng.choice((1, 2, 8, 40)))
    at, way = rng.randrange(len(data)), rng.randrange(6)
    if way == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if way == 1:
        return data[:at] + bytes([rng.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF))]) + data[at + 1 :]
    if way == 2:
        return data[:at]
    if way == 3:
        return data[:at] + data[at + rng.choice((1, 2, 4, 8)) :]
    if way == 4:
        return data[:at] + rng.randbytes(rng.choice((1, 2, 4, 8))) + data[at:]
    other = rng.randrange(len(data))
    return data[:at] + data[min(at, other) : max(at, other)][:64] + data[at:]
