# SPDX-License-Identifier: GPL-2.0-or-later
"""A client and a server with a router between them, which treats packets by rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from kquic.lab.topology import Host, Link

SERVERS = ("10.3.0.2", "fd03::2")


@dataclass(frozen=True)
class Routed:
    """The three of them; the server has the addresses SERVERS."""

    cli: Host
    rtr: Host
    srv: Host

    def rules(self, chains: str) -> None:
        """Give the router nft rules, in place of those before."""
        self.no_rules()
        self.rtr.run("nft", f"table inet q {{ {chains} }};")

    def no_rules(self) -> None:
        """Let the router do nothing special any more."""
        self.rtr.run("nft", "delete", "table", "inet", "q", check=False)

    def carry(self, mtu: int) -> None:
        """What the link between router and server carries from now on."""
        for host in (self.rtr, self.srv):
            host.run("ip", "link", "set", "veth1", "mtu", str(mtu))

    def counted(self, name: str) -> int:
        """Packets that a counter of the rules has seen."""
        words = self.rtr.run("nft", "list", "counter", "inet", "q", name).split()
        return int(words[words.index("packets") + 1])


@contextmanager
def routed_hosts(mtu: int = 1500) -> Iterator[Routed]:
    """Make them; `mtu` is that of the link from the router to the server."""
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
        for host, net in ((cli, 2), (srv, 3)):
            host.run("ip", "route", "add", "default", "via", f"10.{net}.0.1")
            host.run("ip", "-6", "route", "add", "default", "via", f"fd0{net}::1")
        rtr.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        made = Routed(cli, rtr, srv)
        made.carry(mtu)
        yield made
