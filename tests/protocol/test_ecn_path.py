# SPDX-License-Identifier: GPL-2.0-or-later
"""Explicit congestion notification by way of routers that use it, erase it, or drop it (RFC 9000, 13.4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kquic.diag.info import NO_SSTHRESH, Flag
from kquic.sock import Config

from .looking import look
from .moving import Plan, Transfer, moving, say
from .routed import SERVERS, Routed, routed_hosts

#: Three PTOs pass within a second.
HASTY = Config(initial_smoothed_rtt=10_000)
pytestmark = pytest.mark.parametrize("host", SERVERS)


@pytest.fixture(scope="module")
def hosts() -> Iterator[Routed]:
    with routed_hosts() as made:
        yield made


@pytest.fixture
def routed(hosts: Routed) -> Iterator[Routed]:
    yield hosts
    hosts.no_rules()


def treat(routed: Routed, host: str, treatment: str = "") -> None:
    """What the router does to marked packets, both ways; it counts them first.

    nft does not manage to set `ip6 ecn`, but the header's first 16 bits, a part of the flow label among them.
    """
    ecn = "ip6 ecn" if ":" in host else "ip ecn"
    for name, bits in (("ce", "0x6030"), ("not-ect", "0x6000")):
        words = f"@nh,0,16 set {bits}" if ":" in host else f"ip ecn set {name}"
        treatment = treatment.replace(f"set {name}", words)
    counted = f'iifname "veth0" {ecn} ect0 counter name cli; iifname "veth1" {ecn} ect0 counter name srv;'
    rules = f"{counted} {ecn} ect0 {treatment or 'accept'};"
    routed.rules(f"counter cli {{ }}; counter srv {{ }}; chain c {{ type filter hook forward priority 0; {rules} }};")


def marked(routed: Routed) -> tuple[int, int]:
    """Datagrams that the router has seen marked, from the client and from the server."""
    return routed.counted("cli"), routed.counted("srv")


def plan(routed: Routed, host: str, config: Config | None = None) -> Plan:
    return Plan(host=host, client_on=routed.cli, server_on=routed.srv, config=config)


def test_marks_are_kept_up(routed: Routed, host: str) -> None:
    """Where nothing is wrong with them."""
    with moving(plan(routed, host)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert Flag.ECN in look(pair.client, routed.cli).flags
        treat(routed, host)
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert sum(marked(routed)) > 10
        assert Flag.ECN in look(pair.client, routed.cli).flags


def test_congestion_experienced(routed: Routed, host: str) -> None:
    """RFC 9002, 7.1: as if a packet had been lost, though none was."""
    with moving(plan(routed, host)) as pair:
        say(pair.client, pair.server)
        before = look(pair.client, routed.cli).numbers
        assert before["ssthresh"] == NO_SSTHRESH
        treat(routed, host, "set ce")
        Transfer(pair.client, pair.server, 1 << 20).finish()
        after = look(pair.client, routed.cli)
        assert after.numbers["ssthresh"] < before["cwnd"]
        assert after.numbers["cwnd"] < before["cwnd"]
        assert after.numbers["bytes_lost"] == before["bytes_lost"]
        assert Flag.ECN in after.flags


def test_marks_that_are_erased(routed: Routed, host: str) -> None:
    """Nobody would hear of congestion: the path is used without."""
    treat(routed, host, "set not-ect")
    with moving(plan(routed, host)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert Flag.ECN not in look(pair.client, routed.cli).flags
        before = marked(routed)
        assert sum(before) > 0
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert marked(routed) == before


def test_marks_that_are_erased_later(routed: Routed, host: str) -> None:
    """Because another path is taken on the way, for one."""
    with moving(plan(routed, host)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert Flag.ECN in look(pair.client, routed.cli).flags
        treat(routed, host, "set not-ect")
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert Flag.ECN not in look(pair.client, routed.cli).flags


def test_marked_packets_that_are_dropped(routed: Routed, host: str) -> None:
    """The handshake comes about all the same: each end marks nothing after its second probe timeout."""
    treat(routed, host, "drop")
    with moving(plan(routed, host, HASTY)) as pair:
        say(pair.client, pair.server)
        dropped = marked(routed)
        # A flight of one datagram, and the probes of the first timeout (RFC 9002, 6.2.4).
        assert 0 < dropped[0] <= 1 + 2
        assert dropped[1] > 0
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert marked(routed) == dropped
        assert Flag.ECN not in look(pair.client, routed.cli).flags
