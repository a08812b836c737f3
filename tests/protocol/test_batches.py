# SPDX-License-Identifier: GPL-2.0-or-later
"""Many datagrams that reach an endpoint as one (UDP GSO and GRO) are as many datagrams to QUIC."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kquic.lab.topology import Host, Network
from kquic.sock import Connection, TransportParams
from quic_pair import established, read

from .conftest import Listen, Raw
from .moving import Plan, moving
from .wire import DATAGRAM, RawClient, client_hello, crypto

UDP_SEGMENT = 103
"""<linux/udp.h>: the size into which what is sent is cut."""


def send_batch(udp: socket.socket, size: int, datagrams: list[bytes]) -> None:
    udp.setsockopt(socket.SOL_UDP, UDP_SEGMENT, size)
    udp.send(b"".join(datagrams))


def udp_datagrams() -> int:
    """What UDP sockets of this network namespace have been given."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if "Udp:" in line[:4])
    return int(values[names.index("InDatagrams")])


def packets_opened() -> int:
    lines = Path("/proc/net/quic/snmp").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("QuicPktDecFastpaths"))


def test_first_packets_of_several_clients(listener: Listen, client: Raw) -> None:
    server = listener()
    raw: RawClient = client(server)
    hello = crypto(client_hello())
    others = [RawClient(raw.server, scid=os.urandom(8)) for _ in range(2)]
    send_batch(raw.udp, DATAGRAM, [each.initial(hello) for each in (raw, *others)])
    for _ in range(3):
        server.accept().close()
    for other in others:
        other.close()


def test_unknown_connections_are_reset_one_by_one(listener: Listen, client: Raw) -> None:
    raw: RawClient = client(listener())
    sizes = [60, 60, 60, 30]
    send_batch(raw.udp, 60, [b"\x41" + os.urandom(size - 1) for size in sizes])
    answers = [raw.udp.recv(2048) for _ in sizes]
    assert all(len(answer) < size for answer, size in zip(answers, sizes, strict=True))


def test_bulk_data_comes_in_batches() -> None:
    data = os.urandom(4 << 20)
    with established(TransportParams(max_udp_payload_size=1472)) as pair:
        pair.client.open_stream()
        udp, opened = udp_datagrams(), packets_opened()
        sender = threading.Thread(target=pair.client.send_all, args=(data,))
        sender.start()
        assert read(pair.server, len(data)).data == data
        sender.join()
        assert packets_opened() - opened > len(data) / 1472
        assert (packets_opened() - opened) / (udp_datagrams() - udp) > 4


def steered(host: Host | None = None) -> int:
    """Datagrams and batches that were left to another processor, on a host or here."""
    path = Path("/proc/net/quic/snmp")
    lines = (host.run("cat", path) if host else path.read_text()).splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("QuicPktRcvSteered"))


needs_two = pytest.mark.skipif(os.cpu_count() == 1, reason="there is one processor")


def send_from(cpu: int, sender: Connection, data: bytes) -> threading.Thread:
    """Send from a processor of its own."""

    def send() -> None:
        os.sched_setaffinity(0, {cpu})
        sender.send_all(data)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.fixture
def everywhere() -> Iterator[None]:
    """The test may choose its processors."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


@needs_two
@pytest.mark.usefixtures("everywhere")
def test_bulk_data_is_handled_where_the_reader_runs() -> None:
    data = os.urandom(4 << 20)
    os.sched_setaffinity(0, {0})
    with established(TransportParams(max_udp_payload_size=1472)) as pair:
        pair.client.open_stream()
        before = steered()
        sender = send_from(1, pair.client, data)
        assert read(pair.server, len(data)).data == data
        sender.join()
        assert steered() > before


@pytest.fixture(params=[False, True], ids=["netif_rx", "napi"])
def napi(request: pytest.FixtureRequest, net: Network) -> Iterator[bool]:
    """Whether the server's device delivers by NAPI, which veth does where the other end does without TSO."""
    gro, tso = ("on", "off") if request.param else ("off", "on")
    net.srv.run("ethtool", "-K", net.link.dev, "gro", gro)
    net.cli.run("ethtool", "-K", net.link.dev, "tso", tso)
    yield request.param
    net.srv.run("ethtool", "-K", net.link.dev, "gro", "off")
    net.cli.run("ethtool", "-K", net.link.dev, "tso", "on")


@needs_two
@pytest.mark.usefixtures("everywhere")
def test_bulk_data_of_a_device_is_handled_where_it_comes(net: Network, napi: bool) -> None:
    data = os.urandom(4 << 20)
    os.sched_setaffinity(0, {0})
    with moving(Plan(net.SERVER_V4, client_on=net.cli, server_on=net.srv)) as pair:
        before = steered(net.srv)
        pair.client.open_stream()
        sender = send_from(1, pair.client, data)
        assert read(pair.server, len(data)).data == data
        sender.join()
        assert (steered(net.srv) == before) == napi


@needs_two
@pytest.mark.usefixtures("everywhere")
def test_a_reader_that_changes_processors_loses_nothing() -> None:
    data = os.urandom(8 << 20)
    piece = 256 << 10
    with established(TransportParams(max_udp_payload_size=1472)) as pair:
        pair.client.open_stream()
        sender = send_from(0, pair.client, data)
        for turn, begin in enumerate(range(0, len(data), piece)):
            os.sched_setaffinity(0, {turn % 2})
            assert read(pair.server, piece).data == data[begin : begin + piece]
        sender.join()


@needs_two
@pytest.mark.usefixtures("everywhere")
def test_small_messages_wake_no_other_processor() -> None:
    os.sched_setaffinity(0, {0})
    with established() as pair:
        pair.client.open_stream()
        before = steered()
        for number in range(20):
            message = bytes([number]) * 1000
            send_from(1, pair.client, message).join()
            assert read(pair.server, len(message)).data == message
        assert steered() == before
