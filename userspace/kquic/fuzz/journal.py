# SPDX-License-Identifier: GPL-2.0-or-later
"""What has run last, on a disk of the host's: it is there even if the guest is not any more."""

from __future__ import annotations

import os
from pathlib import Path

from . import program
from .program import Program

SLOT = 4096
SLOTS = 32
NAME = "journal"


class Journal:
    """The last programs, each written before it runs."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_SYNC)
        self._at = 0
        self._last: list[Program] = []

    def note(self, entry: Program) -> None:
        """This one is about to run."""
        text = f"# {self._at}\n{program.text([entry])}".encode()[: SLOT - 1]
        os.pwrite(self._fd, text.ljust(SLOT - 1) + b"\n", self._at % SLOTS * SLOT)
        self._at += 1
        self._last = [*self._last[1 - SLOTS :], entry]

    def last(self) -> list[Program]:
        """The newest comes last."""
        return self._last


def read(path: Path) -> list[Program]:
    """From the host's side."""
    if not path.exists():
        return []
    data = path.read_text(errors="replace")
    slots = [data[at : at + SLOT] for at in range(0, len(data), SLOT)]
    numbered = sorted((int(slot.split()[1]), slot) for slot in slots if slot.startswith("# "))
    return [entry for _, slot in numbered for entry in program.parse(slot)]
