# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tells its log."""

from __future__ import annotations

import contextlib
import os


class KernelLog:
    """What the kernel has logged since the test began."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)
        self._lines: list[str] = []

    def lines(self, text: str) -> list[str]:
        """The lines with this text in them."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._lines.append(os.read(self._fd, 8192).decode(errors="replace"))
        return [line for line in self._lines if text in line]

    def close(self) -> None:
        """Stop looking."""
        os.close(self._fd)
