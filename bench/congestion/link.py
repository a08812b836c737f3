# SPDX-License-Identifier: GPL-2.0-or-later
"""The bottleneck: a router with a rate, a queue of bytes and losses towards the server, and a delay on the way back.

The queue stands alone in its direction, so that what waits in it is what `tc` shows.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kquic.interop.link import FAR, NEAR, Routed, routed
from kquic.lab.topology import Impairment

FULL = 1500
MIN_QUEUE = 20
"""Packets: less than that no real queue holds, however short the path."""

_ROOM = "4096 131072 67108864"
_SYSCTLS = {"ipv4.tcp_rmem": _ROOM, "ipv4.tcp_wmem": _ROOM}


@dataclass(frozen=True, slots=True)
class Path:
    """What the bottleneck is like; `queue_bdp` is the size of the queue in bandwidth-delay products."""

    rate_mbit: float
    rtt_ms: float
    loss_percent: float = 0.0
    queue_bdp: float = 1.0

    @property
    def rate(self) -> float:
        """Bytes per second."""
        return self.rate_mbit * 125_000

    @property
    def queue(self) -> int:
        """Packets that may wait."""
        return max(MIN_QUEUE, round(self.queue_bdp * self.rate * self.rtt_ms / 1000 / FULL))

    def __str__(self) -> str:
        return f"{self.rate_mbit:g} Mbit/s {self.rtt_ms:g} ms {self.loss_percent:g} %"


@contextmanager
def bottleneck() -> Iterator[Routed]:
    """The hosts; their TCP may use as much memory as the paths need."""
    with routed() as net:
        for host in (net.cli, net.srv):
            for name, value in _SYSCTLS.items():
                host.run("sysctl", "-qw", f"net.{name}={value}")
        yield net


def become(net: Routed, path: Path) -> None:
    """Let the bottleneck be like that."""
    far = Impairment(rate_mbit=path.rate_mbit, loss_percent=path.loss_percent, queue=path.queue)
    net.rtr.impair(FAR, far)
    net.rtr.impair(NEAR, Impairment(delay_ms=path.rtt_ms, queue=1_000_000))


@dataclass
class Queue:
    """What waits at the bottleneck, each time that somebody looks."""

    net: Routed
    path: Path
    waits_ms: list[float] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample."""
        self.waits_ms.append(1000 * self.net.rtr.backlog(FAR) / self.path.rate)

    @property
    def mean_ms(self) -> float:
        """How long a packet had to wait."""
        return statistics.fmean(self.waits_ms) if self.waits_ms else 0.0

    @property
    def high_ms(self) -> float:
        """What 95 of 100 packets did not have to wait longer than."""
        return statistics.quantiles(self.waits_ms, n=20)[-1] if len(self.waits_ms) > 1 else 0.0
