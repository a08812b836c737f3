# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: one flow on each path, and several flows on some."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kquic.interop.link import Routed

from .flows import QUIC, TICK, opened, play
from .link import Path, Queue, become

RATES = (10.0, 100.0, 1000.0)
RTTS = (1.0, 20.0, 100.0)
LOSSES = (0.0, 0.1, 1.0, 5.0)
HANDSHAKE = 2.0
"""Seconds until all is said that follows a handshake."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A path, the flows on it, how long they last, and from when on they count."""

    path: Path
    kinds: tuple[str, ...]
    seconds: float
    settle: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell gave.

    Attributes:
        goodput: Mbit/s of each flow, payload.
        queue_ms, queue_high_ms: mean, and 95th percentile, of the wait in the queue.
    """

    cell: Cell
    goodput: tuple[float, ...]
    queue_ms: float
    queue_high_ms: float

    @property
    def used(self) -> float:
        """Share of the link, payload of all flows."""
        return sum(self.goodput) / self.cell.path.rate_mbit

    @property
    def jain(self) -> float:
        """Jain's fairness index: 1 if all have the same, 1/n if one has all."""
        squares = len(self.goodput) * sum(each**2 for each in self.goodput)
        return sum(self.goodput) ** 2 / squares if squares else 0.0


def alone(rates: Sequence[float], rtts: Sequence[float], losses: Sequence[float]) -> Iterator[Cell]:
    """One flow of each controller on each path."""
    for rate in rates:
        for rtt in rtts:
            for loss in losses:
                for kind in QUIC:
                    yield Cell(Path(rate, rtt, loss), (kind,), _seconds(rate, rtt))


def _seconds(rate: float, rtt: float) -> float:
    """Fast links need fewer seconds for as many packets, long paths need some round trips."""
    return (4.0 if rate > 100 else 10.0) + rtt / 20


def together(rates: Sequence[float], rtts: Sequence[float]) -> Iterator[Cell]:
    """Two and four flows of each controller, among themselves and against TCP CUBIC; the first half does not count."""
    for rate in rates:
        for rtt in rtts:
            for kind in QUIC:
                for kinds in ((kind,) * 2, (kind,) * 4, (kind, "tcp-cubic"), (kind,) * 2 + ("tcp-cubic",) * 2):
                    yield Cell(Path(rate, rtt), kinds, 30.0, 15.0)
            yield Cell(Path(rate, rtt), ("tcp-cubic",) * 2, 30.0, 15.0)


def measure(net: Routed, cell: Cell) -> Result:
    """Do it."""
    become(net, Path(cell.path.rate_mbit, cell.path.rtt_ms))  # no losses in handshakes
    with opened(net, cell.kinds) as ends:
        # Queues are replaced with what is in them; to lose a packet now would be the end of slow start.
        time.sleep(HANDSHAKE)
        become(net, cell.path)
        queue = Queue(net, cell.path)
        counts = play(ends, cell.seconds, queue.look)
    first = round(cell.settle / TICK)
    mbits = tuple(sum(each[first:]) / (cell.seconds - cell.settle) / 125_000 for each in counts)
    return Result(cell, mbits, queue.mean_ms, queue.high_ms)
