# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/socket-api.md: every row names a test that exists, and nothing of the header is missing."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/socket-api.md").read_text()
HEADER = (ROOT / "net/quic/include/uapi/linux/quic.h").read_text()
TEST = re.compile(r"`([\w/]+\.py)((?:::\w+)+)`")


def _rows() -> list[str]:
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    return [line for line in lines if not re.match(r"\| (---|call|option|event|flag|errno|promise) ", line)]


@cache
def _tests(path: Path) -> frozenset[str]:
    """The tests of a file as `::Class::test` or `::test`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(f"::{node.name}")
        elif isinstance(node, ast.ClassDef):
            found |= {f"::{node.name}::{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)}
    return frozenset(found)


def test_there_are_rows() -> None:
    assert len(_rows()) > 100


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row.split("|")[1].strip()[:40])
def test_row(row: str) -> None:
    named = TEST.findall(row)
    assert named
    for file, name in named:
        assert name in _tests(ROOT / "tests" / file), f"{file}{name}"


@pytest.mark.parametrize("prefix", ["QUIC_SOCKOPT_", "QUIC_EVENT_", "MSG_QUIC_"])
def test_nothing_of_the_header_is_missing(prefix: str) -> None:
    of_header = set(re.findall(rf"\b{prefix}[A-Z0-9_]+\b", HEADER)) - {"QUIC_EVENT_NONE", "QUIC_EVENT_MAX"}
    firsts = " ".join(row.split("|")[1] for row in _rows())
    assert of_header <= set(re.findall(rf"\b{prefix}[A-Z0-9_]+\b", firsts))
