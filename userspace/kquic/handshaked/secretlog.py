# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent's key log: who reads it reads every connection, so it is the agent's user's alone, or is not written."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from kquic.errors import KquicError
from kquic.tls import KeyLog

log = logging.getLogger(__name__)


class SecretLogError(KquicError):
    """The file cannot be one for secrets."""


class SecretLog(KeyLog):
    """Appends secrets to a file of our own that nobody else can read; made if it is missing."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self._told = False
        try:
            os.close(self._open())
        except OSError as error:
            raise SecretLogError(f"key log {self.path}: {error.strerror}") from error
        log.warning("the secrets of all connections are written to %s", self.path)

    def _open(self) -> int:
        fd = super()._open()
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            os.close(fd)
            raise SecretLogError(f"key log {self.path}: not a file that only user {os.geteuid()} can read")
        return fd

    def _flags(self) -> int:
        # A link could lead to a file of somebody else, a FIFO would wait for a reader.
        return super()._flags() | os.O_NOFOLLOW | os.O_NONBLOCK

    def write(self, label: str, client_random: bytes, secret: bytes) -> None:
        """Add one line; connections do not fail with it."""
        try:
            super().write(label, client_random, secret)
        except (OSError, SecretLogError) as error:
            if not self._told:
                log.warning("secrets are not written any more: %s", error)
            self._told = True
