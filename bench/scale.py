# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections in one guest: what each of them costs while it is idle, and while it works.

``./kquic lab run --mem 4G --timeout 3600 -- python3 -m bench.scale [CONNECTIONS…]``, by default up to 10 000.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from kquic.lab.topology import Network, client_and_server
from kquic.sock import Connection, TransportParams

from .cost import Meter
from .handshakes import Sockets, slab, sockets

STEPS = (100, 1000, 10_000)
ACTIVE = 1000
"""How many connections work at a time."""
EXCHANGES = 5
"""What each of them does: so many requests and responses of `MESSAGE`."""
MESSAGE = bytes(1024)
WATCHED = 20.0
"""Seconds for which idle connections are watched."""
PATIENT = TransportParams(max_idle_timeout=3600 * 1_000_000)

Pair = tuple[Connection, Connection]


@dataclass(frozen=True, slots=True)
class Row:
    """So many connections.

    Attributes:
        connections: both ends of each are in the guest.
        memory: kernel memory of an end, in bytes: slab, with its file.
        idle: seconds of processors for one connection in a second, both ends together, less what the guest
            takes without.
        exchange: seconds of processors for a request with its response, programs included.
    """

    connections: int
    memory: float
    idle: float
    exchange: float

    def __str__(self) -> str:
        return (
            f"{self.connections:>11} {self.memory / 1024:>11.1f} {self.idle * 1e6:>16.2f} {self.exchange * 1e6:>16.0f}"
        )


HEAD = "connections KiB for end idle, µs per s exchange, µs"


def _watch(net: Network) -> float:
    """Processors in use while nothing is done."""
    meter = Meter(net)
    time.sleep(WATCHED)
    cost = meter.read()
    return cost.busy / cost.seconds


def _exchange(pairs: Sequence[Pair]) -> None:
    """One request and response on each of them, `ACTIVE` at a time."""
    for start in range(0, len(pairs), ACTIVE):
        group = pairs[start : start + ACTIVE]
        for ends in (group, [pair[::-1] for pair in group]):
            for sender, _ in ends:
                sender.send(MESSAGE, 0)
            for _, receiver in ends:
                left = len(MESSAGE)
                while left:
                    left -= len(receiver.sock.recv(left))


def _work(net: Network, pairs: Sequence[Pair]) -> float:
    chosen = pairs[:: max(1, len(pairs) // ACTIVE)][:ACTIVE]
    meter = Meter(net)
    for _ in range(EXCHANGES):
        _exchange(chosen)
    return meter.read().busy / (EXCHANGES * len(chosen))


def _opened(made: Sockets) -> Pair:
    client, server = made.connection()
    client.open_stream()
    client.send(MESSAGE, 0)
    server.recv()
    return client, server


def measure(net: Network, steps: Sequence[int]) -> list[Row]:
    """A row for each of the steps, which grow."""
    rows, pairs = list[Row](), list[Pair]()
    print(HEAD)
    with ExitStack() as opened:
        made = opened.enter_context(sockets(net, PATIENT))
        pairs.append(_opened(made))
        unused, before = _watch(net), slab()
        for step in steps:
            while len(pairs) <= step:
                pairs.append(_opened(made))
                for end in pairs[-1]:
                    opened.enter_context(end)
            memory = (slab() - before) / (2 * step)
            rows.append(Row(step, memory, max(_watch(net) - unused, 0.0) / step, _work(net, pairs)))
            print(rows[-1], flush=True)
    return rows


def main(words: Sequence[str]) -> int:
    """Measure, and say what a hundred thousand would take."""
    steps = tuple(map(int, words)) or STEPS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 4 * steps[-1]), max(hard, 4 * steps[-1])))
    with client_and_server() as net:
        last = measure(net, steps)[-1]
    print(f"100 000 connections would take {last.memory * 1e5 / (1 << 30):.1f} GiB at each end")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
