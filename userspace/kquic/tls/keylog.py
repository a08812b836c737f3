# SPDX-License-Identifier: GPL-2.0-or-later
"""Secrets in NSS key log format, which tshark and Wireshark read."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "SSLKEYLOGFILE"


class KeyLog:
    """Appends secrets to a file; lines of several processes do not mix."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @classmethod
    def from_environment(cls) -> KeyLog | None:
        """The key log that SSLKEYLOGFILE asks for, if it is set."""
        path = os.environ.get(ENVIRONMENT)
        return cls(path) if path else None

    def write(self, label: str, client_random: bytes, secret: bytes) -> None:
        """Add one line."""
        line = f"{label} {client_random.hex()} {secret.hex()}\n".encode("ascii")
        fd = self._open()
        try:
            os.write(fd, line)
        finally:
            os.close(fd)

    def _open(self) -> int:
        return os.open(self.path, self._flags(), 0o600)

    def _flags(self) -> int:
        return os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
