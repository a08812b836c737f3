# SPDX-License-Identifier: GPL-2.0-or-later
"""What a work costs beside time: processors, context switches, and what the transport counts."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from kquic.lab.topology import Network

_TICK = os.sysconf("SC_CLK_TCK")
_IDLE, _IOWAIT = 4, 5
"""Words of the first line of /proc/stat."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the whole guest has spent.

    Attributes:
        seconds: how long it took.
        busy: seconds in which processors were not idle, all of them together.
        counters: context switches, and the lines of /proc/net/quic/snmp of all hosts.
    """

    seconds: float
    busy: float
    counters: Counter[str]

    def per(self, rate: float) -> float:
        """Seconds of processors for each of what was done at `rate` in a second."""
        return self.busy / self.seconds / rate


def _stat() -> tuple[float, int]:
    """Seconds that all processors were idle, and context switches."""
    lines = Path("/proc/stat").read_text().splitlines()
    words = lines[0].split()
    switches = next(int(line.split()[1]) for line in lines if line.startswith("ctxt"))
    return (int(words[_IDLE]) + int(words[_IOWAIT])) / _TICK, switches


@dataclass
class Meter:
    """Measures from its making on."""

    net: Network
    _began: float = field(init=False)
    _idle: float = field(init=False)
    _counters: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self._counters = self._count()
        self._idle = _stat()[0]
        self._began = time.perf_counter()

    def read(self) -> Cost:
        """The cost up to now."""
        seconds = time.perf_counter() - self._began
        idle = _stat()[0] - self._idle
        now = self._count()
        now.subtract(self._counters)
        return Cost(seconds, max(seconds * (os.cpu_count() or 1) - idle, 0.0), now)

    def _count(self) -> Counter[str]:
        counters = Counter({"ContextSwitches": _stat()[1]})
        counted: set[int] = set()
        for host in (self.net.cli.entered(), self.net.srv.entered(), contextlib.nullcontext()):
            with host:
                here = Path("/proc/thread-self/ns/net").stat().st_ino
                if here in counted:  # some works are done on one of the two hosts
                    continue
                counted.add(here)
                for line in Path("/proc/thread-self/net/quic/snmp").read_text().splitlines():
                    name, value = line.split()
                    counters[name] += int(value)
        return counters
