# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the comparisons in a guest: ``./kquic lab run -- python3 -m bench [NAME…]``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from kquic.lab.topology import Impairment, Network, client_and_server
from kquic.sock import Cipher

from . import distant, exports, handshakes, raw, report, shares, userspace
from .compare import Comparison, Result
from .ends import WAYS, Ends, controlled, several
from .work import bulk, bulk_for, bulk_several, request_response

MIB = 1 << 20
BULK = 128 * MIB
"""Half a second and more: what one knows a transfer by, and not its beginning."""
CIPHERS = {"aes128": Cipher.AES_GCM_128, "chacha": Cipher.CHACHA20_POLY1305}
IDLE = "memory of an idle connection"
LONG = Impairment(delay_ms=10)
LOSSY = Impairment(delay_ms=10, loss_percent=1)
ROUNDS = 15
"""Of what takes half a second and differs by half from one time to the next."""
LOSSY_SECONDS = 10.0
"""Long enough for some seventy losses at the pace that a window of twelve packets allows."""


def bulk_name(cipher: str) -> str:
    """What the comparison is called."""
    return f"bulk {cipher}"


def sockets() -> Iterator[Comparison[Ends]]:
    """QUIC sockets beside kernel TLS, with each cipher, and beside TCP without one."""
    clear, tcp = WAYS["quic-clear"], WAYS["tcp"]
    yield Comparison("bulk in the clear, TCP", clear, tcp, partial(bulk, total=BULK), target=0.7, rounds=ROUNDS)
    for cipher in CIPHERS:
        ours, theirs = WAYS[f"quic-{cipher}"], WAYS[f"ktls-{cipher}"]
        yield Comparison(bulk_name(cipher), ours, theirs, partial(bulk, total=BULK), target=1.0, rounds=9)
        exchange = partial(request_response, rounds=2000)
        yield Comparison(
            f"1 KiB request/response {cipher}", ours, theirs, exchange, "per s", 1, target=1.0, rounds=ROUNDS
        )


def far() -> Iterator[Comparison[Ends]]:
    """Where buffers and windows have to grow with the path; and what it costs if packets come singly."""
    work = partial(bulk, total=64 * MIB)
    for cipher in CIPHERS:
        ours, theirs = WAYS[f"quic-{cipher}"], WAYS[f"ktls-{cipher}"]
        for name, batches in ((f"bulk {cipher}, 20 ms", True), (f"bulk {cipher}, 20 ms, single packets", False)):
            yield Comparison(name, ours, theirs, work, link=LONG, rounds=3, batches=batches)


def lossy() -> Iterator[Comparison[Ends]]:
    """The same where packets are lost at random, with each controller."""
    work = partial(bulk_for, seconds=LOSSY_SECONDS)
    theirs = WAYS["ktls-aes128"]
    for controller in ("newreno", "cubic", "bbr"):
        ours = partial(controlled, WAYS["quic-aes128"], "net.quic.congestion_control", controller)
        yield Comparison(f"bulk, 20 ms, 1 % loss, {controller}", ours, theirs, work, target=2.0, link=LOSSY, rounds=3)
    theirs = partial(controlled, theirs, "net.ipv4.tcp_congestion_control", "bbr")
    yield Comparison("bulk, 20 ms, 1 % loss, bbr on both", ours, theirs, work, link=LOSSY, rounds=3)


def together() -> Iterator[Comparison[list[Ends]]]:
    """Four connections at a time."""
    for cipher in CIPHERS:
        ours, theirs = (partial(several, WAYS[f"{way}-{cipher}"], 4) for way in ("quic", "ktls"))
        yield Comparison(f"bulk {cipher}, 4 connections", ours, theirs, partial(bulk_several, total=BULK), target=1.0)


def comparisons() -> list[Comparison[Any]]:
    """All of them, by name."""
    return [
        *sockets(),
        *together(),
        *far(),
        *lossy(),
        *userspace.comparisons(),
        *handshakes.comparisons(),
        *shares.comparisons(),
        *exports.comparisons(),
        *distant.comparisons(),
    ]


def budgets(results: Sequence[Result], parts: raw.Raw) -> Iterator[report.Budget]:
    """Bulk transfers beside what their parts need."""
    for name, cipher in CIPHERS.items():
        for result in results:
            if result.name == bulk_name(name):
                yield report.Budget(cipher.name, result.our_cpu, parts.seal[cipher.name], parts.udp)


def main(names: list[str]) -> int:
    """Measure the comparisons whose name contains one of `names`, or all."""
    with client_and_server() as net:
        parts = raw.measure(net)
        print(report.conditions(parts), report.HEAD, sep="\n", flush=True)
        results = list(_measured(net, names))
        spent = list(budgets(results, parts))
        print(*map(report.budget_line, spent), sep="\n")
        if _wanted(IDLE, names):
            print(f"{IDLE}: {handshakes.idle_memory(net) / 1024:.1f} KiB")
    if job := os.environ.get("KQUIC_JOB"):
        folder = Path(job)
        (folder / "bench.json").write_text(json.dumps([asdict(result) for result in results], indent=2))
        (folder / "performance.md").write_text(report.tables(results, spent, parts))
        (folder / "performance.svg").write_text(report.picture(results))
    return 0


def _wanted(name: str, names: Sequence[str]) -> bool:
    return not names or any(part in name for part in names)


def _measured(net: Network, names: Sequence[str]) -> Iterator[Result]:
    for comparison in comparisons():
        if _wanted(comparison.name, names):
            result = comparison.measure(net)
            print(report.line(result), flush=True)
            yield result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
