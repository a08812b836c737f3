# SPDX-License-Identifier: GPL-2.0-or-later
"""The size of packets on a path with a narrow link in its middle (RFC 9000, 14.2 and 14.3)."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from kquic.lab.topology import Host, Link
from kquic.sock import Config, Connection

from .moving import Plan, Transfer, moving, say

TCPI_PMTU = 60  # offset in struct tcp_info
NARROW = 1350
HEADERS = {"10.3.0.2": 28, "fd03::2": 48}


@dataclass(frozen=True)
class Routed:
    """A client and a server with a router between them, whose link to the server is narrow."""

    cli: Host
    rtr: Host
    srv: Host

    def swallow_icmp(self) -> None:
        """Let the router tell nobody what it drops, as too many do."""
        drop = "icmp type destination-unreachable drop; icmpv6 type packet-too-big drop;"
        rules = f"table inet q {{ chain c {{ type filter hook output priority 0; {drop} }}; }};"
        self.rtr.run("nft", rules)


@pytest.fixture(scope="module")
def hosts() -> Iterator[Routed]:
    with ExitStack() as stack:
        cli, rtr, srv = (Host(name) for name in ("mcli", "mrtr", "msrv"))
        for host in (cli, rtr, srv):
            stack.callback(host.close)
        Link(cli, rtr, "veth0")
        Link(rtr, srv, "veth1")
        for host, dev, number in ((cli, "veth0", "2.0.2"), (rtr, "veth0", "2.0.1")):
            host.add_address(dev, f"10.{number}", 24)
            host.add_address(dev, f"fd02::{number[-1]}", 64)
        for host, dev, number in ((srv, "veth1", "3.0.2"), (rtr, "veth1", "3.0.1")):
            host.add_address(dev, f"10.{number}", 24)
            host.add_address(dev, f"fd03::{number[-1]}", 64)
            host.run("ip", "link", "set", dev, "mtu", str(NARROW))
        for host, net in ((cli, 2), (srv, 3)):
            host.run("ip", "route", "add", "default", "via", f"10.{net}.0.1")
            host.run("ip", "-6", "route", "add", "default", "via", f"fd0{net}::1")
        rtr.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        yield Routed(cli, rtr, srv)


@pytest.fixture
def routed(hosts: Routed) -> Iterator[Routed]:
    """The hosts, knowing nothing of each other's links."""
    for flush in (("ip", "route", "flush", "cache"), ("ip", "-6", "route", "flush", "cache")):
        hosts.cli.run(*flush)
    yield hosts
    hosts.rtr.run("nft", "delete", "table", "inet", "q", check=False)


def payload(end: Connection) -> int:
    """UDP payload of a full packet."""
    info = end.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int(struct.unpack_from("=I", info, TCPI_PMTU)[0])


@pytest.mark.parametrize("host", HEADERS)
def test_icmp_is_heeded(routed: Routed, host: str) -> None:
    with moving(Plan(host=host, client_on=routed.cli, server_on=routed.srv)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert payload(pair.client) == NARROW - HEADERS[host]


@pytest.mark.parametrize("host", HEADERS)
def test_black_hole_is_noticed(routed: Routed, host: str) -> None:
    routed.swallow_icmp()
    with moving(Plan(host=host, client_on=routed.cli, server_on=routed.srv)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        assert 1200 <= payload(pair.client) <= NARROW - HEADERS[host]


def test_size_is_found_by_trying(routed: Routed) -> None:
    routed.swallow_icmp()
    config = Config(plpmtud_probe_interval=5_000_000)
    with moving(Plan(host="10.3.0.2", client_on=routed.cli, server_on=routed.srv, config=config)) as pair:
        Transfer(pair.client, pair.server, 1 << 20).finish()
        for _ in range(80):
            if payload(pair.client) > NARROW - 28 - 16:
                break
            say(pair.client, pair.server)
            time.sleep(0.05)
        assert NARROW - 28 - 16 < payload(pair.client) <= NARROW - 28
