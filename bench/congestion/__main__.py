# SPDX-License-Identifier: GPL-2.0-or-later
"""``make bench-congestion``, or ``python3 -m bench.congestion`` in the guest: all cells, or what options leave."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path as File

from kquic.interop.link import Routed

from .cells import LOSSES, RATES, RTTS, Cell, Result, alone, measure, together
from .link import bottleneck
from .report import picture, table_alone, table_together
from .warm import warm


def main(words: list[str] | None = None) -> int:
    """Measure, print, and leave tables, numbers and a picture in the job's directory."""
    parser = argparse.ArgumentParser(prog="bench.congestion", description="Goodput, fairness and queue of controllers.")
    for name, values in (("rate", RATES), ("rtt", RTTS), ("loss", LOSSES)):
        parser.add_argument(f"--{name}", type=float, nargs="*", default=values)
    parser.add_argument("--share-rate", type=float, nargs="*", default=(10.0, 100.0), help="links for several flows")
    parser.add_argument("--share-rtt", type=float, nargs="*", default=(20.0, 100.0), help="round trips for these")
    args = parser.parse_args(words)
    warm()
    with bottleneck() as net:
        single = _all(net, alone(args.rate, args.rtt, args.loss))
        several = _all(net, together(args.share_rate, args.share_rtt))
    tables = "\n\n".join(
        made for made, found in ((table_alone(single), single), (table_together(several), several)) if found
    )
    print(tables)
    if job := os.environ.get("KQUIC_JOB"):
        folder = File(job)
        (folder / "congestion.json").write_text(json.dumps([asdict(r) for r in (*single, *several)], indent=1))
        (folder / "congestion.md").write_text(tables + "\n")
        if single:
            (folder / "congestion.svg").write_text(picture(single))
    return 0


def _all(net: Routed, cells: Iterable[Cell]) -> list[Result]:
    results = []
    for cell in cells:
        result = measure(net, cell)
        each = ", ".join(f"{value:.2f}" for value in result.goodput)
        print(f"{cell.path}, {' '.join(cell.kinds)}: {each} Mbit/s, queue {result.queue_ms:.1f} ms", flush=True)
        results.append(result)
    return results


if __name__ == "__main__":
    sys.exit(main())
