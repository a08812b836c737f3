# SPDX-License-Identifier: GPL-2.0-or-later
"""Two ways to do one work, in turns, in one guest: medians and the ratio of neighbours."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from kquic.lab.topology import Impairment, Network

T = TypeVar("T")
Way = Callable[[Network], AbstractContextManager[T]]
"""Opens what a work is done on: connected ends, a mounted share."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one comparison gave.

    Attributes:
        ours, theirs: median of the rounds, in `unit`.
        ratio: median over the rounds of ours/theirs; a round's two measurements follow each other.
        low, high: smallest and largest ratio of a round.
    """

    name: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float


def everywhere(_: Network) -> AbstractContextManager[None]:
    """No particular setting."""
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Comparison(Generic[T]):
    """A work and the two ways to do it.

    `link` is what the network does to it; `setting` is there for all rounds (servers that run).
    """

    name: str
    ours: Way[T]
    theirs: Way[T]
    work: Callable[[T], float]
    unit: str = "MiB/s"
    scale: float = 1 << 20
    link: Impairment | None = None
    setting: Way[None] = everywhere
    rounds: int = 5

    def measure(self, net: Network) -> Result:
        """Do it `rounds` times each way, after one round that is not counted."""
        net.link.impair(self.link)
        with self.setting(net):
            pairs = [(self._once(net, self.ours), self._once(net, self.theirs)) for _ in range(self.rounds + 1)][1:]
        net.link.impair(None)
        ratios = [ours / theirs for ours, theirs in pairs]
        return Result(
            self.name,
            self.unit,
            statistics.median(ours for ours, _ in pairs) / self.scale,
            statistics.median(theirs for _, theirs in pairs) / self.scale,
            statistics.median(ratios),
            min(ratios),
            max(ratios),
        )

    def _once(self, net: Network, way: Way[T]) -> float:
        with way(net) as opened:
            return self.work(opened)
