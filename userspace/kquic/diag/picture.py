# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal's text as a picture (SVG), for reports and manuals; without a library."""

from __future__ import annotations

import curses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from html import escape
from itertools import groupby

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 8, 18, 13, 14
_BACK, _FRONT, _FAINT = "#1c2128", "#d5dae0", "#8b949e"
_FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


class Style(Flag):
    """How a run of text looks."""

    PLAIN = 0
    BOLD = auto()
    FAINT = auto()
    REVERSE = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style, from a column on."""

    column: int
    text: str
    style: Style = Style.PLAIN


Line = Sequence[Run]


def of_text(text: str) -> list[Line]:
    """Lines of plain text; those that begin with a dollar sign and a space are commands."""
    lines = text.expandtabs().splitlines()
    return [[Run(0, line, Style.BOLD if line.startswith("$ ") else Style.PLAIN)] for line in lines]


def of_window(window: curses.window) -> list[Line]:
    """What is on a curses window at this moment."""
    height, width = window.getmaxyx()
    return [_runs([window.inch(line, column) for column in range(width)]) for line in range(height)]


def _runs(cells: Sequence[int]) -> Line:
    """Cells of curses, each a character with its attributes, as runs."""
    runs, column = [], 0
    for style, group in groupby(cells, key=_style):
        text = "".join(chr(cell & curses.A_CHARTEXT) for cell in group)
        # Of a reversed line the blanks at its end are seen as well.
        if text.strip() or style & Style.REVERSE:
            runs.append(Run(column, text if style & Style.REVERSE else text.rstrip(), style))
        column += len(text)
    return runs


def _style(cell: int) -> Style:
    style = Style.PLAIN
    for attribute, meaning in (
        (curses.A_BOLD, Style.BOLD),
        (curses.A_DIM, Style.FAINT),
        (curses.A_REVERSE, Style.REVERSE),
        (curses.A_STANDOUT, Style.REVERSE),
    ):
        if cell & attribute:
            style |= meaning
    return style


def svg(lines: Sequence[Line], title: str) -> str:
    """The picture."""
    ends = (run.column + len(run.text) for line in lines for run in line)
    width = max(ends, default=1) * CELL_WIDTH + 2 * MARGIN
    height = len(lines) * CELL_HEIGHT + 2 * MARGIN
    return "\n".join(_svg(lines, title, width, height)) + "\n"


def _svg(lines: Iterable[Line], title: str, width: int, height: int) -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{width}" height="{height}" rx="8" fill="{_BACK}"/>'
    yield f'<g font-family="{escape(_FONT)}" font-size="{FONT_SIZE}" xml:space="preserve">'
    for number, line in enumerate(lines):
        for run in line:
            yield from _run(run, number)
    yield "</g>\n</svg>"


def _run(run: Run, line: int) -> Iterator[str]:
    """One run. Its width is said, so that columns stand one below the other whatever font there is."""
    left, top, width = MARGIN + run.column * CELL_WIDTH, MARGIN + line * CELL_HEIGHT, len(run.text) * CELL_WIDTH
    if not run.text:
        return
    if run.style & Style.REVERSE:
        yield f'<rect x="{left}" y="{top}" width="{width}" height="{CELL_HEIGHT}" fill="{_FRONT}"/>'
    colour = _BACK if run.style & Style.REVERSE else _FAINT if run.style & Style.FAINT else _FRONT
    weight = ' font-weight="bold"' if run.style & Style.BOLD else ""
    place = f'x="{left}" y="{top + CELL_HEIGHT - 5}" textLength="{width}" fill="{colour}"{weight}'
    yield f"<text {place}>{escape(run.text)}</text>"
