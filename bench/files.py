# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done on a mounted folder while the clock runs, whatever file system it is."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

FILE_SIZE = 64 << 20
SERVED = "served"
"""A file of that size that the server has."""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Mounted:
    """A share or an export that is mounted at `folder`, with nothing of it cached."""

    folder: Path

    def write(self) -> float:
        """A new file, until fsync() returns: bytes per second."""
        block = os.urandom(_BLOCK)
        began = time.perf_counter()
        with (self.folder / "written").open("wb", buffering=0) as file:
            for _ in range(FILE_SIZE // _BLOCK):
                file.write(block)
            os.fsync(file.fileno())
        return FILE_SIZE / (time.perf_counter() - began)

    def read(self) -> float:
        """The file that the server has, which the client has not cached: bytes per second."""
        buffer = bytearray(_BLOCK)
        left = FILE_SIZE
        began = time.perf_counter()
        with (self.folder / SERVED).open("rb", buffering=0) as file:
            while got := file.readinto(buffer):
                left -= got
        if left:
            raise EOFError(f"{left} bytes are missing")
        return FILE_SIZE / (time.perf_counter() - began)

    def change(self, files: int = 200) -> float:
        """Small files created, looked at and removed: files per second."""
        began = time.perf_counter()
        for number in range(files):
            path = self.folder / f"small{number}"
            path.write_bytes(b"x" * 100)
            path.stat()
            path.unlink()
        return files / (time.perf_counter() - began)
