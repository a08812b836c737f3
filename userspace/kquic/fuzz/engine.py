# SPDX-License-Identifier: GPL-2.0-or-later
"""The loop: change a program that did something new, run it, keep it if it does something newer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from . import corpus, program
from .corpus import Corpus
from .journal import NAME, Journal
from .program import Op, Program
from .runner import Outcome, Runner
from .targets import Target

#: A datagram that takes longer has to be looked at; what is measured includes KASAN, and a host that does other things.
SLOW = 0.02
ATTEMPTS = 5
REPORT_EVERY = 15.0
FRESH = 0.1
#: Bytes of text of a corpus in the repository.
SMALL = 12_000
WAIT_FOR_SOCKETS = 60.0
#: Data that a peer does not acknowledge is kept until the idle timeout.
WAIT_FOR_MEMORY = 150.0
#: Pages that a processor may have in hand (SK_MEMORY_PCPU_RESERVE).
MEMORY_SLACK = 256
#: Columns of /proc/net/protocols.
SOCKETS, MEMORY = 2, 3


class Found(Exception):
    """Something that should not be."""

    def __init__(self, what: str, programs: Iterable[Program]) -> None:
        super().__init__(what)
        self.programs = list(programs)


@dataclass
class Engine:
    """Fuzzes one target."""

    target: Target
    runner: Runner
    folder: Path
    rng: Random
    kept: Corpus = field(default_factory=Corpus)
    slowest: float = 0.0

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder / NAME)
        self.began = self._reported = time.monotonic()

    def fuzz(self, seeds: list[Program], seconds: float) -> None:
        """Run seeds, then go on until the time is over."""
        for seed in seeds:
            self.kept.add(seed, self.run(seed).edges)
        while time.monotonic() < self.began + seconds:
            self._step()
            if time.monotonic() > self._reported + REPORT_EVERY:
                self.report()
        self.report()
        self.check_sockets()

    def _step(self) -> None:
        programs = self.kept.programs()
        if not programs or self.rng.random() < FRESH:
            candidate = self.target.fresh(self.rng)
        else:
            candidate = self.target.mutate(self.rng, self.kept.choose(self.rng), programs)
        outcome = self.run(candidate)
        if not outcome.edges <= self.kept.known:
            self._keep(candidate, outcome)

    def _keep(self, candidate: Program, outcome: Outcome) -> None:
        """Only what does so a second time; without operations that are not needed for it."""
        new = (outcome.edges & self.run(candidate).edges) - self.kept.known
        if not new:
            return
        ops: list[Op] = list(candidate)
        for at in reversed(range(1, len(ops))):
            shorter = ops[:at] + ops[at + 1 :]
            if new <= self.run(tuple(shorter)).edges:
                ops = shorter
        self.kept.add(tuple(ops), self.run(tuple(ops)).edges | new)

    def run(self, candidate: Program) -> Outcome:
        """Run one; raises Found."""
        self.journal.note(candidate)
        outcome = self.runner.run(candidate)
        if outcome.trouble:
            raise Found(outcome.trouble, self.journal.last())
        if outcome.slowest > SLOW:
            self._look_at_slow(candidate, outcome.slowest)
        return outcome

    def _look_at_slow(self, candidate: Program, slowest: float) -> None:
        """Whether it is slow every time: then it is not the host that was busy."""
        for _ in range(ATTEMPTS):
            slowest = min(slowest, self.runner.run(candidate).slowest)
        self.slowest = max(self.slowest, slowest)
        if slowest > SLOW:
            raise Found(f"a datagram takes {slowest * 1000:.0f} ms", [candidate])

    def report(self) -> None:
        """Tell how far it is, and save what there is."""
        self._reported = now = time.monotonic()
        seconds = now - self.began
        print(
            f"{seconds:6.0f} s  {self.runner.executions} executions ({self.runner.executions / seconds:.0f}/s), "
            f"{self.runner.operations / seconds:.0f} operations/s, {len(self.kept.known)} edges, "
            f"corpus {len(self.kept.entries)}, slowest {self.slowest * 1000:.0f} ms",
            flush=True,
        )
        corpus.save(self.folder / "corpus.txt", self.kept.programs())
        (self.folder / "executions").write_text(f"{self.runner.executions} {seconds:.0f} {len(self.kept.known)}\n")

    def check_sockets(self) -> None:
        """All sockets have to go, and the memory of connections that go on in the background for a while."""
        self.runner.close()
        deadline = time.monotonic() + WAIT_FOR_MEMORY
        while protocol(MEMORY) > MEMORY_SLACK and time.monotonic() < deadline:
            time.sleep(1)
        if left := sockets_left():
            raise Found(f"{left} sockets do not go away", self.journal.last())
        if (pages := protocol(MEMORY)) > MEMORY_SLACK:
            raise Found(f"{pages} pages of sockets that are gone", self.journal.last())

    def smallest(self) -> list[Program]:
        """What is kept in the repository."""
        return self.kept.smallest(SMALL)


def protocol(column: int) -> int:
    """What /proc/net/protocols says of QUIC, the larger one of IPv4 and IPv6: both show the same memory."""
    lines = Path("/proc/net/protocols").read_text().splitlines()
    return max(int(line.split()[column]) for line in lines if line.startswith("QUIC"))


def sockets_left() -> int:
    """How many sockets do not go away."""
    deadline = time.monotonic() + WAIT_FOR_SOCKETS
    while (left := protocol(SOCKETS)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def save_finding(folder: Path, found: Found) -> None:
    """What was found, and the programs that led there."""
    remark = "".join(f"# {line}\n" for line in str(found).splitlines())
    (folder / "finding.txt").write_text(remark + "\n" + program.text(found.programs))
