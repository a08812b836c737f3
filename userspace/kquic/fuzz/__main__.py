# SPDX-License-Identifier: GPL-2.0-or-later
"""In the guest: python3 -m kquic.fuzz TARGET SECONDS SEED [FILE ...], or python3 -m kquic.fuzz replay FILE ..."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from random import Random

from . import corpus
from .engine import Engine, Found, save_finding, sockets_left
from .runner import Runner
from .targets import TARGETS

FOUND = 3
"""Exit status when there is a finding."""


def fuzz(name: str, seconds: float, seed: int, files: list[Path]) -> int:
    """Fuzz a target, beginning with the programs of some files."""
    folder = Path(os.environ["KQUIC_JOB"])
    engine = Engine(TARGETS[name], Runner(), folder, Random(seed))
    try:
        engine.fuzz(corpus.load(files), seconds)
    except Found as found:
        engine.report()
        save_finding(folder, found)
        print(f"FOUND {found}", flush=True)
        return FOUND
    corpus.save(folder / "smallest.txt", engine.smallest())
    return 0


def replay(files: list[Path], times: int) -> int:
    """Run the programs of some files, in order."""
    runner = Runner()
    for number, program in enumerate(corpus.load(files)):
        for _ in range(times):
            outcome = runner.run(program)
            if outcome.trouble:
                print(f"program {number}: {outcome.trouble}")
                return FOUND
        slowest = f"slowest datagram {outcome.slowest * 1000:.1f} ms"
        print(f"program {number}: {len(outcome.edges)} edges, {slowest}", flush=True)
    runner.close()
    print(f"{sockets_left()} sockets are left")
    return 0


def main() -> int:
    """The command line, of which `kquic fuzz` makes use."""
    parser = argparse.ArgumentParser(prog="python3 -m kquic.fuzz")
    parser.add_argument("what", choices=[*TARGETS, "replay"])
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", type=int, default=1)
    args = parser.parse_args()
    if args.what == "replay":
        return replay(args.files, args.times)
    return fuzz(args.what, args.seconds, args.seed, args.files)


if __name__ == "__main__":
    sys.exit(main())
