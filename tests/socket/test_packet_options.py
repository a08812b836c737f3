# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of the lower levels, as the packets on the wire show them."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import pytest

from kquic.lab.topology import Host, Network
from kquic.sock import IPPROTO_QUIC, Config, Connection
from kquic.sock._abi import CryptoLevel, StreamFlags
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, established, raises, read

SO_MARK, SO_MAX_PACING_RATE = 36, 47
IP_TTL, IP_RECVTTL, IP_RECVTOS = socket.IP_TTL, 12, socket.IP_RECVTOS
IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT, IPV6_UNICAST_HOPS = 51, 52, 16
ECN_MASK = 3


@dataclass(frozen=True)
class Seen:
    """The IP header of a packet."""

    tos: int
    ttl: int


@contextmanager
def server(host: str) -> Iterator[socket.socket]:
    """A UDP socket that tells the IP header of what it gets."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5.0)
        if family == socket.AF_INET:
            udp.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
            udp.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        else:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
            udp.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
        udp.bind((host, 0))
        yield udp


def header(udp: socket.socket) -> Seen:
    """Of the next packet."""
    _, cmsgs, _, _ = udp.recvmsg(65536, 256)
    values = {kind: int.from_bytes(data[:1], "little") for _, kind, data in cmsgs}
    if udp.family == socket.AF_INET:
        return Seen(values[socket.IP_TOS], values[IP_TTL])
    return Seen(values[socket.IPV6_TCLASS], values[IPV6_HOPLIMIT])


def first_packet(udp: socket.socket, *options: tuple[int, int, int], late: bool = False) -> Seen:
    """What the header of a client's Initial is with these options, set before connect() or after it."""
    with Connection.create(udp.family) as client:
        for option in () if late else options:
            client.sock.setsockopt(*option)
        client.connect(*udp.getsockname()[:2])
        for option in options if late else ():
            client.sock.setsockopt(*option)
        client.send_handshake(CryptoLevel.INITIAL, client_hello())
        return header(udp)


def lead_nowhere(host: Host, device: str) -> None:
    """A device with a network, and in it a neighbour 192.0.2.9 that never answers."""
    for command in (
        f"ip link add {device} type dummy",
        f"ip link set {device} up",
        f"ip addr add 192.0.2.1/24 dev {device}",
        f"ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev {device}",
    ):
        host.run(*command.split())


def sent(host: Host, device: str) -> int:
    """Bytes that have left by a device."""
    (link,) = json.loads(host.run("ip", "-s", "-j", "link", "show", device))
    return int(link["stats64"]["tx"]["bytes"])


class TestHeaders:
    """DSCP and TTL; the ECN bits belong to the stack."""

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize("tos", [0, 0x20, 0xB8, 0xBB])
    def test_tos(self, tos: int, late: bool) -> None:
        with server(LOCALHOST) as udp:
            seen = first_packet(udp, (socket.IPPROTO_IP, socket.IP_TOS, tos), late=late)
            assert seen.tos & ~ECN_MASK == tos & ~ECN_MASK

    @pytest.mark.parametrize("late", [False, True])
    def test_traffic_class(self, late: bool) -> None:
        with server("::1") as udp:
            seen = first_packet(udp, (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0xB8), late=late)
            assert seen.tos & ~ECN_MASK == 0xB8

    @pytest.mark.parametrize("late", [False, True])
    def test_ttl(self, late: bool) -> None:
        with server(LOCALHOST) as udp:
            assert first_packet(udp, (socket.IPPROTO_IP, IP_TTL, 7), late=late).ttl == 7

    @pytest.mark.parametrize("late", [False, True])
    def test_hop_limit(self, late: bool) -> None:
        with server("::1") as udp:
            assert first_packet(udp, (socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9), late=late).ttl == 9

    def test_defaults(self) -> None:
        with server(LOCALHOST) as udp:
            seen = first_packet(udp)
            assert (seen.tos & ~ECN_MASK, seen.ttl) == (0, 64)


class TestLater:
    """Options that change while a connection is in use."""

    @pytest.mark.parametrize(
        ("host", "option", "value", "seen"),
        [
            (LOCALHOST, (socket.IPPROTO_IP, socket.IP_TOS), 0xB8, "tos"),
            (LOCALHOST, (socket.IPPROTO_IP, IP_TTL), 9, "ttl"),
            ("::1", (socket.IPPROTO_IPV6, socket.IPV6_TCLASS), 0xB8, "tos"),
            ("::1", (socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9, "ttl"),
        ],
    )
    def test_next_packet_has_it(self, host: str, option: tuple[int, int], value: int, seen: str) -> None:
        """A ClientHello that nobody answers is sent again."""
        with server(host) as udp, Connection.create(udp.family) as client:
            client.configure(Config(initial_smoothed_rtt=10_000))
            client.connect(*udp.getsockname()[:2])
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            assert getattr(header(udp), seen) & ~ECN_MASK != value & ~ECN_MASK
            client.sock.setsockopt(*option, value)
            while (now := getattr(header(udp), seen)) & ~ECN_MASK != value & ~ECN_MASK:
                assert now

    def test_mark(self) -> None:
        """The next packet takes another route, which is none."""
        with closing(Host("edge")) as host, ExitStack() as opened:
            lead_nowhere(host, "one")
            for command in (
                "ip link add two type dummy",
                "ip link set two up",
                "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev two",
                "ip route add 192.0.2.0/24 dev two table 4242",
                "ip rule add fwmark 42 lookup 4242",
            ):
                host.run(*command.split())
            with host.entered():
                client = opened.enter_context(Connection.create(socket.AF_INET))
            client.configure(Config(initial_smoothed_rtt=10_000))
            client.connect("192.0.2.9", 4433)
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            assert sent(host, "one") >= 1200
            before = sent(host, "two")
            client.sock.setsockopt(socket.SOL_SOCKET, SO_MARK, 42)
            deadline = time.monotonic() + TIMEOUT
            while sent(host, "two") < before + 1200:
                assert time.monotonic() < deadline


class TestPriority:
    """SO_PRIORITY is the packet's, which a queueing discipline goes by."""

    @pytest.mark.parametrize(("priority", "band"), [(0, 2), (6, 1), (2, 3)])
    def test_band(self, priority: int, band: int) -> None:
        with closing(Host("edge")) as host, ExitStack() as opened:
            lead_nowhere(host, "one")
            host.run("tc", "qdisc", "add", "dev", "one", "root", "handle", "1:", "prio", "bands", "3")
            with host.entered():
                client = opened.enter_context(Connection.create(socket.AF_INET))
            client.connect("192.0.2.9", 4433)
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, priority)
            before = self._bytes(host)
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            grown = [now - then for then, now in zip(before, self._bytes(host), strict=True)]
            assert [number for number, size in enumerate(grown, 1) if size >= 1200] == [band]

    @staticmethod
    def _bytes(host: Host) -> list[int]:
        classes = json.loads(host.run("tc", "-s", "-j", "class", "show", "dev", "one"))
        return [found["stats"]["bytes"] for found in sorted(classes, key=lambda found: str(found["handle"]))]


class TestMark:
    """SO_MARK chooses the route and is in the packet."""

    @pytest.fixture(autouse=True)
    def rule(self) -> Iterator[None]:
        rule = ["fwmark", "42", "lookup", "4242"]
        subprocess.run(["ip", "rule", "add", "pref", "1", *rule], check=True, timeout=10)
        subprocess.run(["ip", "route", "add", "unreachable", "default", "table", "4242"], check=True, timeout=10)
        # The table of local addresses comes after ours.
        subprocess.run(["ip", "rule", "add", "pref", "2", "lookup", "local"], check=True, timeout=10)
        subprocess.run(["ip", "rule", "del", "pref", "0"], check=True, timeout=10)
        yield
        subprocess.run(["ip", "rule", "add", "pref", "0", "lookup", "local"], check=True, timeout=10)
        subprocess.run(["ip", "rule", "del", "pref", "2"], check=True, timeout=10)
        subprocess.run(["ip", "rule", "del", "pref", "1"], check=True, timeout=10)
        subprocess.run(["ip", "route", "flush", "table", "4242"], check=True, timeout=10)

    def test_connect(self) -> None:
        with Connection.create(socket.AF_INET) as client:
            client.sock.setsockopt(socket.SOL_SOCKET, SO_MARK, 42)
            with raises(errno.EHOSTUNREACH):
                client.connect(LOCALHOST, 4433)
            client.sock.setsockopt(socket.SOL_SOCKET, SO_MARK, 0)
            client.connect(LOCALHOST, 4433)

    def test_after_connect(self) -> None:
        with server(LOCALHOST) as udp, Connection.create(socket.AF_INET) as client:
            client.connect(*udp.getsockname())
            client.sock.setsockopt(socket.SOL_SOCKET, SO_MARK, 42)
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            udp.settimeout(0.3)
            with pytest.raises(TimeoutError):
                udp.recv(2000)


class TestDevice:
    """SO_BINDTODEVICE."""

    def test_packets_leave_by_it(self) -> None:
        """Whatever the routes say."""
        with closing(Host("edge")) as host, host.entered(), Connection.create(socket.AF_INET) as client:
            for device, address in (("one", "192.0.2.1/24"), ("two", "198.51.100.1/24")):
                host.run("ip", "link", "add", device, "type", "dummy")
                host.run("ip", "link", "set", device, "up")
                host.run("ip", "addr", "add", address, "dev", device)
            host.run("ip", "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "two")
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"two")
            client.connect("192.0.2.9", 4433)
            before = sent(host, "two")
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            assert sent(host, "two") >= before + 1200
            assert client.local[0] == "198.51.100.1"

    def test_listener_hears_its_device_only(self, net: Network) -> None:
        with ExitStack() as opened:
            with net.srv.entered():
                listener = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_QUIC))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
                listener.bind(("0.0.0.0", 0))
                listener.listen(1)
            with net.cli.entered():
                client = opened.enter_context(Connection.create(socket.AF_INET))
            port = listener.getsockname()[1]
            client.connect(Network.SERVER_V4, port)
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            listener.settimeout(0.3)
            with pytest.raises(TimeoutError):
                listener.accept()
            with net.srv.entered():
                near = opened.enter_context(Connection.create(socket.AF_INET))
            near.connect(LOCALHOST, port)
            near.send_handshake(CryptoLevel.INITIAL, client_hello())
            listener.settimeout(5.0)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


class TestPace:
    """SO_MAX_PACING_RATE."""

    def test_bound_is_in_force(self) -> None:
        payload = os.urandom(100_000)
        with established() as pair:
            pair.client.sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, struct.pack("=Q", 20_000))
            pair.client.send_all(payload, flags=StreamFlags.NEW)
            info = pair.client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 112)
            assert struct.unpack_from("=Q", info, 104)[0] == 20_000
            pair.client.sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, struct.pack("=Q", 2**40))
            assert read(pair.server, len(payload)).data == payload
