# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients whose own address goes away, and servers that would rather be reached elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kquic.lab.topology import Host, Impairment, Link, Network
from kquic.sock import TransportParams

from .moving import Pair, Plan, Transfer, free_port, moving, say, wait_migrated

FAMILIES = {
    4: (Network.SERVER_V4, Network.CLIENT_V4, "10.0.0.7", 24),
    6: (Network.SERVER_V6, Network.CLIENT_V6, "fd00::7", 64),
}
SECOND = "veth1"


@pytest.fixture(params=[4, 6])
def where(request: pytest.FixtureRequest, net: Network) -> Iterator[tuple[Plan, str, str, int]]:
    """A plan between two hosts; the client's address, another one, and their prefix length."""
    server, old, new, prefix = FAMILIES[request.param]
    yield Plan(host=server, client_on=net.cli, server_on=net.srv), old, new, prefix
    for address in (new, old):  # a second address may go with the first
        if address in net.cli.addresses(net.link.dev):
            net.cli.remove_address(net.link.dev, address, prefix)
    net.cli.add_address(net.link.dev, old, prefix)


@pytest.fixture
def second(net: Network) -> Iterator[Host]:
    """Another link between the hosts, whose route to the server is worse than the first one's."""
    link = Link(net.cli, net.srv, SECOND)
    net.cli.add_address(SECOND, "10.1.0.2", 24)
    net.srv.add_address(SECOND, "10.1.0.1", 24)
    net.srv.add_address("lo", Network.SERVER_V4, 32)  # reachable whichever link is up
    net.cli.run("ip", "route", "add", Network.SERVER_V4, "via", "10.1.0.1", "metric", "500")
    net.cli.run("ip", "route", "add", Network.SERVER_V4, "dev", net.link.dev, "metric", "100")
    for host in (net.cli, net.srv):
        host.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", f"net.ipv4.conf.{SECOND}.rp_filter=0")
    yield net.cli
    net.cli.run("ip", "link", "del", link.dev)
    net.cli.run("ip", "link", "set", net.link.dev, "up")
    net.cli.run("ip", "route", "del", Network.SERVER_V4, "dev", net.link.dev, "metric", "100", check=False)
    net.srv.remove_address("lo", Network.SERVER_V4, 32)
    for host, address in ((net.cli, Network.CLIENT_V6), (net.srv, Network.SERVER_V6)):
        if address not in host.addresses(net.link.dev):
            host.add_address(net.link.dev, address, 64)


def assert_moved(pair: Pair, address: str) -> None:
    """Both ends know the client's new address."""
    assert pair.client.local[0] == address
    assert pair.server.sock.getpeername()[0] == address


class TestAddressReplaced:
    @pytest.mark.parametrize("sender", ["client", "server"])
    def test_during_a_transfer(self, net: Network, where: tuple[Plan, str, str, int], sender: str) -> None:
        plan, old, new, prefix = where
        net.link.impair(Impairment(delay_ms=10))
        with moving(plan) as pair:
            ends = (pair.client, pair.server) if sender == "client" else (pair.server, pair.client)
            transfer = Transfer(*ends)
            transfer.wait_for(transfer.size // 4)
            net.cli.remove_address(net.link.dev, old, prefix)
            time.sleep(0.3)
            net.cli.add_address(net.link.dev, new, prefix)
            transfer.finish()
            say(pair.client, pair.server)
            assert_moved(pair, new)

    def test_while_nothing_is_said(self, net: Network, where: tuple[Plan, str, str, int]) -> None:
        plan, old, new, prefix = where
        with moving(plan) as pair:
            say(pair.client, pair.server)
            net.cli.remove_address(net.link.dev, old, prefix)
            net.cli.add_address(net.link.dev, new, prefix)
            assert wait_migrated(pair.client).local
            assert not wait_migrated(pair.server).local
            assert_moved(pair, new)
            say(pair.server, pair.client)

    def test_old_address_comes_back(self, net: Network, where: tuple[Plan, str, str, int]) -> None:
        plan, old, _, prefix = where
        with moving(plan) as pair:
            net.cli.remove_address(net.link.dev, old, prefix)
            pair.client.send_all(b"later", flags=0x600)
            time.sleep(0.5)
            net.cli.add_address(net.link.dev, old, prefix)
            assert pair.server.recv().data == b"later"  # type: ignore[union-attr]
            assert_moved(pair, old)

    def test_two_moves(self, net: Network, where: tuple[Plan, str, str, int]) -> None:
        plan, old, new, prefix = where
        with moving(plan) as pair:
            for gone, come in ((old, new), (new, old)):
                net.cli.remove_address(net.link.dev, gone, prefix)
                net.cli.add_address(net.link.dev, come, prefix)
                wait_migrated(pair.client)
                wait_migrated(pair.server)
                assert_moved(pair, come)


class TestStays:
    """Clients that do not go elsewhere by themselves."""

    def stays(self, net: Network, plan: Plan) -> None:
        _, old, new, prefix = FAMILIES[4]
        with moving(plan) as pair:
            say(pair.client, pair.server)
            net.cli.remove_address(net.link.dev, old, prefix)
            net.cli.add_address(net.link.dev, new, prefix)
            pair.client.send_all(b"later", flags=0x600)
            time.sleep(0.5)
            assert pair.client.local[0] == old
            net.cli.add_address(net.link.dev, old, prefix)
            assert pair.server.recv().data == b"later"  # type: ignore[union-attr]

    @pytest.mark.parametrize("where", [4], indirect=True)
    def test_bound_to_its_address(self, net: Network, where: tuple[Plan, str, str, int]) -> None:
        plan, old, *_ = where
        self.stays(net, replace(plan, client_host=old))

    @pytest.mark.parametrize("where", [4], indirect=True)
    def test_server_forbids(self, net: Network, where: tuple[Plan, str, str, int]) -> None:
        self.stays(net, replace(where[0], params=TransportParams(disable_active_migration=1)))


class TestOtherLink:
    plan = Plan(host=Network.SERVER_V4)

    def plan_on(self, net: Network) -> Plan:
        return replace(self.plan, client_on=net.cli, server_on=net.srv)

    def test_device_goes_down(self, net: Network, second: Host) -> None:
        with moving(self.plan_on(net)) as pair:
            transfer = Transfer(pair.client, pair.server)
            second.run("ip", "link", "set", net.link.dev, "down")
            transfer.finish()
            assert_moved(pair, "10.1.0.2")

    def test_cable_is_pulled(self, net: Network, second: Host) -> None:
        net.link.impair(Impairment(rate_mbit=10))  # so that it is not over before
        with moving(self.plan_on(net)) as pair:
            transfer = Transfer(pair.server, pair.client)
            net.srv.run("ip", "link", "set", net.link.dev, "down")
            second.run("ip", "route", "del", Network.SERVER_V4, "dev", net.link.dev, "metric", "100")
            transfer.finish()
            assert_moved(pair, "10.1.0.2")
            net.srv.run("ip", "link", "set", net.link.dev, "up")

    def test_packets_vanish_and_the_route_changes(self, net: Network, second: Host) -> None:
        """Both addresses stay, as when a radio link has become useless."""
        with moving(self.plan_on(net)) as pair:
            say(pair.client, pair.server)
            net.link.impair(Impairment(loss_percent=100))
            second.run("ip", "route", "del", Network.SERVER_V4, "dev", net.link.dev, "metric", "100")
            second.run("ip", "route", "replace", Network.SERVER_V4, "via", "10.1.0.1", "metric", "10")
            pair.client.send_all(b"over there", flags=0x600)
            assert wait_migrated(pair.client).local
            assert not wait_migrated(pair.server).local
            assert pair.server.recv().data == b"over there"  # type: ignore[union-attr]
            second.run("ip", "route", "del", Network.SERVER_V4, "metric", "10")


class TestPreferred:
    """A server's preferred address (RFC 9000, 9.6)."""

    def test_client_goes_there(self) -> None:
        port = free_port("127.0.0.5")
        plan = Plan(prepare=lambda server: server.migrate("127.0.0.5", port))
        with moving(plan) as pair:
            assert not wait_migrated(pair.client).local
            assert pair.client.sock.getpeername() == ("127.0.0.5", port)
            assert wait_migrated(pair.server).local
            assert pair.server.local == ("127.0.0.5", port)
            say(pair.client, pair.server)
            say(pair.server, pair.client)

    def test_other_family(self, net: Network) -> None:
        plan = Plan(host="::ffff:" + Network.SERVER_V4, client_on=net.cli, server_on=net.srv)
        with net.srv.entered():
            port = free_port(Network.SERVER_V6)
        plan = replace(plan, listen_on="::", prepare=lambda server: server.migrate(Network.SERVER_V6, port))
        with moving(plan) as pair:
            assert not wait_migrated(pair.client).local
            assert pair.client.sock.getpeername()[:2] == (Network.SERVER_V6, port)
            assert pair.client.local[0] == Network.CLIENT_V6
            assert wait_migrated(pair.server).local
            say(pair.client, pair.server)

    def test_address_that_does_not_answer(self) -> None:
        """The server cannot bind to it, because somebody else has."""
        with moving(Plan(prepare=lambda server: server.migrate("192.0.2.1", 4433))) as pair:
            say(pair.client, pair.server)
            time.sleep(0.5)
            say(pair.client, pair.server)
            assert pair.client.sock.getpeername()[0] == "127.0.0.1"
