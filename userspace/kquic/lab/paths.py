# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things lie: the checkout, and the cache outside it."""

from __future__ import annotations

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
"""The checkout this package was started from."""

LAB = Path(__file__).resolve().parent


def cache() -> Path:
    """The cache directory: KQUIC_CACHE, or kquic below the user's cache."""
    named = os.environ.get("KQUIC_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(named or Path(base) / "kquic").expanduser().absolute()


def cache_dir(*parts: str) -> Path:
    """A directory in the cache, made if it is not there."""
    path = cache().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
