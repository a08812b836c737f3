# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic stats`: counters and connections of this network namespace as Prometheus text.

Counters are the kernel's, from /proc/net/quic/snmp. What comes from sock_diag
belongs to the connections that exist at the moment and is a gauge.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kquic.diag.netlink import sockets
from kquic.diag.query import CONNECTED, Query, State
from kquic.diag.socket import Socket
from kquic.diag.table import endpoint
from kquic.errors import KquicError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

SNMP = Path("/proc/net/quic/snmp")
_GAUGES = frozenset({"QuicConnCurrentEstabs"})
#: Of each connection: the metric, the field of struct quic_diag_info, what it is, and its unit.
_FIELDS = (
    ("smoothed_rtt_seconds", "smoothed_rtt", "smoothed round trip time", 1e-6),
    ("cwnd_bytes", "cwnd", "congestion window", 1),
    ("in_flight_bytes", "bytes_in_flight", "bytes sent and not acknowledged", 1),
    ("sent_bytes", "bytes_sent", "bytes sent, headers included", 1),
    ("received_bytes", "bytes_received", "bytes received, headers included", 1),
    ("lost_packets", "pkts_lost", "packets declared lost", 1),
    ("dropped_packets", "pkts_dropped", "packets received and thrown away", 1),
)

Labels = dict[str, str]
Sample = tuple[Labels, float]


def add_stats(verbs: Subparsers) -> None:
    """Add `stats` to the command line."""
    parser = verbs.add_parser("stats", help="counters and connections as Prometheus text")
    parser.add_argument("--connections", action="store_true", help="also each connection by its addresses")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="replace this file, at once")
    parser.set_defaults(call=cmd_stats)


def cmd_stats(args: argparse.Namespace) -> int:
    """Print or write the text."""
    text = "".join(exposition(read_snmp(), sockets(Query(tuple(State))), args.connections))
    if not args.output:
        print(text, end="")
        return 0
    # A collector that reads the file in between sees the old text or the new one.
    new = args.output.with_name(f".{args.output.name}.new")
    new.write_text(text)
    new.replace(args.output)
    return 0


def read_snmp(path: Path = SNMP) -> dict[str, int]:
    """The kernel's counters."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise KquicError(f"{path}: {error.strerror}; is the module quic loaded?") from error
    return {name: int(value) for name, value in (line.split() for line in lines)}


def exposition(counters: dict[str, int], found: Iterable[Socket], each: bool) -> Iterator[str]:
    """The text, metric by metric."""
    for name, value in counters.items():
        yield from _counter(name, value)
    listed = list(found)
    states = Counter(one.state for one in listed)
    samples: list[Sample] = [({"state": state.name.lower()}, states[state]) for state in State]
    yield from metric("quic_sockets", "gauge", "sockets by state", samples)
    connected = [one for one in listed if one.state in CONNECTED and one.info]
    yield from _by_protocol(connected)
    if each:
        yield from _each(connected)


def _counter(name: str, value: int) -> Iterator[str]:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    kind = "gauge" if name in _GAUGES else "counter"
    suffix = "" if kind == "gauge" else "_total"
    yield from metric(f"{words}{suffix}", kind, f"{name} of /proc/net/quic/snmp", [({}, value)])


def _by_protocol(connected: list[Socket]) -> Iterator[str]:
    protocols, streams = Counter[str](), Counter[str]()
    for one in connected:
        assert one.info is not None
        alpn = ",".join(one.info.alpn)
        protocols[alpn] += 1
        streams[alpn] += sum(kind.open for kind in one.info.streams)
    for name, counted, what in (
        ("quic_connections", protocols, "connections by protocol"),
        ("quic_open_streams", streams, "streams that have not ended, by protocol"),
    ):
        yield from metric(name, "gauge", what, [({"alpn": alpn}, number) for alpn, number in sorted(counted.items())])


def _each(connected: list[Socket]) -> Iterator[str]:
    for suffix, field, what, unit in _FIELDS:
        samples: list[Sample] = []
        for one in connected:
            assert one.info is not None
            labels = {
                "local": endpoint(one.local, True),
                "peer": endpoint(one.peer, True),
                "alpn": ",".join(one.info.alpn),
            }
            samples.append((labels, one.info[field] * unit))
        yield from metric(f"quic_connection_{suffix}", "gauge", what, samples)


def metric(name: str, kind: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    """One metric in the text format, version 0.0.4."""
    yield f"# HELP {name} {what}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        yield f"{name}{{{inner}}} {value:.12g}\n" if inner else f"{name} {value:.12g}\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
