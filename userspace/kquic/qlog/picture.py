# SPDX-License-Identifier: GPL-2.0-or-later
"""A picture of one connection as its sender saw it: data over time above, windows below. SVG, without a library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH, UPPER, LOWER, GAP, LEFT, RIGHT, TOP, BOTTOM = 900, 300, 160, 40, 70, 20, 30, 50
_FONT = 'font-family="sans-serif" font-size="11"'
Point = tuple[float, float]

_COLOURS = {
    "sent": "#1f77b4",
    "sent again": "#ff7f0e",
    "lost": "#d62728",
    "acknowledged": "#2ca02c",
    "window": "#9467bd",
    "in flight": "#8c564b",
}


@dataclass
class Story:
    """What the picture shows, as points of (milliseconds, bytes)."""

    sent: list[Point] = field(default_factory=list)
    again: list[Point] = field(default_factory=list)
    lost: list[Point] = field(default_factory=list)
    acknowledged: list[Point] = field(default_factory=list)
    window: list[Point] = field(default_factory=list)
    in_flight: list[Point] = field(default_factory=list)


def tell(trace: dict[str, Any], stream_id: int) -> Story:
    """Collect the points of one stream."""
    story, offsets, top = Story(), {}, 0
    start = _first_byte(trace, stream_id)
    for event in trace["events"]:
        time, data = event["time"] - start, event["data"]
        if time < 0:
            continue
        if event["name"] == "transport:packet_sent":
            for each in _of_stream(data["frames"], stream_id):
                end = each["offset"] + each["length"]
                offsets[data["header"]["packet_number"]] = end
                (story.sent if end > top else story.again).append((time, end))
                top = max(top, end)
        elif event["name"] == "recovery:packet_lost":
            number = data["header"]["packet_number"]
            if number in offsets and data["header"]["packet_type"] == "1RTT":
                story.lost.append((time, offsets[number]))
        elif event["name"] == "transport:packet_received":
            _acknowledge(story, offsets, time, data)
        elif event["name"] == "recovery:metrics_updated":
            _windows(story, time, data)
    return story


def _first_byte(trace: dict[str, Any], stream_id: int) -> float:
    """When the first data was sent: what came before is the handshake."""
    for event in trace["events"]:
        if event["name"] == "transport:packet_sent" and _of_stream(event["data"]["frames"], stream_id):
            return float(event["time"])
    return 0.0


def _of_stream(frames: Iterable[dict[str, Any]], stream_id: int) -> list[dict[str, Any]]:
    return [each for each in frames if each["frame_type"] == "stream" and each["stream_id"] == stream_id]


def _acknowledge(story: Story, offsets: dict[int, int], time: float, data: dict[str, Any]) -> None:
    if data["header"]["packet_type"] != "1RTT":
        return
    for each in data["frames"]:
        if each["frame_type"] == "ack":
            largest = each["acked_ranges"][-1][1]
            if largest in offsets:
                before = story.acknowledged[-1][1] if story.acknowledged else 0
                story.acknowledged.append((time, max(before, offsets[largest])))


def _windows(story: Story, time: float, data: dict[str, Any]) -> None:
    if "congestion_window" in data:
        story.window.append((time, data["congestion_window"]))
    if "bytes_in_flight" in data:
        story.in_flight.append((time, data["bytes_in_flight"]))


class _Axes:
    """One coordinate system of the picture."""

    def __init__(self, top: float, height: float, width: float, high: float) -> None:
        self._top, self._height, self._width, self._high = top, height, max(width, 1.0), max(high, 1.0)

    def at(self, point: Point) -> tuple[float, float]:
        """Where a point is."""
        across = LEFT + point[0] / self._width * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(self._top + self._height * (1 - point[1] / self._high), 1)

    def frame(self, title: str) -> list[str]:
        """Axes with five marks each."""
        right, low = WIDTH - RIGHT, self._top + self._height
        parts = [f'<text x="{LEFT}" y="{self._top - 8}" font-weight="bold">{title}</text>']
        for step in range(6):
            value = self._high * step / 5
            _, y = self.at((0, value))
            parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#ddd"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value / 1024:.0f}</text>')
        for step in range(6):
            time = self._width * step / 5
            x, _ = self.at((time, 0))
            parts.append(f'<text x="{x}" y="{low + 16}" text-anchor="middle">{time:.0f}</text>')
        return parts

    def dots(self, points: Iterable[Point], name: str, radius: float) -> str:
        """A mark for each point."""
        places = (self.at(point) for point in points)
        marks = "".join(f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in places)
        return f'<g fill="{_COLOURS[name]}">{marks}</g>'

    def steps(self, points: Sequence[Point], name: str) -> str:
        """A line that stays until the next point."""
        path = ""
        for point in points:
            x, y = self.at(point)
            path += f"H{x}V{y}" if path else f"M{x},{y}"
        return f'<path d="{path or "M0,0"}" fill="none" stroke="{_COLOURS[name]}" stroke-width="1.2"/>'


def _legend(names: Iterable[str], y: float) -> list[str]:
    parts, x = [], LEFT + 250
    for name in names:
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{_COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 14}" y="{y}">{name}</text>')
        x += 110
    return parts


def picture(qlog: dict[str, Any], stream_id: int = 0) -> str:
    """An SVG of the connection of a qlog file that sent most on a stream."""
    stories = [tell(trace, stream_id) for trace in qlog["traces"]]
    story = max(stories, key=lambda each: len(each.sent), default=Story())
    points = [*story.sent, *story.again, *story.acknowledged, *story.window]
    width = max((time for time, _ in points), default=1.0)
    high = max((value for _, value in story.sent), default=1.0)
    lower_top = TOP + UPPER + GAP + 20
    upper = _Axes(TOP, UPPER, width, high)
    lower = _Axes(lower_top, LOWER, width, max((value for _, value in story.window), default=1.0))
    height = lower_top + LOWER + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {_FONT}>',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        *upper.frame("stream offset, KiB"),
        *_legend(("sent", "sent again", "lost", "acknowledged"), TOP - 8),
        upper.steps(story.acknowledged, "acknowledged"),
        upper.dots(story.sent, "sent", 1.2),
        upper.dots(story.again, "sent again", 2.2),
        upper.dots(story.lost, "lost", 2.2),
        *lower.frame("congestion window, KiB"),
        *_legend(("window", "in flight"), lower_top - 8),
        lower.steps(story.in_flight, "in flight"),
        lower.steps(story.window, "window"),
        f'<text x="{WIDTH / 2}" y="{height - 10}" text-anchor="middle">milliseconds</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
