# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the comparisons in a guest: ``./kquic lab run -- python3 -m bench [NAME…]``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from kquic.lab.topology import Impairment, client_and_server

from .compare import Comparison, Result, measure
from .work import bulk, request_response

MIB = 1 << 20


def comparisons() -> Iterator[Comparison]:
    """All of them, by name."""
    lossy = Impairment(delay_ms=10, loss_percent=1)
    for cipher in ("aes128", "chacha"):
        ours, theirs = f"quic-{cipher}", f"ktls-{cipher}"
        yield Comparison(f"bulk {cipher}", ours, theirs, partial(bulk, total=48 * MIB))
        yield Comparison(f"bulk {cipher}, 20 ms, 1 % loss", ours, theirs, partial(bulk, total=4 * MIB), link=lossy)
        exchange = partial(request_response, rounds=2000)
        yield Comparison(f"1 KiB request/response {cipher}", ours, theirs, exchange, "per s", 1)


def main(names: list[str]) -> int:
    """Measure the comparisons whose name contains one of `names`, or all."""
    wanted = [c for c in comparisons() if not names or any(name in c.name for name in names)]
    with client_and_server() as net:
        results = [measure(net, comparison) for comparison in wanted]
    _show(results)
    if job := os.environ.get("KQUIC_JOB"):
        (Path(job) / "bench.json").write_text(json.dumps([asdict(result) for result in results], indent=2))
    return 0


def _show(results: list[Result]) -> None:
    print(f"{'work':34} {'kquic':>9} {'other':>9} {'unit':6} {'ratio':>6}   spread")
    for r in results:
        spread = f"{r.low:.2f} to {r.high:.2f}"
        print(f"{r.name:34} {r.ours:9.1f} {r.theirs:9.1f} {r.unit:6} {r.ratio:6.2f}   {spread}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
