# SPDX-License-Identifier: GPL-2.0-or-later
"""Play cells of the matrix, in the lab's guest: ``python3 -m kquic.interop [--peer NAME] [--role ROLE] [--case NAME]``.

The results go to `interop.json` in $KQUIC_JOB, and what failed cells left to folders beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kquic.lab import proc

from . import site
from .cases import CASES
from .cell import FAIL, Outcome, Stage, play_all
from .link import routed
from .peers import INSIDE, PEERS, PROGRAMS, ROOT, Peer

DISK = Path("/dev/ubdb")


def version(peer: Peer) -> str:
    """What a peer says of its version, in one line."""
    if peer.needs and not peer.needs.exists():
        return "not available"
    done = subprocess.run(peer.version, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return (done.stdout.strip().splitlines() or ["?"])[0][:60]


def mount_root() -> None:
    """Mount the peers' root, if the machine was given one, with what programs in it share with us."""
    if not DISK.exists():
        return
    ROOT.mkdir(parents=True, exist_ok=True)
    proc.run(["mount", "-o", "ro", DISK, ROOT])
    for shared in ("dev", "proc", "run", "tmp"):
        proc.run(["mount", "--rbind", f"/{shared}", ROOT / shared])
    proc.run(["mount", "--bind", PROGRAMS, ROOT / INSIDE.relative_to("/")])


class Record:
    """What is written down after each cell, so that a run that is cut short leaves something."""

    def __init__(self, folder: Path, versions: dict[str, str]) -> None:
        self.folder, self.versions = folder, versions
        self.outcomes: list[dict[str, Any]] = []

    def add(self, outcome: Outcome, cells: Path) -> None:
        """One more; a failed cell's logs and capture are kept."""
        self.outcomes.append(asdict(outcome))
        if outcome.verdict == FAIL:
            left = f"{outcome.peer}-{outcome.role}-{outcome.case}"
            proc.attempt(["cp", "-r", cells / left, self.folder / left])
        text = json.dumps({"versions": self.versions, "outcomes": self.outcomes}, indent=1)
        (self.folder / "interop.json").write_text(text)


def main() -> int:
    """Play what is asked for; the exit status says whether anything failed."""
    parser = argparse.ArgumentParser(prog="kquic.interop", description=main.__doc__)
    parser.add_argument("--peer", action="append", choices=list(PEERS))
    parser.add_argument("--role", choices=("client", "server"))
    parser.add_argument("--case", action="append", choices=list(CASES))
    args = parser.parse_args()
    peers = [PEERS[name] for name in args.peer or PEERS]
    cases = [CASES[name] for name in args.case or CASES]
    cells = [
        (peer, role, case) for peer in peers for role in peer.roles() if args.role in (None, role) for case in cases
    ]
    mount_root()
    left = Path(os.environ.get("KQUIC_JOB", ".")).absolute()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stage = Stage(stack.enter_context(routed()), site.make(folder / "site"), folder / "cells")
        record = Record(left, {peer.name: version(peer) for peer in peers})
        for outcome in play_all(stage, cells):
            record.add(outcome, stage.folder)
    return 1 if any(each["verdict"] == FAIL for each in record.outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
