# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic interop`: prepare the peers, boot a guest, play the matrix in it, show it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
DOCS = REPO / "docs"


def add_interop(verbs: Subparsers) -> None:
    """Add `interop` to the command line."""
    parser = verbs.add_parser("interop", help="the interop matrix: other QUIC implementations, both roles, all cases")
    guest_options(parser, TIMEOUT)
    parser.add_argument("--peer", action="append", choices=list(PEERS), default=[])
    parser.add_argument("--role", choices=("client", "server"), help="the peer's")
    parser.add_argument("--case", action="append", choices=list(CASES), default=[])
    parser.add_argument("--quick", action="store_true", help="only peers that are in the guest's image")
    parser.add_argument("--save", action="store_true", help="put the results into docs/interop-matrix")
    parser.set_defaults(call=run)


def run(args: argparse.Namespace) -> int:
    """Play it. The whole matrix replaces the one in docs; with --save, a part of it replaces that part."""
    disk = None if args.quick else _prepare()
    machine = commands.machine(args, disk)
    where = commands.folder(args)
    words = [word for option in ("peer", "case") for value in getattr(args, option) for word in (f"--{option}", value)]
    words += ["--role", args.role] if args.role else []
    result = guest.run(machine, Job(["python3", "-m", "kquic.interop", *words], where, args.timeout))
    played = where / "files" / "interop.json"
    if played.exists():
        _show(played)
        whole = not words and disk is not None and result.status in (0, 1)
        if whole or args.save:
            _save(played, DOCS / "interop-matrix.json", keep=not whole)
    return verdict.tell(result, where, bool(args.keep))


def _prepare() -> Path | None:
    """The peers' root, or nothing: the matrix then says which peers are missing."""
    try:
        return root.build()
    except CommandFailed as error:
        proc.say(f"the peers' root could not be made, its peers will be missing:\n{error}")
        return None


def _show(played: Path) -> None:
    data = json.loads(played.read_text())
    outcomes = [Outcome(**each) for each in data["outcomes"]]
    print(matrix.table(outcomes, data["versions"]))
    proc.say(f"{len(outcomes)} cells, {sum(each.verdict == FAIL for each in outcomes)} failed")


def _save(played: Path, target: Path, *, keep: bool) -> None:
    """Put what was played into the record of the matrix, and write table and picture anew."""
    data = json.loads(played.read_text())
    if keep and target.exists():
        data = merged(json.loads(target.read_text()), data)
    target.write_text(json.dumps(data, indent=1) + "\n")
    outcomes = [Outcome(**each) for each in data["outcomes"]]
    target.with_suffix(".md").write_text(matrix.table(outcomes, data["versions"]))
    target.with_suffix(".svg").write_text(matrix.picture(outcomes))
    proc.say(f"table and picture are {target.with_suffix('.md')} and .svg")


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old record with newer outcomes in their places, in the order of the tables."""
    cells = {(each["peer"], each["role"], each["case"]): each for each in (*old["outcomes"], *new["outcomes"])}
    order = [(name, role, case) for name, peer in PEERS.items() for role in peer.roles() for case in CASES]
    versions = {**old["versions"], **new["versions"]}
    return {
        "versions": {name: versions[name] for name in PEERS if name in versions},
        "outcomes": [cells[key] for key in order if key in cells],
    }
