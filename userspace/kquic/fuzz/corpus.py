# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are worth keeping, because each of them walks edges that no other one does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from . import program
from .coverage import Edges, union
from .program import Program


@dataclass
class Corpus:
    """Programs with their edges."""

    entries: list[tuple[Program, Edges]] = field(default_factory=list)
    known: set[int] = field(default_factory=set)

    def add(self, entry: Program, edges: Edges) -> bool:
        """Take it if it does something new."""
        if edges <= self.known:
            return False
        self.known |= edges
        self.entries.append((entry, edges))
        return True

    def programs(self) -> list[Program]:
        """Without their edges."""
        return [entry for entry, _ in self.entries]

    def choose(self, rng: Random) -> Program:
        """One to go on from: one of the newest half of the time."""
        recent = self.entries[-20:] if rng.random() < 0.5 else self.entries
        return rng.choice(recent)[0]

    def smallest(self, limit: int) -> list[Program]:
        """Programs that together walk as many edges as fit into so many bytes of text; the best for its size first."""
        left = [(entry, edges, program.size(entry)) for entry, edges in self.entries]
        chosen: list[Program] = []
        missing = set(union(edges for _, edges, _ in left))
        while left and missing and limit > 0:
            best = max(left, key=lambda each: len(each[1] & missing) / each[2])
            if not best[1] & missing:
                break
            left.remove(best)
            missing -= best[1]
            if best[2] <= limit:
                limit -= best[2] + 1
                chosen.append(best[0])
        return chosen


def load(paths: Iterable[Path]) -> list[Program]:
    """The programs of some files; a file that is not there has none."""
    return [each for path in paths if path.exists() for each in program.parse(path.read_text())]


def save(path: Path, programs: Iterable[Program], remark: str = "") -> None:
    """A file of programs, replaced in one go."""
    new = path.with_suffix(".new")
    new.write_text(remark + program.text(programs))
    new.rename(path)
