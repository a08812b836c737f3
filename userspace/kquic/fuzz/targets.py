# SPDX-License-Identifier: GPL-2.0-or-later
"""What is fuzzed: how programs of a target begin, and which operations follow how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from . import calls as calls
from . import grammar
from . import wire as wire
from .grammar import operation
from .program import Op, Program
from .session import Session

MOST_OPS = 48


@operation((1, 2, 3, 5, 8, 13))
def fail(_: Session, nth: int) -> None:
    """The nth allocation of the next operation fails: done by `runner`."""


@operation((0, 1))
def aside(_: Session, thread: int) -> None:
    """The next operation runs in a thread of its own, beside those that follow: done by `runner`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One of the four."""

    openings: tuple[tuple[str, Mapping[int, tuple[int, ...]]], ...]
    weights: Mapping[str, int]

    def opening(self, rng: Random) -> Op:
        """The first operation; some of its numbers are limited to what makes sense for the target."""
        name, limits = rng.choice(self.openings)
        op = grammar.some(rng, name)
        numbers = tuple(rng.choice(limits[at]) if at in limits else value for at, value in enumerate(op.numbers))
        return Op(op.name, numbers, op.data)

    def op(self, rng: Random) -> Op:
        """One that follows."""
        name = rng.choices(tuple(self.weights), tuple(self.weights.values()))[0]
        return grammar.some(rng, name)

    def fresh(self, rng: Random) -> Program:
        """A new program."""
        return (self.opening(rng), *(self.op(rng) for _ in range(rng.choice((1, 2, 4, 8, 16, 30)))))

    def mutate(self, rng: Random, program: Program, others: list[Program]) -> Program:
        """Another program, not far from one that did something new."""
        ops = list(program)
        for _ in range(rng.choice((1, 1, 2, 3, 5))):
            self._mutate_once(rng, ops, others)
        return tuple(ops[:MOST_OPS])

    def _mutate_once(self, rng: Random, ops: list[Op], others: list[Program]) -> None:
        at, way = rng.randrange(len(ops)), rng.random()
        if way < 0.5:
            ops[at] = grammar.mutate(rng, ops[at])
        elif way < 0.72:
            ops.insert(rng.randrange(1, len(ops) + 1), self.op(rng))
        elif way < 0.8 and len(ops) > 2:
            del ops[at]
        elif way < 0.88:
            ops.insert(rng.randrange(1, len(ops) + 1), ops[at])
        else:
            other = rng.choice(others)
            ops[at:] = ops[at : at + 1] + list(other[rng.randrange(len(other)) :])


READS = "hear 2 acknowledge 4 read 3 rest 1"
ANY_STAGE = {0: (0, 1, 2, 3, 4, 5)}
EARLY_STAGE = {0: (0, 1, 2, 3)}


def _weights(words: str) -> dict[str, int]:
    """Names of operations, how often each behind it."""
    each = words.split()
    return dict(zip(each[::2], map(int, each[1::2]), strict=True))


TARGETS = {
    "datagrams": Target(
        (("newcomer", {}), ("newcomer", {}), ("client", {0: (0,)}), ("server", {0: (1, 2, 4)})),
        _weights(
            "first 4 accept 3 early 16 hello 8 long 6 short 2 raw 2 retry 3 negotiation 2 packet 8 flush 2 icmp 1"
            " hear 2 acknowledge 1 read 1 rest 1 fail 2"
        ),
    ),
    "frames": Target(
        (("server", {}), ("client", {})),
        _weights(
            "packet 40 respond 3 update 2 flush 2 icmp 1 message 1 stream 6 datagram 1 migrate 1 address 1 setsockopt 2"
            f" amount 2 fail 2 {READS}"
        ),
    ),
    "calls": Target(
        (("server", ANY_STAGE), ("client", ANY_STAGE), ("socket_", {}), ("newcomer", {})),
        _weights(
            "setsockopt 12 amount 4 getsockopt 12 sendmsg 5 stream 8 datagram 2 recvmsg 8 shutdown 2 close 2 socket_ 4"
            " dup 2 bind 5 connect 4 listen 4 take 3 migrate 3 poll 2 look 1 address 1 ioctl 2 names 2 splice 2"
            f" packet 4 first 2 accept 1 secret 2 crypto 2 aside 6 fail 4 {READS}"
        ),
    ),
    "handshake": Target(
        (("server", EARLY_STAGE), ("client", EARLY_STAGE)),
        _weights(
            "crypto 8 secret 8 parameters 10 message 6 early_data 3 local_parameters 1 early 12 packet 6 stream 3"
            " getsockopt 4 setsockopt 4 amount 2 recvmsg 4 sendmsg 2 first 1 flush 1 fail 3 aside 1 migrate 1"
            f" shutdown 1 {READS}"
        ),
    ),
}
