# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as a table to read and as a picture (SVG, without a library)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from .cases import CASES
from .cell import ABSENT, CANNOT, FAIL, PASS, Outcome
from .task import Role

MARKS = {PASS: "pass", FAIL: "FAIL", CANNOT: "cannot", ABSENT: "absent"}
COLOURS = {PASS: "#2e7d32", FAIL: "#c62828", CANNOT: "#bdbdbd", ABSENT: "#eeeeee"}
CELL, ROW, LEFT, TOP = 78, 22, 170, 64
_FONT = 'font-family="sans-serif" font-size="11"'

Key = tuple[str, Role]


def columns(outcomes: Iterable[Outcome]) -> list[Key]:
    """Peers with their roles, in the order in which they were played."""
    return list(dict.fromkeys((each.peer, each.role) for each in outcomes))


def table(outcomes: Sequence[Outcome], versions: Mapping[str, str]) -> str:
    """Markdown: the matrix, then what is behind its marks."""
    heads = columns(outcomes)
    found = {(each.peer, each.role, each.case): each for each in outcomes}
    lines = ["# Interop matrix", "", "Written by `make interop`; what it means is in [interop](interop.md).", ""]
    lines += [
        "| case | " + " | ".join(f"{peer} {role}" for peer, role in heads) + " |",
        "| --- " * (len(heads) + 1) + "|",
    ]
    for name in _rows(outcomes):
        cells = [_mark(found.get((*head, name))) for head in heads]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| peer | version |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in versions.items())]
    for verdict, title in ((FAIL, "Failures"), (CANNOT, "What peers cannot do"), (ABSENT, "Not available")):
        lines += _reasons([each for each in outcomes if each.verdict == verdict], title)
    counts = ", ".join(f"{sum(each.verdict == verdict for each in outcomes)} {verdict}" for verdict in MARKS)
    return "\n".join([*lines, "", f"In all: {counts}.", ""])


def _rows(outcomes: Sequence[Outcome]) -> list[str]:
    played = {each.case for each in outcomes}
    return [name for name in CASES if name in played]


def _mark(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return outcome.note if outcome.verdict == PASS and outcome.note else MARKS[outcome.verdict]


def _reasons(outcomes: Sequence[Outcome], title: str) -> list[str]:
    if not outcomes:
        return []
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for each in outcomes:
        grouped.setdefault((each.peer, each.role, each.note), []).append(each.case)
    lines = [f"| {peer} {role} | {', '.join(cases)} | {note} |" for (peer, role, note), cases in grouped.items()]
    return ["", f"## {title}", "", "| peer | cases | why |", "| --- | --- | --- |", *lines]


def picture(outcomes: Sequence[Outcome]) -> str:
    """The matrix in colours; the reasons show where the pointer rests."""
    heads, rows = columns(outcomes), _rows(outcomes)
    found = {(each.peer, each.role, each.case): each for each in outcomes}
    width, height = LEFT + CELL * len(heads) + 10, TOP + ROW * len(rows) + 40
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {_FONT}>']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for index, (peer, role) in enumerate(heads):
        middle = LEFT + CELL * index + CELL // 2
        parts.append(_text(middle, TOP - 26, peer, "middle", weight="bold"))
        parts.append(_text(middle, TOP - 10, f"as {role}", "middle"))
    for number, name in enumerate(rows):
        y = TOP + ROW * number
        parts.append(_text(LEFT - 8, y + 15, name, "end"))
        for index, head in enumerate(heads):
            if outcome := found.get((*head, name)):
                parts.append(_box(LEFT + CELL * index, y, outcome))
    parts.append(_legend(height - 16))
    return "\n".join([*parts, "</svg>", ""])


def _text(x: int, y: int, text: str, anchor: str, *, weight: str = "normal", fill: str = "#222") -> str:
    words = f'x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}"'
    return f"<text {words}>{escape(text)}</text>"


def _box(x: int, y: int, outcome: Outcome) -> str:
    light = outcome.verdict in (CANNOT, ABSENT)
    place = f'x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{ROW - 2}"'
    shape = f'<rect {place} rx="3" fill="{COLOURS[outcome.verdict]}"/>'
    label = _text(x + CELL // 2, y + 15, _mark(outcome), "middle", fill="#444" if light else "white")
    return f"<g><title>{escape(outcome.note or outcome.verdict)}</title>{shape}{label}</g>"


def _legend(y: int) -> str:
    meaning = {PASS: "passed", FAIL: "failed", CANNOT: "the peer cannot", ABSENT: "the peer is not there"}
    parts = []
    for index, (verdict, text) in enumerate(meaning.items()):
        x = LEFT + index * 140
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" rx="2" fill="{COLOURS[verdict]}"/>')
        parts.append(_text(x + 18, y, text, "start"))
    return "\n".join(parts)
