# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of cases, by the names of the QUIC interop runner; those at the end are ours.

A case says what the link does, which words the programs are told, and what must have been seen beside files that
arrived unchanged.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kquic.lab.topology import Impairment

from . import capture
from .capture import V2, Datagram
from .link import PORT, Routed
from .task import Role, Task

MIB = 1 << 20
SMALL, MANY, HANDSHAKES = "/small", 200, 5
#: Names and sizes of the files that servers have.
FILES = {"small": 1024, "1m": MIB, "2m": 2 * MIB, "3m": 3 * MIB, "5m": 5 * MIB}
FILES |= {f"many{number}": 32 for number in range(MANY)}
FILES |= {f"one{number}": 1024 for number in range(HANDSHAKES)}

#: The runner's link: 10 Mbit/s, 15 ms each way, a queue of 25 packets behind those under way.
SLOW = Impairment(delay_ms=15, rate_mbit=10, queue=40)
OUTAGE = 2.0
ECT_0 = 2
_CLOSING = 3
"""Packets of the end of a connection."""


@dataclass
class Seen:
    """What there is to judge by when the transfer is over."""

    peer: Role
    task: Task
    ours: str
    theirs: str
    pcap: Path
    seconds: float

    @cached_property
    def wire(self) -> list[Datagram]:
        """The datagrams at the server."""
        return capture.read(self.pcap)

    def results(self) -> list[str]:
        """What our end said about each handshake."""
        return re.findall(r"handshake HandshakeResult\((.*)\)", self.ours)

    def has(self, kind: str, *, from_client: bool) -> bool:
        """Whether a packet of a kind passed in this direction."""
        return any(each.has(kind) for each in self.wire if each.from_client == from_client)

    def marks(self, *, from_client: bool) -> list[int]:
        """ECN fields of the datagrams with 1-RTT packets of one direction."""
        return [each.ecn for each in self.wire if each.from_client == from_client and each.has("1rtt")]

    def clients(self) -> list[tuple[str, int]]:
        """Where the server saw the client, in order."""
        return list(dict.fromkeys(each.client for each in self.wire if each.from_client))


Check = Callable[[Seen], str]
Trouble = Callable[[Routed, Callable[[], bool]], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One row.

    Attributes:
        check: what is missing to call it passed; the empty string for nothing.
        trouble: what happens to the network while the client runs.
        rules: of the router, from the beginning.
        measure: the result is a number, not a verdict by time.
    """

    name: str
    about: str
    paths: tuple[str, ...] = (SMALL,)
    words: frozenset[str] = frozenset()
    link: Impairment | None = None
    rules: str = ""
    alpn: str = ""
    six: bool = False
    chain: bool = False
    measure: bool = False
    cross: bool = False
    check: Check = field(default=lambda seen: "")
    prepare: Callable[[Routed], None] = field(default=lambda net: None)
    trouble: Trouble | None = None


def _one_handshake(seen: Seen) -> str:
    return "" if len(seen.results()) == 1 else f"{len(seen.results())} handshakes"


def _chacha(seen: Seen) -> str:
    return "" if all("CHACHA20" in each for each in seen.results()) else "another cipher"


def _retry(seen: Seen) -> str:
    if not seen.has("retry", from_client=False):
        return "no Retry packet"
    return "" if any(part.token for each in seen.wire for part in each.parts) else "no token came back"


def _resumed(seen: Seen) -> str:
    results = seen.results()
    if len(results) != 2:
        return f"{len(results)} handshakes"
    return "" if "resumed=True" in results[1] else "the session was not resumed"


def _early(seen: Seen) -> str:
    if not seen.has("0rtt", from_client=True):
        return "no 0-RTT packet"
    return "" if "early_data=True" in seen.results()[-1] else "0-RTT was refused"


def _version2(seen: Seen) -> str:
    versions = {part.version for each in seen.wire for part in each.parts if part.kind == "handshake"}
    return "" if versions == {V2} else f"Handshake packets of versions {sorted(map(hex, versions))}"


def _h3(seen: Seen) -> str:
    return "" if all("alpn='h3'" in each for each in seen.results()) else "not h3"


def _keys(seen: Seen) -> str:
    return "" if "KeyUpdated" in seen.ours else "no key update"


def _ecn(seen: Seen) -> str:
    """A sender goes on marking only if its peer reports the marks (RFC 9000, 13.4.2).

    Packets that close need none. There is one for each few that still come, and a busy client sends some thirty in all.
    """
    for from_client in (True, False):
        marks = seen.marks(from_client=from_client)
        ending = next((n for n, mark in enumerate(reversed(marks)) if mark == ECT_0), 0)
        marks = marks[: len(marks) - min(ending, _CLOSING)]
        later = marks[len(marks) // 2 :]
        who = "client" if from_client else "server"
        if later.count(ECT_0) * 10 < len(later) * 9 or not later:
            return f"the {who} sends packets that are not ECT(0)"
    return ""


def _amplification(seen: Seen) -> str:
    """RFC 9000, 8.1: three times what came, until a Handshake packet has come.

    What goes to somebody else is the end of a connection of the cell before.
    """
    received, sent, first = 0, 0, seen.clients()[:1]
    for each in seen.wire:
        if each.client not in first:
            continue
        if each.from_client:
            received += each.size
            if each.has("handshake"):
                return ""
        else:
            sent += each.size
            if sent > 3 * received:
                return f"the server sent {sent} bytes for {received}"
    return "no Handshake packet"


def _moved(seen: Seen) -> str:
    places = seen.clients()
    if len(places) < 2:
        return "the client has not moved"
    answered = any(not each.from_client and each.client == places[1] for each in seen.wire)
    return "" if answered else "the server does not send there"


def _outage(net: Routed, running: Callable[[], bool]) -> None:
    net.after(200_000, running)
    net.rules("chain f { type filter hook forward priority 0; drop; }")
    time.sleep(OUTAGE)
    net.rules("")


def _rebind(address: str) -> Trouble:
    def act(net: Routed, running: Callable[[], bool]) -> None:
        net.after(300_000, running)
        # A client that only receives is silent when nothing comes: from where it is now, it has to say something still.
        net.translate(address, 40001, lambda: net.under_way(2500, running))

    return act


def _translated(net: Routed) -> None:
    net.translate(Routed.ROUTER, 40000)


def _forwarded(*rules: str) -> str:
    """A chain of nftables that all packets pass between the hosts."""
    return f"chain f {{ type filter hook forward priority 0; {'; '.join(rules)}; }}"


_WAYS = (f"udp dport {PORT}", f"udp sport {PORT}")
#: As in the runner, 30 % of the packets of each way, but never more than three in a row: four of ten are drawn, and of
#: those every fourth is let off.
_UNLUCKY = "numgen random mod 10 0-3 numgen inc mod 4 1-3"
_LOSSES = _forwarded(*(f"{way} {_UNLUCKY} drop" for way in _WAYS))
#: A damaged packet must reach QUIC, so UDP's checksum is switched off (0: not computed).
_UNCHECKED = [f"{way} udp checksum set 0" for way in _WAYS]
_NO_CHECKSUM = _forwarded(*_UNCHECKED)
#: Two bytes of what is encrypted, or lengths of a long header.
_DAMAGES = _forwarded(*(f"{way} {_UNLUCKY} @th,256,16 set 0x6b71" for way in _WAYS), *_UNCHECKED)
#: The client's datagrams from the second to the seventh are lost.
_FIRST_LOST = _forwarded(f"udp dport {PORT} numgen inc mod 100000 1-6 drop")
_EACH = frozenset({"each"})
_ONES = tuple(f"/one{number}" for number in range(HANDSHAKES))

CASES = {
    case.name: case
    for case in (
        Case("handshake", "a small file on a connection", check=_one_handshake),
        Case("transfer", "10 MiB in three files on one connection", ("/2m", "/3m", "/5m"), check=_one_handshake),
        Case(
            "upload",
            "the same the other way, by PUT of HTTP/3",
            ("/2m", "/3m", "/5m"),
            frozenset({"upload"}),
            alpn="h3",
            check=_h3,
        ),
        Case("longrtt", "a round trip of 1.5 s", link=Impairment(delay_ms=750), check=_one_handshake),
        Case("chacha20", "ChaCha20-Poly1305", words=frozenset({"chacha20"}), check=_chacha),
        Case(
            "multiplexing",
            f"{MANY} small files on one connection",
            tuple(f"/many{number}" for number in range(MANY)),
            check=_one_handshake,
        ),
        Case("retry", "the server answers with a Retry packet", words=frozenset({"retry"}), check=_retry),
        Case(
            "resumption",
            "the second connection resumes the session",
            (SMALL, "/1m"),
            frozenset({"resume"}),
            check=_resumed,
        ),
        Case("zerortt", "the requests are sent as 0-RTT", (SMALL, *_ONES), frozenset({"early"}), check=_early),
        Case("http3", "HTTP/3", (SMALL, "/1m"), alpn="h3", check=_h3),
        Case("blackhole", "nothing passes for 2 s", ("/2m",), link=SLOW, trouble=_outage),
        Case("keyupdate", "the keys are changed", ("/1m",), frozenset({"keyupdate"}), check=_keys),
        Case("ecn", "packets are marked ECT(0) both ways, and the marks are reported", ("/1m",), check=_ecn),
        Case(
            "amplificationlimit",
            "a large certificate chain, and the client's second to seventh datagrams are lost",
            link=SLOW,
            rules=_FIRST_LOST,
            chain=True,
            check=_amplification,
        ),
        Case("handshakeloss", f"{HANDSHAKES} connections, 30 % loss", _ONES, _EACH, Impairment(15), _LOSSES),
        Case("transferloss", "2 MiB, 2 % loss", ("/2m",), link=Impairment(15, loss_percent=2, rate_mbit=10, queue=40)),
        Case(
            "handshakecorruption",
            f"{HANDSHAKES} connections, 30 % of the packets are damaged",
            _ONES,
            _EACH,
            Impairment(15),
            _DAMAGES,
        ),
        Case(
            "transfercorruption",
            "2 MiB, 2 % of the packets are damaged",
            ("/2m",),
            link=Impairment(15, corrupt_percent=2, rate_mbit=10, queue=40),
            rules=_NO_CHECKSUM,
        ),
        Case("ipv6", "over IPv6", six=True),
        Case("v2", "version 2", words=frozenset({"v2"}), check=_version2),
        Case(
            "rebind-port",
            "the client's port changes, which it does not know",
            ("/5m",),
            link=SLOW,
            prepare=_translated,
            trouble=_rebind(Routed.ROUTER),
            check=_moved,
        ),
        Case(
            "rebind-addr",
            "the client's address changes, which it does not know",
            ("/5m",),
            link=SLOW,
            prepare=_translated,
            trouble=_rebind(Routed.SECOND_ROUTER),
            check=_moved,
        ),
        Case("connectionmigration", "the client moves", ("/5m",), frozenset({"migrate"}), SLOW, check=_moved),
        Case("goodput", "5 MiB at 10 Mbit/s and 30 ms", ("/5m",), link=SLOW, measure=True),
        Case("crosstraffic", "the same beside a TCP flow", ("/5m",), link=SLOW, measure=True, cross=True),
        Case("largechain", "certificates of more than 10 kB", chain=True, check=_one_handshake),
    )
}
