# SPDX-License-Identifier: GPL-2.0-or-later
"""The text that tracefs shows, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kquic.errors import KquicError

#: `task-pid [cpu] flags seconds: event: fields`
_LINE = re.compile(r"^\s*.+-\d+\s+(?:\(.*?\)\s+)?\[\d+\]\s+\S+\s+(\d+\.\d+): (quic_\w+): (.*)$")
_LOST = re.compile(r"LOST (\d+) EVENTS")


class TraceError(KquicError):
    """The trace cannot be read, or the kernel does not let us make one."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event of one connection; `time` in seconds."""

    time: float
    event: str
    fields: dict[str, str]

    @property
    def socket(self) -> str:
        """What tells connections apart."""
        return self.fields["sk"]

    def number(self, name: str) -> int:
        """A field as a number: decimal, or hexadecimal with 0x."""
        return int(self.fields[name], 0)


def parse(text: Iterable[str]) -> Iterator[Line]:
    """Every QUIC event; other lines are passed over.

    Raises:
        TraceError: the ring buffer was too small, so that the story has holes.
    """
    for raw in text:
        lost = _LOST.search(raw)
        if lost:
            raise TraceError(f"{lost[1]} events are missing: the trace buffer was too small")
        found = _LINE.match(raw)
        if found:
            fields = dict(item.split("=", 1) for item in found[3].split() if "=" in item)
            yield Line(float(found[1]), found[2], fields)
