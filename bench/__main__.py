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
from typing import Any

from kquic.lab.topology import Impairment, client_and_server

from . import handshakes, shares
from .compare import Comparison, Result
from .ends import WAYS, Ends
from .work import bulk, request_response

MIB = 1 << 20
IDLE = "memory of an idle connection"


def sockets() -> Iterator[Comparison[Ends]]:
    """QUIC sockets beside kernel TLS, with each cipher, and beside TCP without one."""
    lossy = Impairment(delay_ms=10, loss_percent=1)
    yield Comparison("bulk in the clear, TCP", WAYS["quic-clear"], WAYS["tcp"], partial(bulk, total=48 * MIB))
    for cipher in ("aes128", "chacha"):
        ours, theirs = WAYS[f"quic-{cipher}"], WAYS[f"ktls-{cipher}"]
        yield Comparison(f"bulk {cipher}", ours, theirs, partial(bulk, total=48 * MIB))
        yield Comparison(f"bulk {cipher}, 20 ms, 1 % loss", ours, theirs, partial(bulk, total=4 * MIB), link=lossy)
        exchange = partial(request_response, rounds=2000)
        yield Comparison(f"1 KiB request/response {cipher}", ours, theirs, exchange, "per s", 1)


def comparisons() -> list[Comparison[Any]]:
    """All of them, by name."""
    return [*sockets(), *handshakes.comparisons(), *shares.comparisons()]


def main(names: list[str]) -> int:
    """Measure the comparisons whose name contains one of `names`, or all."""

    def wanted(name: str) -> bool:
        return not names or any(part in name for part in names)

    print(_HEAD)
    results = []
    with client_and_server() as net:
        for comparison in filter(lambda each: wanted(each.name), comparisons()):
            results.append(comparison.measure(net))
            print(_line(results[-1]), flush=True)
        if wanted(IDLE):
            print(f"{IDLE:34} {handshakes.idle_memory(net) / 1024:9.1f} {'':9} KiB")
    if job := os.environ.get("KQUIC_JOB"):
        (Path(job) / "bench.json").write_text(json.dumps([asdict(result) for result in results], indent=2))
    return 0


_HEAD = f"{'work':34} {'kquic':>9} {'other':>9} {'unit':6} {'ratio':>6}   spread"


def _line(r: Result) -> str:
    return f"{r.name:34} {r.ours:9.1f} {r.theirs:9.1f} {r.unit:6} {r.ratio:6.2f}   {r.low:.2f} to {r.high:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
