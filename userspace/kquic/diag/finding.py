# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic doctor` prints: a line for each thing that it has looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How one thing is."""

    OK = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and how to repair it."""

    verdict: Verdict
    what: str
    words: str
    repair: str = ""

    def __str__(self) -> str:
        tail = f" -> {self.repair}" if self.repair else ""
        return f"{self.verdict.value:4}  {self.what}: {self.words}{tail}"
