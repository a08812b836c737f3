# SPDX-License-Identifier: GPL-2.0-or-later
"""Files full of random bytes, written here and compared there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

MIB = 1 << 20


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def drop_cache(path: Path) -> None:
    """Let the next read come from the server."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_random(path: Path, size: int) -> str:
    """Write and flush random bytes; their hash."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            block = os.urandom(MIB)
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def copy_both_ways(point: Path, served: Path, size: int) -> None:
    """Write through a mount and read at the server, and the other way round."""
    written = write_random(point / "up", size)
    assert sha256(served / "up") == written
    offered = write_random(served / "down", size)
    assert sha256(point / "down") == offered
    drop_cache(point / "up")
    assert sha256(point / "up") == written
