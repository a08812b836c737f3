# SPDX-License-Identifier: GPL-2.0-or-later
"""Which operations there are: what each does, and what its numbers and bytes usually are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from . import frames, tparams, values
from .program import Op
from .session import Session

Pool = Sequence[int]
Run = Callable[..., None]
Bytes = Callable[[Random], bytes]
Change = Callable[[Random, bytes], bytes]


def _raw(rng: Random) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 2, 8, 20, 40, 100, 1200)))


def _zeros(rng: Random) -> bytes:
    """Bytes as structures have them: mostly zero."""
    data = bytearray(rng.choice((1, 2, 4, 8, 12, 16, 28, 56, 72)))
    for _ in range(rng.randrange(4)):
        data[rng.randrange(len(data))] = rng.choice((1, 2, 3, 4, 7, 10, 51, 64, 255))
    return bytes(data)


def _extensions(rng: Random) -> bytes:
    """TLS extensions, as in EncryptedExtensions: 42 is early_data."""
    each = (rng.choice((42, 42, 16, 57, 0, 51)).to_bytes(2, "big") for _ in range(rng.randrange(4)))
    body = b"".join(
        kind + size.to_bytes(2, "big") + bytes(size) for kind in each for size in (rng.choice((0, 0, 3, 70)),)
    )
    return len(body).to_bytes(2, "big") + body


#: Kinds of bytes: how they are made, how they are changed.
BYTES: dict[str, tuple[Bytes, Change]] = {
    "": (lambda _: b"", lambda _, data: data),
    "frames": (frames.some, frames.mutate),
    "tparams": (tparams.some, tparams.mutate),
    "raw": (_raw, values.scramble),
    "struct": (_zeros, values.scramble),
    "tls": (_extensions, values.scramble),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of operation."""

    name: str
    run: Run
    pools: tuple[Pool, ...]
    data: str


KINDS: dict[str, Kind] = {}


def operation(*pools: Pool, data: str = "") -> Callable[[Run], Run]:
    """Make a function an operation: it is given the session, a number for each pool, and the bytes if it has any."""

    def add(run: Run) -> Run:
        name = run.__name__
        KINDS[name] = Kind(name, run, pools, data)
        return run

    return add


def perform(session: Session, op: Op) -> None:
    """Do it. Numbers that are missing are 0, those too many are ignored."""
    kind = KINDS[op.name]
    count = len(kind.pools)
    numbers = (op.numbers + (0,) * count)[:count]
    if kind.data:
        kind.run(session, *numbers, op.data)
    else:
        kind.run(session, *numbers)


def some(rng: Random, name: str) -> Op:
    """An operation of a kind."""
    kind = KINDS[name]
    return Op(name, tuple(rng.choice(pool) for pool in kind.pools), BYTES[kind.data][0](rng))


def mutate(rng: Random, op: Op) -> Op:
    """Change a number or the bytes."""
    kind = KINDS[op.name]
    if kind.data and (not kind.pools or rng.random() < 0.75):
        return Op(op.name, op.numbers, BYTES[kind.data][1](rng, op.data))
    if not kind.pools:
        return op
    numbers = list((op.numbers + (0,) * len(kind.pools))[: len(kind.pools)])
    at = rng.randrange(len(numbers))
    numbers[at] = rng.choice(kind.pools[at]) if rng.random() < 0.7 else values.signed(rng, numbers[at])
    return Op(op.name, tuple(numbers), op.data)
