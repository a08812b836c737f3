# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast connections are: the difference between two looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from kquic.diag.socket import Socket


@dataclass(frozen=True, slots=True)
class Row:
    """One connection. Rates are per second, since the look before; 0 at the first one."""

    socket: Socket
    sent: float
    received: float
    lost: float


class Order(Enum):
    """What the table is sorted by; the largest comes first. The letter is the key."""

    RATE = "r"
    RTT = "t"
    WINDOW = "w"
    LOSSES = "l"
    STREAMS = "s"


_KEYS: dict[Order, Callable[[Row], float]] = {
    Order.RATE: lambda row: row.sent + row.received,
    Order.RTT: lambda row: number(row, "smoothed_rtt"),
    Order.WINDOW: lambda row: number(row, "cwnd"),
    Order.LOSSES: lambda row: row.lost,
    Order.STREAMS: lambda row: streams(row),
}


def number(row: Row, name: str) -> int:
    """A field of struct quic_diag_info; 0 where the kernel tells none."""
    return row.socket.info[name] if row.socket.info else 0


def streams(row: Row) -> int:
    """Streams that have not ended."""
    return sum(kind.open for kind in row.socket.info.streams) if row.socket.info else 0


def ordered(rows: Iterable[Row], by: Order) -> list[Row]:
    """Sorted; equal ones always in the same order, so that lines do not jump."""
    return sorted(rows, key=lambda row: (-_KEYS[by](row), row.socket.cookie))


class Sampler:
    """Remembers the look before."""

    _NAMES = ("bytes_sent", "bytes_received", "pkts_lost")

    def __init__(self) -> None:
        self._before: dict[int, tuple[float, tuple[int, ...]]] = {}

    def look(self, found: Iterable[Socket], now: float) -> list[Row]:
        """Rates of the connections that exist; `now` is a clock in seconds."""
        rows, after = [], {}
        for each in found:
            values = tuple(each.info[name] if each.info else 0 for name in self._NAMES)
            rows.append(Row(each, *self._rates(each.cookie, values, now)))
            after[each.cookie] = (now, values)
        self._before = after
        return rows

    def _rates(self, cookie: int, values: tuple[int, ...], now: float) -> tuple[float, ...]:
        then, old = self._before.get(cookie, (now, values))
        if now <= then:
            return (0.0,) * len(values)
        return tuple((new - before) / (now - then) for new, before in zip(values, old, strict=True))
