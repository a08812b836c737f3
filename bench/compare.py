# SPDX-License-Identifier: GPL-2.0-or-later
"""Two ways to do one work, in turns, in one guest: medians and the ratio of neighbours."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from kquic.lab.topology import Impairment, Network

from .cost import Cost, Meter

T = TypeVar("T")
Way = Callable[[Network], AbstractContextManager[T]]
"""Opens what a work is done on: connected ends, a mounted share."""


@dataclass(frozen=True, slots=True)
class Round:
    """One time, one way: what was done in a second, and what it cost."""

    rate: float
    cost: Cost

    def each(self, counter: str, scale: float) -> float:
        """How often something happened for each `scale` of what was done."""
        return self.cost.counters[counter] / self.cost.seconds / self.rate * scale


@dataclass(frozen=True, slots=True)
class Result:
    """What one comparison gave.

    Attributes:
        target: the ratio to reach, or 0 if there is none.
        ours, theirs: median of the rounds, in `unit`.
        ratio: median over the rounds of ours/theirs; a round's two measurements follow each other.
        low, high: smallest and largest ratio of a round.
        our_cpu, their_cpu: milliseconds of processors for one MiB, or one of what is counted; medians.
        counters: of our way, for one of the same.
    """

    name: str
    unit: str
    target: float
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    our_cpu: float
    their_cpu: float
    counters: dict[str, float]

    @property
    def reached(self) -> bool:
        """Whether the target, if there is one, was."""
        return self.ratio >= self.target


_LEAST, _MOST = 1, 65535
"""Packets that a device takes at once."""


@contextlib.contextmanager
def _distant(net: Network, link: Impairment | None, *, batches: bool) -> Iterator[None]:
    """The path has its delay from the beginning, as paths have: who learns of it later takes it for a queue.

    Losses begin with the work, so that no handshake and no mount takes its time again.
    What is lost are packets, one by one: of batches the link would lose 44 packets at a time, as seldom as one.
    """
    if link is None:
        yield
        return
    if not batches:
        _batches(net, _LEAST)
    net.link.impair(replace(link, loss_percent=0.0))
    try:
        yield
    finally:
        net.link.impair(None)
        _batches(net, _MOST)


def _batches(net: Network, most: int) -> None:
    for host in (net.cli, net.srv):
        host.run("ip", "link", "set", "dev", net.link.dev, "gso_max_segs", str(most))


def everywhere(_: Network) -> AbstractContextManager[None]:
    """No particular setting."""
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Comparison(Generic[T]):
    """A work and the two ways to do it.

    `link` is what the network does to it, packet by packet, or by `batches`, as devices deliver them that
    segment and gather; `setting` is there for all rounds (servers that run).
    """

    name: str
    ours: Way[T]
    theirs: Way[T]
    work: Callable[[T], float]
    unit: str = "MiB/s"
    scale: float = 1 << 20
    target: float = 0.0
    link: Impairment | None = None
    setting: Way[None] = everywhere
    rounds: int = 5
    batches: bool = False

    def measure(self, net: Network) -> Result:
        """Do it `rounds` times each way, after one round that is not counted."""
        with self.setting(net):
            pairs = [(self._once(net, self.ours), self._once(net, self.theirs)) for _ in range(self.rounds + 1)][1:]
        ratios = [ours.rate / theirs.rate for ours, theirs in pairs]
        mine, other = [list(of_way) for of_way in zip(*pairs, strict=True)]
        return Result(
            self.name,
            self.unit,
            self.target,
            statistics.median(each.rate for each in mine) / self.scale,
            statistics.median(each.rate for each in other) / self.scale,
            statistics.median(ratios),
            min(ratios),
            max(ratios),
            self._cpu(mine),
            self._cpu(other),
            self._counters(mine),
        )

    def _once(self, net: Network, way: Way[T]) -> Round:
        with _distant(net, self.link, batches=self.batches), way(net) as opened:
            if self.link:
                net.link.alter(self.link)
            meter = Meter(net)
            rate = self.work(opened)
            return Round(rate, meter.read())

    def _cpu(self, rounds: Sequence[Round]) -> float:
        return statistics.median(each.cost.per(each.rate / self.scale) for each in rounds) * 1e3

    def _counters(self, rounds: Sequence[Round]) -> dict[str, float]:
        names = sorted({name for each in rounds for name, count in each.cost.counters.items() if count})
        return {name: statistics.median(each.each(name, self.scale) for each in rounds) for name in names}
