# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic fuzz`: guests one after the other, until the time is over; what they find and learn stays on the host."""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kquic.lab import commands, guest, proc, verdict
from kquic.lab.guest import Job, Result
from kquic.lab.machine import Machine
from kquic.lab.options import guest_options
from kquic.lab.paths import REPO, cache_dir

from . import journal, program

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

TARGETS = ("datagrams", "frames", "calls", "handshake")
CORPUS = REPO / "tests/fuzz/corpus"
FOUND = 3
"""Exit status of the guest's part when it has found something itself."""
SLICE = 15 * 60.0
"""Seconds that one guest works."""
GRACE = 300.0
"""Seconds that a guest has for seeds, and for its end."""


def add_fuzz(verbs: Subparsers) -> None:
    """Add `fuzz` to the command line."""
    parser = verbs.add_parser("fuzz", help="fuzz the transport: kquic fuzz frames --minutes 60")
    guest_options(parser, 0)
    parser.add_argument("target", choices=[*TARGETS, "replay"])
    parser.add_argument("file", type=Path, nargs="?", help="with replay: programs, as a finding or a corpus has them")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of the random numbers; else the time")
    parser.add_argument("--save", action="store_true", help="put the smallest corpus into the repository")
    parser.set_defaults(call=run, flavour="fuzz")


def run(args: argparse.Namespace) -> int:
    """Fuzz, or run what was found once more."""
    machine = commands.machine(args)
    if args.target == "replay":
        return _replay(machine, args)
    campaign = Campaign(machine, args.target, time.time_ns() if args.seed is None else args.seed)
    campaign.run(args.minutes * 60)
    if args.save:
        campaign.save()
    return 1 if campaign.findings else 0


def _replay(machine: Machine, args: argparse.Namespace) -> int:
    where = commands.folder(args)
    (where / "files").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(args.file, where / "files" / "programs.txt")
    words = ["python3", "-m", "kquic.fuzz", "replay", "/job/files/programs.txt"]
    result = guest.run(machine, Job(words, where, args.timeout or 600))
    return verdict.tell(result, where, bool(args.keep))


@dataclass
class Campaign:
    """Guests that fuzz one target."""

    machine: Machine
    target: str
    seed: int
    executions: int = 0
    seconds: float = 0.0
    edges: int = 0
    findings: int = 0

    def __post_init__(self) -> None:
        self.folder = cache_dir("fuzz", self.target)
        self.corpus = self.folder / "corpus.txt"
        self.smallest = self.folder / "smallest.txt"

    def run(self, seconds: float) -> None:
        """One guest after the other."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._guest(min(left, SLICE))
            self.seed += 1
        rate = self.executions / self.seconds if self.seconds else 0
        proc.say(
            f"{self.target}: {self.executions} executions in {self.seconds / 60:.0f} minutes ({rate:.0f}/s), "
            f"{self.edges} edges, {self.findings} findings"
        )

    def _guest(self, seconds: float) -> None:
        where = guest.new_folder()
        files = where / "files"
        files.mkdir()
        seeds = [path for path in (CORPUS / f"{self.target}.txt", self.corpus) if path.exists()]
        for number, path in enumerate(seeds):
            shutil.copyfile(path, files / f"seeds{number}.txt")
        words = [f"/job/files/seeds{number}.txt" for number in range(len(seeds))]
        words += ["--seconds", f"{seconds:.0f}", "--seed", str(self.seed)]
        command = ["python3", "-m", "kquic.fuzz", self.target, *words]
        result = guest.run(self.machine, Job(command, where, seconds + GRACE, cwd=REPO))
        self._learn(files)
        if result.status:
            self._found(result, where)
        else:
            shutil.rmtree(where, ignore_errors=True)

    def _learn(self, files: Path) -> None:
        """Take over what the guest knows now."""
        for name in ("corpus.txt", "smallest.txt"):
            if (files / name).exists():
                shutil.copyfile(files / name, self.folder / name)
        if (files / "executions").exists():
            executions, seconds, edges = (files / "executions").read_text().split()
            self.executions += int(executions)
            self.seconds += float(seconds)
            self.edges = max(self.edges, int(edges))

    def _found(self, result: Result, where: Path) -> None:
        """Keep the input of a finding, and say how to run it again."""
        self.findings += 1
        kept = self.folder / f"finding-{where.name}.txt"
        if result.status == FOUND and (where / "files" / "finding.txt").exists():
            shutil.copyfile(where / "files" / "finding.txt", kept)
        else:
            told = "".join(f"# {line}\n" for trouble in result.troubles for line in str(trouble).splitlines())
            kept.write_text(told + "\n" + program.text(journal.read(where / "files" / journal.NAME)))
        verdict.tell(result, where, keep=True)
        proc.say(f"FOUND: kquic fuzz replay {kept}")

    def save(self) -> None:
        """The corpus in the repository."""
        if self.smallest.exists():
            CORPUS.mkdir(parents=True, exist_ok=True)
            remark = (
                f"# The least that walks what `kquic fuzz {self.target}` has found to walk: see docs/fuzzing.md.\n\n"
            )
            (CORPUS / f"{self.target}.txt").write_text(remark + self.smallest.read_text())
