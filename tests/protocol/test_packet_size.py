# SPDX-License-Identifier: GPL-2.0-or-later
"""The size of packets on a path with a narrow link in its middle (RFC 9000, 14.2 and 14.3)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kquic.sock import Config, Connection

from .looking import look
from .moving import Plan, Transfer, moving, say
from .routed import Routed, routed_hosts

NARROW = 1350
HEADERS = {"10.3.0.2": 28, "fd03::2": 48}


@pytest.fixture(scope="module")
def hosts() -> Iterator[Routed]:
    with routed_hosts(NARROW) as made:
        yield made


def swallow_icmp(routed: Routed) -> None:
    """Let the router tell nobody what it drops, as too many do."""
    drop = "icmp type destination-unreachable drop; icmpv6 type packet-too-big drop;"
    routed.rules(f"chain c {{ type filter hook output priority 0; {drop} }};")


@pytest.fixture
def routed(hosts: Routed) -> Iterator[Routed]:
    """The hosts, knowing nothing of each other's links."""
    for flush in (("ip", "route", "flush", "cache"), ("ip", "-6", "route", "flush", "cache")):
        hosts.cli.run(*flush)
    yield hosts
    hosts.carry(NARROW)
    hosts.no_rules()


def payload(end: Connection, routed: Routed) -> int:
    """UDP payload of a full packet of the client's."""
    return look(end, routed.cli).numbers["mtu"]


@pytest.mark.parametrize("host", HEADERS)
def test_icmp_is_heeded(routed: Routed, host: str) -> None:
    with moving(Plan(host=host, client_on=routed.cli, server_on=routed.srv)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert payload(pair.client, routed) == NARROW - HEADERS[host]


@pytest.mark.parametrize("host", HEADERS)
def test_black_hole_is_noticed(routed: Routed, host: str) -> None:
    swallow_icmp(routed)
    with moving(Plan(host=host, client_on=routed.cli, server_on=routed.srv)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert 1200 <= payload(pair.client, routed) <= NARROW - HEADERS[host]


@pytest.mark.parametrize("host", HEADERS)
def test_black_hole_that_opens_later(routed: Routed, host: str) -> None:
    """Another way is taken, with a narrow link in it, while a connection lives."""
    swallow_icmp(routed)
    routed.carry(1500)
    with moving(Plan(host=host, client_on=routed.cli, server_on=routed.srv)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert payload(pair.client, routed) == 1500 - HEADERS[host]
        routed.carry(NARROW)
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert 1200 <= payload(pair.client, routed) <= NARROW - HEADERS[host]


def test_size_is_found_by_trying(routed: Routed) -> None:
    swallow_icmp(routed)
    config = Config(plpmtud_probe_interval=5_000_000)
    with moving(Plan(host="10.3.0.2", client_on=routed.cli, server_on=routed.srv, config=config)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        for _ in range(80):
            if payload(pair.client, routed) > NARROW - 28 - 16:
                break
            say(pair.client, pair.server)
            time.sleep(0.05)
        assert NARROW - 28 - 16 < payload(pair.client, routed) <= NARROW - 28
