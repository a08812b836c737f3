# SPDX-License-Identifier: GPL-2.0-or-later
"""quic(7) names everything that the header has, and nothing that it has not; all pages are well-formed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/man/quic.7"
HEADER = (ROOT / "net/quic/include/uapi/linux/quic.h").read_text()


def _names(text: str, prefix: str) -> set[str]:
    return set(re.findall(rf"\b{prefix}[A-Z0-9_]+\b", text))


@pytest.mark.parametrize("prefix", ["QUIC_SOCKOPT_", "QUIC_EVENT_", "MSG_QUIC_"])
def test_names_of_the_header(prefix: str) -> None:
    without = {"QUIC_EVENT_NONE", "QUIC_EVENT_MAX"}
    assert _names(PAGE.read_text(), prefix) == _names(HEADER, prefix) - without


def test_structures_exist() -> None:
    named = set(re.findall(r"struct (quic_\w+)", PAGE.read_text()))
    assert named <= set(re.findall(r"struct (quic_\w+) \{", HEADER))


@pytest.mark.parametrize("page", sorted(PAGE.parent.iterdir()), ids=lambda page: page.name)
def test_lint(page: Path) -> None:
    words = ["mandoc", "-T", "lint", "-W", "warning", str(page)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
