# SPDX-License-Identifier: GPL-2.0-or-later
"""Transport parameters (RFC 9000, 18) of the peer: honest ones, and how to change them."""

from __future__ import annotations

import socket
from random import Random

from aioquic._buffer import Buffer
from aioquic.buffer import encode_uint_var

from . import values

ORIGINAL_DCID, INITIAL_SCID, RETRY_SCID = 0x00, 0x0F, 0x10
Params = list[tuple[int, bytes]]

#: Sets of limits, as numbers by parameter.
PRESETS: tuple[dict[int, int | bytes], ...] = (
    {0x01: 30000, 0x04: 1 << 20, 0x05: 1 << 18, 0x06: 1 << 18, 0x07: 1 << 18, 0x08: 100, 0x09: 100, 0x0E: 8,
     0x20: 65535},
    {0x01: 1000, 0x04: 3000, 0x05: 1000, 0x06: 500, 0x07: 700, 0x08: 1, 0x09: 2, 0x0A: 0, 0x0B: 1, 0x0E: 2, 0x20: 100},
    {0x03: 1200, 0x04: 1 << 40, 0x05: 1 << 50, 0x06: 1 << 50, 0x07: 1 << 50, 0x08: 1 << 60, 0x09: 1 << 60, 0x0A: 20,
     0x0B: 16383, 0x0C: b"", 0x0E: 1 << 30, 0x20: 1 << 40, 0x2AB2: b""},
    {0x04: 1 << 16, 0x08: 10, 0x09: 10, 0x05: 1 << 14, 0x06: 1 << 14, 0x07: 1 << 14, 0xBAAD: b"", 0x2AB2: b""},
    {},
)  # fmt: skip
KNOWN = (*range(0x12), 0x11, 0x0D, 0x20, 0x2AB2, 0xBAAD, 27, 31 + 27)


def preset(number: int) -> Params:
    """A set of limits."""
    chosen = PRESETS[number % len(PRESETS)]
    return [(kind, value if isinstance(value, bytes) else encode_uint_var(value)) for kind, value in chosen.items()]


def join(params: Params) -> bytes:
    """The body of the TLS extension."""
    return b"".join(encode_uint_var(kind) + encode_uint_var(len(value)) + value for kind, value in params)


def split(body: bytes) -> tuple[Params, bytes]:
    """The other way round, and what cannot be read."""
    buf, found = Buffer(data=body), []
    while not buf.eof():
        at = buf.tell()
        try:
            found.append((buf.pull_uint_var(), buf.pull_bytes(buf.pull_uint_var())))
        except ValueError:
            return found, body[at:]
    return found, b""


def _value(rng: Random) -> bytes:
    if rng.random() < 0.7:
        return encode_uint_var(values.number(rng))
    return rng.randbytes(rng.choice((0, 1, 8, 16, 20, 21, 41, 61)))


def _versions(rng: Random) -> bytes:
    chosen = rng.choices((1, 0x6B3343CF, 0x0A1A2A3A, 0, 7), k=rng.choice((1, 2, 3, 3, 5)))
    return b"".join(version.to_bytes(4, "big") for version in chosen)


def _preferred(rng: Random) -> bytes:
    """An address of either family, a connection ID, a token."""
    v4, v6 = bytes([10, 9, 0, rng.randrange(1, 9)]), socket.inet_pton(socket.AF_INET6, "fd09::5")
    cid = rng.randbytes(rng.choice((8, 8, 4, 0, 20)))
    return v4 + b"\x11\x55" + v6 + b"\x11\x56" + bytes([len(cid)]) + cid + bytes(16)


def _param(rng: Random) -> tuple[int, bytes]:
    kind = rng.choice(KNOWN)
    if kind == 0x11 and rng.random() < 0.9:
        return kind, _versions(rng)
    if kind == 0x0D and rng.random() < 0.9:
        return kind, _preferred(rng)
    return kind, _value(rng)


def some(rng: Random) -> bytes:
    """Parameters that are added to a preset, or replace one of it."""
    return join([_param(rng) for _ in range(rng.choice((1, 1, 2, 4)))])


def mutate(rng: Random, body: bytes) -> bytes:
    """Change one parameter, or bytes."""
    params, rest = split(body)
    if not params or rng.random() < 0.2:
        return values.scramble(rng, body)[:500]
    at, way = rng.randrange(len(params)), rng.randrange(4)
    if way == 0:
        params.append(_param(rng))
    elif way == 1:
        del params[at]
    elif way == 2:
        params.append(params[at])
    else:
        params[at] = (params[at][0], _value(rng))
    return (join(params) + rest)[:500]
