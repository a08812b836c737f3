# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python packages that pyproject.toml pins."""

from __future__ import annotations

import tomllib
from pathlib import Path

from kquic.lab.paths import REPO


def pins(*groups: str, repo: Path = REPO) -> list[str]:
    """What the package needs to run, and what the named groups need."""
    data = tomllib.loads((repo / "pyproject.toml").read_text())
    wanted: list[str] = []
    for group in ("run", *groups):
        wanted += data["dependency-groups"][group]
    return wanted
