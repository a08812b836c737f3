# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs programs, and sees what the kernel makes of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kquic.lab.console import TROUBLE

from . import grammar
from .coverage import NOTHING, Edges, Recorder, available, union
from .program import Op, Program
from .session import Session
from .world import World

FAIL_NTH = Path("/proc/thread-self/fail-nth")
FAULTS = Path("/sys/kernel/debug")
FAULT_SETTINGS = {
    "failslab/ignore-gfp-wait": "N",
    "failslab/verbose": "0",
    "fail_page_alloc/ignore-gfp-wait": "N",
    "fail_page_alloc/min-order": "0",
    "fail_page_alloc/verbose": "0",
}
#: How long the kernel's worker may have to take up a first packet.
SETTLE = 0.002
NAP = 0.0001
THREAD_LIMIT = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program has done."""

    edges: Edges
    #: The longest time that one datagram took, in seconds.
    slowest: float
    trouble: str = ""


class KernelLog:
    """What the kernel has to say from now on."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)

    def trouble(self) -> str:
        """All that has been said since, if there is trouble in it."""
        lines = []
        while True:
            try:
                lines.append(os.read(self._fd, 8192).decode(errors="replace").partition(";")[2].rstrip())
            except BlockingIOError:
                break
            except BrokenPipeError:
                continue
        found = "\n".join(lines)
        return found if TROUBLE.search(found) else ""


def prepare_faults() -> bool:
    """Let allocations fail that may wait, too; whether the kernel can do that."""
    if not FAIL_NTH.exists():
        return False
    for name, value in FAULT_SETTINGS.items():
        (FAULTS / name).write_text(value)
    return True


class Runner:
    """Runs programs one after the other."""

    def __init__(self) -> None:
        self.world = World()
        self.log = KernelLog()
        remote = self.world.tun.courier.covers
        self.covers = [Recorder(), remote] if remote and available() else []
        self.executions = self.operations = 0
        self._faults = prepare_faults()
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        """The victim's host goes."""
        self.world.close()

    def run(self, program: Program) -> Outcome:
        """One program, from nothing to nothing."""
        self.world.tun.slowest = 0.0
        for each in self.covers:
            each.start()
        session = Session(self.world)
        try:
            self._perform_all(session, program)
            self._settle()
        finally:
            for thread in self._threads:
                thread.join(THREAD_LIMIT)
            self._threads.clear()
            session.close()
        edges = union(each.edges() for each in self.covers) if self.covers else NOTHING
        self.world.tidy()
        self.executions += 1
        return Outcome(edges, self.world.tun.slowest, self.log.trouble())

    def _perform_all(self, session: Session, program: Program) -> None:
        beside, failing = False, 0
        for op in program:
            self.operations += 1
            if op.name == "aside":
                beside = True
            elif op.name == "fail":
                failing = abs(op.numbers[0]) if op.numbers else 1
            elif beside:
                self._threads.append(threading.Thread(target=self._perform, args=(session, op, failing), daemon=True))
                self._threads[-1].start()
                beside, failing = False, 0
            else:
                self._perform(session, op, failing)
                failing = 0

    def _perform(self, session: Session, op: Op, failing: int) -> None:
        # A number may be one that cannot be passed on: then the operation does nothing.
        with contextlib.suppress(OSError, OverflowError, ValueError, ctypes.ArgumentError):
            if failing and self._faults:
                with failing_allocation(failing):
                    grammar.perform(session, op)
            else:
                grammar.perform(session, op)

    def _settle(self) -> None:
        """Let the kernel's worker take up first packets: until coverage stays as it is."""
        if not self.covers:
            time.sleep(NAP)
            return
        deadline = time.monotonic() + SETTLE
        count = -1
        while count != self.covers[1].count() and time.monotonic() < deadline:
            count = self.covers[1].count()
            time.sleep(NAP)


@contextlib.contextmanager
def failing_allocation(nth: int) -> Iterator[None]:
    """In this thread's system calls, the nth allocation fails."""
    fd = os.open(FAIL_NTH, os.O_RDWR)
    try:
        os.write(fd, str(nth % 1000).encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            os.pwrite(fd, b"0", 0)
        os.close(fd)
