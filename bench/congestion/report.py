# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables and a picture of results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .cells import Result
from .flows import QUIC

_COLOURS = {"newreno": "#8c564b", "cubic": "#1f77b4", "bbr": "#2ca02c"}
PANEL, TALL, GAP, LEFT, TOP = 250, 120, 45, 60, 50
_FONT = 'font-family="sans-serif" font-size="11"'
Paths = dict[tuple[float, float], list[Result]]


def table_alone(results: Sequence[Result]) -> str:
    """One flow: a line for each path, goodput and queue of each controller."""
    names = " | ".join(f"{kind}: % of the link | queue, ms" for kind in QUIC)
    lines = [f"| rate, Mbit/s | RTT, ms | loss, % | {names} |", "| ---: " * (3 + 2 * len(QUIC)) + "|"]
    found = {(r.cell.path, r.cell.kinds[0]): r for r in results}
    for path in dict.fromkeys(r.cell.path for r in results):
        cells = (_cell(found.get((path, kind))) for kind in QUIC)
        lines.append(f"| {path.rate_mbit:g} | {path.rtt_ms:g} | {path.loss_percent:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(result: Result | None) -> str:
    return f"{100 * result.used:.0f} | {result.queue_ms:.1f}" if result else " | "


def table_together(results: Sequence[Result]) -> str:
    """Several flows: shares, Jain's index, queue."""
    lines = [
        "| rate, Mbit/s | RTT, ms | flows | Mbit/s each | Jain | queue, ms |",
        "| ---: | ---: | --- | --- | ---: | ---: |",
    ]
    for r in results:
        each = ", ".join(f"{value:.1f}" for value in r.goodput)
        path = f"{r.cell.path.rate_mbit:g} | {r.cell.path.rtt_ms:g}"
        lines.append(f"| {path} | {_flows(r.cell.kinds)} | {each} | {r.jain:.2f} | {r.queue_ms:.1f} |")
    return "\n".join(lines)


def _flows(kinds: Sequence[str]) -> str:
    return " + ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def picture(results: Sequence[Result]) -> str:
    """Share of the link, a panel for each rate and round-trip time, bars by loss and controller."""
    paths: Paths = {}
    for r in results:
        paths.setdefault((r.cell.path.rate_mbit, r.cell.path.rtt_ms), []).append(r)
    rates, rtts = (list(dict.fromkeys(key[i] for key in paths)) for i in (0, 1))
    width, height = LEFT + len(rtts) * (PANEL + GAP), TOP + len(rates) * (TALL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT}>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        '<text x="10" y="18" font-weight="bold">goodput of one flow, % of the link, by loss rate</text>',
        *_legend(360),
    ]
    for (rate, rtt), found in paths.items():
        x, y = LEFT + rtts.index(rtt) * (PANEL + GAP), TOP + rates.index(rate) * (TALL + GAP)
        parts += _panel(x, y, f"{rate:g} Mbit/s, {rtt:g} ms", found)
    return "\n".join([*parts, "</svg>", ""])


def _legend(x: int) -> Iterator[str]:
    for kind, colour in _COLOURS.items():
        yield f'<rect x="{x}" y="9" width="10" height="10" fill="{colour}"/><text x="{x + 14}" y="18">{kind}</text>'
        x += 80


def _panel(x: int, y: int, title: str, results: Sequence[Result]) -> Iterator[str]:
    yield f'<text x="{x}" y="{y - 6}">{title}</text>'
    for percent in (0, 50, 100):
        level = y + TALL * (1 - percent / 100)
        yield f'<line x1="{x}" y1="{level}" x2="{x + PANEL}" y2="{level}" stroke="#ddd"/>'
        yield f'<text x="{x - 5}" y="{level + 4}" text-anchor="end">{percent}</text>'
    losses = list(dict.fromkeys(r.cell.path.loss_percent for r in results))
    room = PANEL / len(losses)
    for number, loss in enumerate(losses):
        yield f'<text x="{x + (number + 0.5) * room}" y="{y + TALL + 14}" text-anchor="middle">{loss:g} %</text>'
    bar = room / (len(QUIC) + 1)
    for r in results:
        kind = r.cell.kinds[0]
        at = x + losses.index(r.cell.path.loss_percent) * room + (QUIC.index(kind) + 0.5) * bar
        tall = TALL * min(r.used, 1.0)
        place = f'x="{at:.1f}" y="{y + TALL - tall:.1f}" width="{bar:.1f}" height="{tall:.1f}"'
        yield f'<rect {place} fill="{_COLOURS[kind]}"/>'
