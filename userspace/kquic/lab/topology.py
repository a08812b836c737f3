# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts and links for tests: network namespaces joined by veth pairs, with loss and delay.

    cli ── veth0 ──────────────── veth0 ── srv
    10.0.0.2, fd00::2             10.0.0.1, fd00::1

A program is put on a host with `Host.argv`; mounts that it makes are visible
everywhere, because only the network namespace is entered.
"""

from __future__ import annotations

import contextlib
import errno
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyroute2 import IPRoute, NetNS, config, netns
from pyroute2.netlink.exceptions import NetlinkError

from kquic.errors import CommandFailed

_RUN = Path("/run/netns")

# Each thread's socket in a namespace is made by a fork of the test, which alone can take seconds in a slow flavour.
config.default_create_socket_timeout, config.default_communicate_timeout = 120, 30


@dataclass(frozen=True, slots=True)
class Impairment:
    """What one direction of a link does to packets.

    Attributes:
        delay_ms: one-way delay in milliseconds.
        jitter_ms: variation of the delay; packets overtake each other.
        loss_percent: independent loss.
        corrupt_percent: packets of which one bit is changed.
        duplicate_percent: packets that arrive twice.
        queue: packets that wait or are under way at most.
        rate_mbit: bottleneck in Mbit/s, 0 for none.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss_percent: float = 0.0
    rate_mbit: float = 0.0
    corrupt_percent: float = 0.0
    duplicate_percent: float = 0.0
    queue: int = 10000

    def netem(self) -> list[str]:
        """The words after ``tc qdisc … netem``."""
        words = ["limit", str(self.queue)]
        if self.delay_ms or self.jitter_ms:
            words += ["delay", f"{self.delay_ms}ms", f"{self.jitter_ms}ms"]
        if self.loss_percent:
            words += ["loss", f"{self.loss_percent}%"]
        if self.corrupt_percent:
            words += ["corrupt", f"{self.corrupt_percent}%"]
        if self.duplicate_percent:
            words += ["duplicate", f"{self.duplicate_percent}%"]
        if self.rate_mbit:
            words += ["rate", f"{self.rate_mbit}mbit"]
        return words


class Host:
    """A network namespace that plays one machine."""

    def __init__(self, name: str) -> None:
        self.name = name
        netns.create(name)
        self._ns = NetNS(name)
        self._link_up("lo")

    def _index(self, dev: str) -> int:
        found = self._ns.link_lookup(ifname=dev)
        if not found:
            raise OSError(errno.ENODEV, f"no device {dev} on {self.name}")
        return int(found[0])

    def _link_up(self, dev: str) -> None:
        self._ns.link("set", index=self._index(dev), state="up")

    def add_address(self, dev: str, address: str, prefix: int) -> None:
        """Give the device an address; an IPv6 one is usable at once (no duplicate detection)."""
        extra = {"flags": 0x02} if ":" in address else {}  # IFA_F_NODAD
        self._ns.addr("add", index=self._index(dev), address=address, prefixlen=prefix, **extra)

    def remove_address(self, dev: str, address: str, prefix: int) -> None:
        """Take an address away again."""
        self._ns.addr("del", index=self._index(dev), address=address, prefixlen=prefix)

    def addresses(self, dev: str) -> list[str]:
        """Addresses that the device has."""
        return [found.get_attr("IFA_ADDRESS") for found in self._ns.get_addr(index=self._index(dev))]

    def link_address(self, dev: str) -> str:
        """The device's link-layer address."""
        (found,) = self._ns.get_links(self._index(dev))
        return str(found.get_attr("IFLA_ADDRESS"))

    def introduce(self, dev: str, address: str, link_address: str) -> None:
        """Make a neighbour known for good, so that neither ARP nor its loss has a part in anything."""
        neighbour = {"ifindex": self._index(dev), "dst": address, "lladdr": link_address}
        self._ns.neigh("replace", state="permanent", **neighbour)

    def transmitted(self, dev: str) -> int:
        """Bytes that have left by the device."""
        (found,) = self._ns.get_links(self._index(dev))
        return int(found.get_attr("IFLA_STATS64")["tx_bytes"])

    def backlog(self, dev: str) -> int:
        """Bytes that wait in the device's impairment, or are under way in it."""
        for found in self._ns.get_qdiscs(self._index(dev)):
            if found.get_attr("TCA_KIND") == "netem":
                return int(found.get_attr("TCA_STATS2").get_attr("TCA_STATS_QUEUE")["backlog"])
        return 0

    def impair(self, dev: str, impairment: Impairment | None) -> None:
        """Replace what the device does to packets that leave by it; None for nothing."""
        index = self._index(dev)
        with contextlib.suppress(NetlinkError):
            self._ns.tc("del", index=index, handle="1:", root=True)
        if impairment is not None:
            # pyroute2 takes a rate for something else (TCA_RATE).
            self.run("tc", "qdisc", "add", "dev", dev, "root", "handle", "1:", "netem", *impairment.netem())

    def alter(self, dev: str, impairment: Impairment) -> None:
        """Give the device's impairment another delay or loss, without throwing away what is under way."""
        self.run("tc", "qdisc", "change", "dev", dev, "root", "handle", "1:", "netem", *impairment.netem())

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command line that runs `command` on this host."""
        return ["nsenter", f"--net={_RUN / self.name}", "--", *map(str, command)]

    def run(self, *command: str | Path, timeout: float = 60.0, check: bool = True) -> str:
        """Run a command to its end and return what it printed.

        Raises:
            CommandFailed: it exited with an error and `check` is true.
            subprocess.TimeoutExpired: it took longer than `timeout` seconds.
        """
        done = subprocess.run(
            self.argv(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise CommandFailed(" ".join(map(str, command)), done.returncode, done.stdout)
        return done.stdout

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Let the calling thread make its sockets on this host."""
        netns.pushns(self.name)
        try:
            yield
        finally:
            netns.popns()

    def close(self) -> None:
        """Remove the host; programs still on it keep their sockets only."""
        self._ns.close()
        with contextlib.suppress(FileNotFoundError, NetlinkError):
            netns.remove(self.name)


class Machine(Host):
    """The guest itself: its initial network namespace, the only one that some kernel servers serve."""

    def __init__(self) -> None:
        self.name = "machine"
        self._ns = IPRoute()

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """The command line that runs `command` here."""
        return list(map(str, command))

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Threads are here anyway."""
        yield

    def close(self) -> None:
        """Leave it; there is nothing to remove."""
        self._ns.close()


class Link:
    """A cable between two hosts; device `dev` has the same name on both. The machine itself can only be `left`."""

    def __init__(self, left: Host, right: Host, dev: str = "veth0") -> None:
        self.left, self.right, self.dev = left, right, dev
        left._ns.link("add", ifname=dev, kind="veth", peer={"ifname": dev, "net_ns_fd": right.name})
        left._link_up(dev)
        right._link_up(dev)

    def remove(self) -> None:
        """Pull the cable out; the devices are gone with it."""
        self.left._ns.link("del", index=self.left._index(self.dev))

    def impair(self, impairment: Impairment | None) -> None:
        """Treat both directions alike."""
        self.left.impair(self.dev, impairment)
        self.right.impair(self.dev, impairment)

    def alter(self, impairment: Impairment) -> None:
        """Give both ends' impairments another delay or loss, without a packet lost by that."""
        self.left.alter(self.dev, impairment)
        self.right.alter(self.dev, impairment)


@dataclass(frozen=True, slots=True)
class Network:
    """The usual network: a client and a server on one link."""

    cli: Host
    srv: Host
    link: Link

    SERVER_V4 = "10.0.0.1"
    CLIENT_V4 = "10.0.0.2"
    SERVER_V6 = "fd00::1"
    CLIENT_V6 = "fd00::2"


@contextlib.contextmanager
def client_and_server() -> Iterator[Network]:
    """Make the usual network and remove it again."""
    with contextlib.ExitStack() as stack:
        cli, srv = Host("cli"), Host("srv")
        stack.callback(cli.close)
        stack.callback(srv.close)
        link = Link(cli, srv)
        for host, v4, v6 in (
            (srv, Network.SERVER_V4, Network.SERVER_V6),
            (cli, Network.CLIENT_V4, Network.CLIENT_V6),
        ):
            host.add_address(link.dev, v4, 24)
            host.add_address(link.dev, v6, 64)
        yield Network(cli, srv, link)
