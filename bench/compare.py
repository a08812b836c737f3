# SPDX-License-Identifier: GPL-2.0-or-later
"""Two ways to do one work, in turns, in one guest: medians and the ratio of neighbours."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from kquic.lab.topology import Impairment, Network

from .ends import WAYS, Ends

Work = Callable[[Ends], float]


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """A work and the two ways to do it; `link` is what the network does to it."""

    name: str
    ours: str
    theirs: str
    work: Work
    unit: str = "MiB/s"
    scale: float = 1 << 20
    link: Impairment | None = None
    rounds: int = 5


def measure(net: Network, comparison: Comparison) -> Result:
    """Do it `rounds` times each way, after one round that is not counted."""
    net.link.impair(comparison.link)
    pairs = [_round(net, comparison) for _ in range(comparison.rounds + 1)][1:]
    ratios = [ours / theirs for ours, theirs in pairs]
    return Result(
        comparison.name,
        comparison.unit,
        statistics.median(ours for ours, _ in pairs) / comparison.scale,
        statistics.median(theirs for _, theirs in pairs) / comparison.scale,
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )


def _round(net: Network, comparison: Comparison) -> tuple[float, float]:
    return _once(net, comparison.ours, comparison.work), _once(net, comparison.theirs, comparison.work)


def _once(net: Network, way: str, work: Work) -> float:
    with WAYS[way](net) as ends:
        return work(ends)
