# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of the matrix: a client and a server with a router between them that can do to packets what networks do.

    icli ── veth0 ── irtr ── veth1 ── isrv
    10.2.0.2, .3      │       10.3.0.2
                 netem both ways, nftables

Offloads are off at both ends, so that packets are lost and changed one by one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyroute2 import NFCTSocket

from kquic.errors import KquicError
from kquic.lab.topology import Host, Impairment, Link

PORT = 4433
NEAR, FAR = "veth0", "veth1"
#: Seconds to wait for what a transfer is to come to.
PATIENCE = 60.0
_OFFLOADS = ("tx", "off", "gso", "off", "tso", "off", "tx-udp-segmentation", "off")


class TransferEnded(KquicError):
    """What was to happen in the middle of a transfer came too late."""


@dataclass(frozen=True, slots=True)
class Routed:
    """The three hosts."""

    cli: Host
    rtr: Host
    srv: Host

    CLIENT = "10.2.0.2"
    ELSEWHERE = "10.2.0.3"
    SERVER = "10.3.0.2"
    SERVER_V6 = "fd03::2"
    ROUTER = "10.3.0.1"
    SECOND_ROUTER = "10.3.0.9"

    def impair(self, impairment: Impairment | None) -> None:
        """Treat both directions alike."""
        self.rtr.impair(NEAR, impairment)
        self.rtr.impair(FAR, impairment)

    def rules(self, text: str) -> None:
        """Replace the router's rules of packets, in one step."""
        made = f"table inet i {{ {text}; }};" if text else ""
        self.rtr.run("nft", f"add table inet i; delete table inet i; {made}")

    def translate(self, address: str, port: int, wait: Callable[[], None] = lambda: None) -> None:
        """Let the server see the client at this address and port, and forget where it was before, after a wait."""
        silence = f"chain in {{ type filter hook input priority 0; udp sport {PORT} drop; }}"
        nat = f"oifname {FAR} udp dport {PORT} snat ip to {address}:{port}"
        self.rules(f"{silence}; chain post {{ type nat hook postrouting priority 100; {nat}; }}")
        with self.rtr.entered(), NFCTSocket() as conntrack:
            wait()
            conntrack.flush()

    def forwarded(self) -> int:
        """Bytes that the router has sent to the client."""
        return self.rtr.transmitted(NEAR)

    def after(self, count: int, running: Callable[[], bool]) -> None:
        """Wait until the client has been sent so many bytes more."""
        target = self.forwarded() + count
        _wait(lambda: self.forwarded() >= target, running, f"the transfer did not get to {count} bytes")

    def under_way(self, count: int, running: Callable[[], bool]) -> None:
        """Wait until so many bytes are on their way to the client, who will have to acknowledge them."""
        _wait(lambda: self.rtr.backlog(NEAR) >= count, running, f"{count} bytes were never under way")


def _wait(reached: Callable[[], bool], running: Callable[[], bool], problem: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if not running() or time.monotonic() > deadline:
            raise TransferEnded(problem)
        time.sleep(0.001)


@contextlib.contextmanager
def routed() -> Iterator[Routed]:
    """Make the network and remove it again."""
    with contextlib.ExitStack() as stack:
        hosts = [Host(name) for name in ("icli", "irtr", "isrv")]
        for host in hosts:
            stack.callback(host.close)
        made = Routed(*hosts)
        _wire(made)
        yield made


def _wire(net: Routed) -> None:
    Link(net.cli, net.rtr, NEAR)
    Link(net.rtr, net.srv, FAR)
    addresses = (
        (net.cli, NEAR, (Routed.CLIENT, Routed.ELSEWHERE), "fd02::2"),
        (net.rtr, NEAR, ("10.2.0.1",), "fd02::1"),
        (net.rtr, FAR, (Routed.ROUTER, Routed.SECOND_ROUTER), "fd03::1"),
        (net.srv, FAR, (Routed.SERVER,), Routed.SERVER_V6),
    )
    for host, dev, fours, six in addresses:
        for four in fours:
            host.add_address(dev, four, 24)
        host.add_address(dev, six, 64)
    _introduce(net.cli, net.rtr, NEAR)
    _introduce(net.rtr, net.srv, FAR)
    for host, dev, number in ((net.cli, NEAR, 2), (net.srv, FAR, 3)):
        host.run("ip", "route", "add", "default", "via", f"10.{number}.0.1")
        host.run("ip", "-6", "route", "add", "default", "via", f"fd0{number}::1")
        host.run("ethtool", "-K", dev, *_OFFLOADS)
    net.rtr.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def _introduce(one: Host, other: Host, dev: str) -> None:
    """Let two hosts know each other's link-layer addresses: the loss of ARP would end what this network is to try."""
    for host, peer in ((one, other), (other, one)):
        for address in peer.addresses(dev):
            host.introduce(dev, address, peer.link_address(dev))
