# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic site`: docs/ and the Python API as one static site, made by Sphinx."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from kquic.lab import proc
from kquic.lab.paths import REPO

_OPTIONS = ("-W", "--keep-going", "-q", "-b", "html")
"""Warnings are errors: a link that leads nowhere is one."""


def complaints(target: Path, pages: Path = REPO / "docs") -> str:
    """Build the site into a folder; what Sphinx has to say against the pages."""
    with tempfile.TemporaryDirectory(prefix="kquic-site") as scratch:
        argv = [sys.executable, "-m", "sphinx", *_OPTIONS, "-d", scratch, str(pages), str(target)]
        status, text = proc.attempt(argv, cwd=REPO)
    return (text or f"exit status {status}") if status else ""


def check() -> str:
    """Complaints about the documentation: pages that no page leads to, links to nowhere, broken docstrings."""
    with tempfile.TemporaryDirectory(prefix="kquic-site") as target:
        return complaints(Path(target))
