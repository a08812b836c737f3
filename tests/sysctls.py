# SPDX-License-Identifier: GPL-2.0-or-later
"""What the administrator says about QUIC, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SYSCTL = Path("/proc/sys/net/quic")


@contextmanager
def sysctl(name: str, value: str) -> Iterator[None]:
    """A value for a while."""
    before = (SYSCTL / name).read_text()
    (SYSCTL / name).write_text(value)
    try:
        yield
    finally:
        (SYSCTL / name).write_text(before)
