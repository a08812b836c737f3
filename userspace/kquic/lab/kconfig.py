# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel configuration: fragments laid over each other, and what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from kquic.lab.paths import LAB

FLAVOURS: dict[str, tuple[str, ...]] = {
    "fast": ("fast",),
    "kasan": ("fast", "kasan"),
    "debug": ("fast", "debug"),
    "fuzz": ("fast", "kasan", "fuzz"),
    "virtual": ("fast", "virtual"),
}

LINE = re.compile(r"^(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$")


def parse(text: str) -> dict[str, str]:
    """Symbols and values of a fragment or a .config; "n" for what is not set."""
    found = (LINE.match(line.strip()) for line in text.splitlines())
    return {match.group(1): match.group(2) or "n" for match in found if match}


def merge(texts: Iterable[str]) -> dict[str, str]:
    """Lay fragments over each other: the last one that names a symbol decides."""
    merged: dict[str, str] = {}
    for text in texts:
        for symbol, value in parse(text).items():
            merged.pop(symbol, None)
            merged[symbol] = value
    return merged


def render(symbols: dict[str, str]) -> str:
    """A fragment with these symbols."""
    lines = (f"CONFIG_{s}={v}" if v != "n" else f"# CONFIG_{s} is not set" for s, v in symbols.items())
    return "\n".join(lines) + "\n"


def fragment(flavour: str, folder: Path = LAB / "config") -> str:
    """The whole wish list of a flavour."""
    return render(merge((folder / f"{name}.config").read_text() for name in FLAVOURS[flavour]))


def refused(wanted: str, config: str) -> list[str]:
    """The wishes that the .config does not fulfil, as "NAME=value"."""
    have = parse(config)
    return [f"{s}={v}" for s, v in parse(wanted).items() if have.get(s, "n") != v]
