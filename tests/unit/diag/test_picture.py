# SPDX-License-Identifier: GPL-2.0-or-later
"""Terminals as pictures."""

from __future__ import annotations

import curses
import xml.etree.ElementTree as ET

from kquic.diag.picture import CELL_WIDTH, Run, Style, _runs, of_text, svg

SVG = "{http://www.w3.org/2000/svg}"


def cells(text: str, attribute: int = 0) -> list[int]:
    return [ord(char) | attribute for char in text]


def test_attributes_become_runs() -> None:
    line = [*cells("a b  "), *cells("bold", curses.A_BOLD), *cells("dim  ", curses.A_DIM), *cells("   ")]
    assert _runs(line) == [Run(0, "a b"), Run(5, "bold", Style.BOLD), Run(9, "dim", Style.FAINT)]


def test_a_reversed_line_keeps_its_blanks() -> None:
    for attribute in (curses.A_REVERSE, curses.A_STANDOUT):
        assert _runs(cells("on  ", attribute)) == [Run(0, "on  ", Style.REVERSE)]


def test_svg_is_xml_with_the_text_in_it() -> None:
    text = '$ kquic <x> & "y"\nsecond  line\n'
    root = ET.fromstring(svg(of_text(text), "a & b"))
    found = root.findall(f".//{SVG}text")
    assert [each.text for each in found] == text.splitlines()
    assert root.findtext(f"{SVG}title") == "a & b"
    assert [each.get("font-weight") for each in found] == ["bold", None]
    assert [each.get("textLength") for each in found] == [str(len(line) * CELL_WIDTH) for line in text.splitlines()]


def test_width_is_that_of_the_longest_line() -> None:
    narrow, wide = (ET.fromstring(svg(of_text(text), "")).get("width") for text in ("ab\nc", "abcd\nc"))
    assert int(str(wide)) - int(str(narrow)) == 2 * CELL_WIDTH
