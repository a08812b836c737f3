# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python packages that pyproject.toml pins."""

from __future__ import annotations

import tomllib
from pathlib import Path

from kquic.lab.paths import REPO


def pins(*groups: str, repo: Path = REPO) -> list[str]:
    """The package's own dependencies and those of the named groups."""
    data = tomllib.loads((repo / "pyproject.toml").read_text())
    wanted: list[str] = list(data["project"]["dependencies"])
    for group in groups:
        wanted += data["dependency-groups"][group]
    return wanted
