# SPDX-License-Identifier: GPL-2.0-or-later
"""What was measured, for a terminal and for the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from .compare import Result
from .raw import Raw

HEAD = (
    f"{'work':44} {'kquic':>9} {'other':>9} {'unit':6} {'ratio':>6} {'spread':>14} {'at least':>8}"
    f" {'kquic CPU':>10} {'other CPU':>10}"
)
_BAR, _ROW, _LEFT, _WIDTH = 14, 24, 330, 360
_MOST = 3.0
"""Ratios above it are cut off in the picture."""

COUNTED = {
    "QuicPktEncFastpaths": "packets sealed",
    "QuicOutBatches": "skbs sent",
    "QuicPktRcvFastpaths": "runs handled in softirq",
    "QuicPktRcvBacklogs": "runs handled by a process",
    "QuicPktRcvSteered": "runs steered",
    "QuicWakeReaders": "readers woken",
    "QuicWakeWriters": "writers woken",
    "ContextSwitches": "context switches",
}
"""Counters that the documentation shows, per MiB or per what is counted."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Processor time of a bulk transfer beside what its parts need: milliseconds for one MiB, both ends together."""

    cipher: str
    spent: float
    seal: float
    udp: float

    @property
    def limit(self) -> float:
        """Encrypt, decrypt, send and receive."""
        return 2 * self.seal + self.udp


def line(r: Result) -> str:
    """One comparison, for a terminal."""
    spread = f"{r.low:.2f} to {r.high:.2f}"
    target = f"{r.target:.1f}" if r.target else ""
    return (
        f"{r.name:44} {r.ours:9.1f} {r.theirs:9.1f} {r.unit:6} {r.ratio:6.2f} {spread:>14} {target:>8}"
        f" {r.our_cpu:10.2f} {r.their_cpu:10.2f}"
    )


def budget_line(b: Budget) -> str:
    """One budget, for a terminal."""
    parts = f"cipher twice {2 * b.seal:.2f}, UDP {b.udp:.2f}"
    return f"{b.cipher}: {b.spent:.2f} ms/MiB; {parts}: {b.spent / b.limit:.2f} times"


def _processors() -> str:
    number = os.cpu_count()
    return f"{number} processors" if number != 1 else "one processor"


def conditions(raw: Raw) -> str:
    """Where it was measured."""
    ciphers = ", ".join(f"{name} {1e3 / cost:.0f} MiB/s" for name, cost in raw.seal.items())
    release = platform.release()
    return (
        f"Linux {release} on {_processors()}; one encrypts {ciphers}, sends and receives "
        f"{1e3 / raw.udp:.0f} MiB/s in batches of UDP datagrams, and does a system call in {1e3 * raw.call:.0f} µs."
    )


def _row(*cells: str | float) -> str:
    return "| " + " | ".join(f"{cell:.1f}" if isinstance(cell, float) else cell for cell in cells) + " |"


def _rule(numbers: int) -> str:
    return "| --- |" + " ---: |" * numbers


def tables(results: Sequence[Result], budgets: Sequence[Budget], raw: Raw) -> str:
    """Everything, for the documentation."""
    rows = [_row("work", "kquic", "other", "unit", "ratio", "spread", "at least", "CPU, kquic", "CPU, other"), _rule(8)]
    for r in results:
        mark = "**" if r.target and r.reached else ""
        spread = f"{r.low:.2f} to {r.high:.2f}"
        rows.append(_row(r.name, r.ours, r.theirs, r.unit, f"{mark}{r.ratio:.2f}{mark}", spread, r.target or ""))
        rows[-1] += f" {r.our_cpu:.2f} | {r.their_cpu:.2f} |"
    rows += ["", _row("cipher", "spent", "cipher, both ends", "UDP, both ends", "times the limit"), _rule(4)]
    rows += [_row(b.cipher, b.spent, 2 * b.seal, b.udp, f"{b.spent / b.limit:.2f}") for b in budgets]
    rows += ["", _row("work", *COUNTED.values()), _rule(len(COUNTED))]
    rows += [
        _row(r.name, *(r.counters.get(name, 0.0) for name in COUNTED))
        for r in results
        if r.counters.get("QuicPktEncFastpaths")
    ]
    return "\n".join([conditions(raw), "", *rows, ""])


def _mark(at: float, top: int, bottom: int, color: str) -> str:
    x = f"{_LEFT + at:.0f}"
    return f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="{color}" stroke-width="2"/>'


def picture(results: Sequence[Result]) -> str:
    """Ratios as bars, with what is to be reached as a mark; SVG."""
    scale = _WIDTH / _MOST
    height = _ROW * (len(results) + 1)
    size = f'width="{_LEFT + _WIDTH + 60}" height="{height}"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        _mark(scale, 0, height, "#999"),
    ]
    for number, r in enumerate(results):
        y = _ROW * number + 6
        color = "#3a7" if r.reached else "#c63"
        width = min(r.ratio, _MOST) * scale
        drawn.append(f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{r.name}</text>')
        drawn.append(f'<rect x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_BAR}" fill="{color}"/>')
        if r.target:
            drawn.append(_mark(r.target * scale, y - 3, y + _BAR + 3, "#000"))
        drawn.append(f'<text x="{_LEFT + width + 5:.0f}" y="{y + 11}">{r.ratio:.2f}</text>')
    return "\n".join([*drawn, "</svg>", ""])
