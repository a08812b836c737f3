# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic interop`: prepare the peers, boot a guest, play the matrix in it, show it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from kquic.errors import CommandFailed
from kquic.lab import commands, guest, proc, verdict
from kquic.lab.guest import Job
from kquic.lab.options import guest_options
from kquic.lab.paths import REPO

from . import matrix, root
from .cases import CASES
from .cell import FAIL, Outcome
from .peers import PEERS

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

TIMEOUT = 7200.0


def add_interop(verbs: Subparsers) -> None:
    """Add `interop` to the command line."""
    parser = verbs.add_parser("interop", help="the interop matrix: other QUIC implementations, both roles, all cases")
    guest_options(parser, TIMEOUT)
    parser.add_argument("--peer", action="append", choices=list(PEERS), default=[])
    parser.add_argument("--role", choices=("client", "server"), help="the peer's")
    parser.add_argument("--case", action="append", choices=list(CASES), default=[])
    parser.add_argument("--quick", action="store_true", help="only peers that are in the guest's image")
    parser.set_defaults(call=run)


def run(args: argparse.Namespace) -> int:
    """Play it. The whole matrix, and only that, replaces the one in docs."""
    disk = None if args.quick else _prepare()
    machine = commands.machine(args, disk)
    where = commands.folder(args)
    words = [word for option in ("peer", "case") for value in getattr(args, option) for word in (f"--{option}", value)]
    words += ["--role", args.role] if args.role else []
    result = guest.run(machine, Job(["python3", "-m", "kquic.interop", *words], where, args.timeout))
    record = where / "files" / "interop.json"
    if record.exists():
        _show(record, whole=not words and disk is not None)
    return verdict.tell(result, where, bool(args.keep))


def _prepare() -> Path | None:
    """The peers' root, or nothing: the matrix then says which peers are missing."""
    try:
        return root.build()
    except CommandFailed as error:
        proc.say(f"the peers' root could not be made, its peers will be missing:\n{error}")
        return None


def _show(record: Path, *, whole: bool) -> None:
    data = json.loads(record.read_text())
    outcomes = [Outcome(**each) for each in data["outcomes"]]
    text = matrix.table(outcomes, data["versions"])
    print(text)
    folder = REPO / "docs" if whole and os.access(REPO / "docs", os.W_OK) else record.parent
    (folder / "interop-matrix.md").write_text(text)
    (folder / "interop-matrix.svg").write_text(matrix.picture(outcomes))
    failed = sum(each.verdict == FAIL for each in outcomes)
    proc.say(f"{len(outcomes)} cells, {failed} failed; table and picture are in {folder}")
