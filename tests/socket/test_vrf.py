# SPDX-License-Identifier: GPL-2.0-or-later
"""VRFs: networks of one machine that know nothing of each other, and may have the same addresses."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from kquic.lab.topology import Host, Link
from kquic.sock import Config, Connection, Listener, listen
from kquic.sock._abi import StreamFlags
from kquic.sock.events import StreamData
from quic_pair import TIMEOUT, handshake, raises, read, ready

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN
SERVER = {"v4": "10.9.0.1", "v6": "fd09::1"}
CLIENT = {"v4": "10.9.0.2", "v6": "fd09::2"}
ANY = {"v4": "0.0.0.0", "v6": "::"}
LINK_LOCAL = {"here": "fe80::9:1", "there": "fe80::9:2"}
FAMILIES = ("v4", "v6")
PORT = 4455


@dataclass(frozen=True)
class Networks:
    """A machine with two VRFs, and a neighbour with the same address in each."""

    machine: Host
    red: Host
    blue: Host

    def bound(self, sock: socket.socket, device: str) -> None:
        """Let the socket use one of them."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())

    def listener(self, opened: ExitStack, device: str | None, address: str) -> Listener:
        """A listener of the machine, bound to the device."""
        with self.machine.entered():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = opened.enter_context(Listener.create(family))
        if device:
            self.bound(listener.sock, device)
        listener.set_alpn("data")
        listener.bind(address, PORT)
        listener.listen(5)
        listener.set_timeout(TIMEOUT)
        return listener

    def accept_all(self, value: int) -> None:
        """Whether sockets that are bound to nothing hear what comes by a VRF."""
        self.machine.run("sysctl", "-qw", f"net.ipv4.udp_l3mdev_accept={value}")


@pytest.fixture(scope="module")
def made() -> Iterator[Networks]:
    with ExitStack() as opened:
        machine, red, blue = (opened.enter_context(closing(Host(f"vrf-{name}"))) for name in ("m", "red", "blue"))
        for table, (name, neighbour) in enumerate((("red", red), ("blue", blue)), 1001):
            link = Link(machine, neighbour, f"{name}0")
            machine.run("ip", "link", "add", name, "type", "vrf", "table", str(table))
            machine.run("ip", "link", "set", name, "up")
            machine.run("ip", "link", "set", link.dev, "master", name)
            for family, bits in (("v4", 24), ("v6", 64)):
                machine.add_address(link.dev, SERVER[family], bits)
                neighbour.add_address(link.dev, CLIENT[family], bits)
            machine.add_address(link.dev, LINK_LOCAL["here"], 64)
            neighbour.add_address(link.dev, LINK_LOCAL["there"], 64)
        yield Networks(machine, red, blue)


@pytest.fixture
def nets(made: Networks) -> Iterator[Networks]:
    yield made
    made.accept_all(0)


def client_on(opened: ExitStack, host: Host, family: str) -> Connection:
    """A client of the machine."""
    with host.entered():
        client = opened.enter_context(Connection.create(socket.AF_INET6 if family == "v6" else socket.AF_INET))
    client.connect(SERVER[family], PORT)
    return client


def talk(client: Connection, server: Connection, word: bytes) -> None:
    """There and back."""
    stream = client.open_stream()
    client.send(word, stream, FIN)
    assert read(server, 100) == StreamData(stream, word, fin=True)
    server.send(word[::-1], stream, FIN)
    assert read(client, 100) == StreamData(stream, word[::-1], fin=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_same_addresses_in_two(nets: Networks, family: str) -> None:
    """A listener each, and neither sees the other's client."""
    with ExitStack() as opened:
        listeners = {name: nets.listener(opened, name, SERVER[family]) for name in ("red", "blue")}
        ends = {}
        for name, host in (("red", nets.red), ("blue", nets.blue)):
            client = client_on(opened, host, family)
            ends[name] = client, opened.enter_context(handshake(client, listeners[name]))
        for name, (client, server) in ends.items():
            assert server.peer[0] == CLIENT[family]
            assert server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == name.encode()
            talk(client, server, name.encode())


@pytest.mark.parametrize("family", FAMILIES)
def test_client_of_the_machine(nets: Networks, family: str) -> None:
    """The same address is another server in each."""
    with ExitStack() as opened:
        for name, host in (("red", nets.red), ("blue", nets.blue)):
            with host.entered():
                listener = opened.enter_context(listen(CLIENT[family], alpn=("data",)))
            with nets.machine.entered():
                client = opened.enter_context(Connection.create(listener.sock.family))
            nets.bound(client.sock, name)
            client.connect(CLIENT[family], listener.port)
            assert client.local[0] == SERVER[family]
            talk(client, opened.enter_context(handshake(client, listener)), name.encode())


@pytest.mark.parametrize("family", FAMILIES)
def test_not_without_a_device(nets: Networks, family: str) -> None:
    """Addresses and routes of a VRF are no concern of a socket that is not bound to it."""
    with ExitStack() as opened, nets.machine.entered():
        sock = opened.enter_context(Connection.create(socket.AF_INET6 if family == "v6" else socket.AF_INET))
        with raises(errno.EADDRNOTAVAIL):
            sock.sock.bind((SERVER[family], 0))
        with raises(errno.ENETUNREACH):
            sock.connect(CLIENT[family], PORT)


@pytest.mark.parametrize("retry", [0, 1])
@pytest.mark.parametrize("family", FAMILIES)
def test_listener_of_all(nets: Networks, family: str, retry: int) -> None:
    """As net.ipv4.udp_l3mdev_accept says; a connection then belongs to the VRF that its client is in."""
    nets.accept_all(1)
    with ExitStack() as opened:
        listener = nets.listener(opened, None, ANY[family])
        listener.configure(Config(validate_peer_address=retry))
        for name, host in (("red", nets.red), ("blue", nets.blue)):
            client = client_on(opened, host, family)
            server = opened.enter_context(handshake(client, listener))
            assert server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == name.encode()
            talk(client, server, name.encode())


def test_listener_of_all_is_asked_for(nets: Networks) -> None:
    with ExitStack() as opened:
        nets.listener(opened, None, ANY["v4"])
        client = client_on(opened, nets.red, "v4")
        client.sock.settimeout(TIMEOUT)
        client.send_handshake(1, b"\x01\0\0\0")
        with raises(errno.ENOTCONN):
            client.recv()
        assert client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


@pytest.mark.parametrize("device", ["red", "red0"])
def test_link_local(nets: Networks, device: str) -> None:
    """The scope is a device of the VRF that the socket is bound to, or that device."""
    with ExitStack() as opened:
        with nets.red.entered():
            scope = socket.if_nametoindex("red0")
            listener = opened.enter_context(Listener.create(socket.AF_INET6))
        listener.set_alpn("data")
        listener.sock.bind((LINK_LOCAL["there"], PORT, 0, scope))
        listener.listen(1)
        listener.set_timeout(TIMEOUT)
        with nets.machine.entered():
            scope, foreign = socket.if_nametoindex("red0"), socket.if_nametoindex("blue0")
            client = opened.enter_context(Connection.create(socket.AF_INET6))
        nets.bound(client.sock, device)
        with raises(errno.EINVAL):
            client.sock.connect((LINK_LOCAL["there"], PORT, 0, foreign))
        client.sock.connect((LINK_LOCAL["there"], PORT, 0, scope))
        assert client.sock.getsockname()[3] == scope
        talk(client, opened.enter_context(handshake(client, listener)), b"link")


@pytest.mark.parametrize("family", FAMILIES)
def test_addresses_come_and_go(nets: Networks, family: str) -> None:
    """What changes elsewhere does not make a client believe that its own address is gone."""
    with ExitStack() as opened:
        with nets.red.entered():
            listener = opened.enter_context(listen(CLIENT[family], alpn=("data",)))
        with nets.machine.entered():
            client = opened.enter_context(Connection.create(listener.sock.family))
        nets.bound(client.sock, "red")
        client.connect(CLIENT[family], listener.port)
        server = opened.enter_context(handshake(client, listener))
        local = client.local
        other = {"v4": ("10.9.0.77", 24), "v6": ("fd09::77", 64)}[family]
        nets.machine.add_address("blue0", *other)
        nets.machine.remove_address("blue0", *other)
        talk(client, server, b"still here")
        assert client.local == local


def test_packets_of_another_vrf_are_not_heard(nets: Networks) -> None:
    """Not even genuine ones, which would move the connection there."""
    with ExitStack() as opened:
        listeners = {name: nets.listener(opened, name, SERVER["v4"]) for name in ("red", "blue")}
        client = client_on(opened, nets.red, "v4")
        server = opened.enter_context(handshake(client, listeners["red"]))
        talk(client, server, b"before")
        with nets.red.entered():
            tap = opened.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)))
        tap.bind(("red0", 3))
        tap.settimeout(TIMEOUT)
        with nets.blue.entered():
            smuggler = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        smuggler.bind(client.local[:2])
        nets.machine.run("tc", "qdisc", "add", "dev", "red0", "ingress")
        nets.machine.run("tc", "filter", "add", "dev", "red0", "ingress", "matchall", "action", "drop")
        client.send(b"smuggled", 4, NEW)
        while True:
            packet, (_, _, kind, *_) = tap.recvfrom(2000)
            if kind == socket.PACKET_OUTGOING and packet[9] == socket.IPPROTO_UDP:
                break
        for _ in range(3):
            smuggler.sendto(packet[28:], (SERVER["v4"], PORT))
        assert not ready(server, 300) & select.POLLIN
        nets.machine.run("tc", "qdisc", "del", "dev", "red0", "ingress")
        assert read(server, 8) == StreamData(4, b"smuggled")


def test_vrf_goes_away() -> None:
    """Its sockets stay, and reach nobody."""
    with closing(Host("vrf-gone")) as host, closing(Host("vrf-peer")) as peer, ExitStack() as opened:
        link = Link(host, peer, "gone0")
        host.run("ip", "link", "add", "gone", "type", "vrf", "table", "1003")
        host.run("ip", "link", "set", "gone", "up")
        host.run("ip", "link", "set", link.dev, "master", "gone")
        host.add_address(link.dev, SERVER["v4"], 24)
        peer.add_address(link.dev, CLIENT["v4"], 24)
        nets = Networks(host, peer, peer)
        listener = nets.listener(opened, "gone", SERVER["v4"])
        client = client_on(opened, peer, "v4")
        server = opened.enter_context(handshake(client, listener))
        talk(client, server, b"before")
        host.run("ip", "link", "del", "gone", timeout=5)
        server.send(b"after", flags=NEW)
        assert not ready(client, 200) & select.POLLIN
        server.close()
        listener.close()
