# SPDX-License-Identifier: GPL-2.0-or-later
"""What is less than a batch waits for more while another is under way on a short path; not if an answer is awaited."""

from __future__ import annotations

import fcntl
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from kquic.diag import Query, sockets
from kquic.lab.topology import Impairment, Network
from kquic.sock import Connection, TransportParams, listen
from quic_pair import Pair, handshake, read, ready
from sysctls import sysctl

WRITE = 64 << 10
"""Some 44 full packets, which are a batch, and two."""
BATCH = 32768
"""What is worth an skb."""
SIOCOUTQNSD = 0x894B
SHORT_US = 1000
LATE = 5.0
"""Seconds that the server may take for an ACK, and a probe timeout longer than any test."""


def known(end: Connection, name: str) -> int:
    """What the kernel tells about it."""
    (found,) = sockets(Query(local_port=end.port))
    assert found.info
    return found.info[name]


@contextmanager
def on_path(net: Network) -> Iterator[Pair]:
    """A connection between two hosts, whose first megabytes are over."""
    with net.srv.entered():
        listener = listen(net.SERVER_V4, 0, alpn=("data",))
    with listener, Connection.create(socket.AF_INET) as client:
        listener.set_transport_params(TransportParams(max_ack_delay=int(LATE * 1e6)))
        client.connect(net.SERVER_V4, listener.port)
        with handshake(client, listener) as server:
            client.open_stream()
            yield Pair(client, server)


@pytest.fixture
def pair(net: Network) -> Iterator[Pair]:
    """It, on a path that is short enough: a kernel with all its checks may be too slow for that.

    BBR's window is as large after an idle moment as before it.
    """
    with net.cli.entered(), sysctl("congestion_control", "bbr"), on_path(net) as pair:
        transfer(pair, 64)
        if known(pair.client, "min_rtt") >= SHORT_US:
            pytest.skip("round trips take too long")
        yield pair


def transfer(pair: Pair, writes: int, owed: int = 0) -> None:
    """From the client to the server, which reads all the time, that and what was written before."""
    reader = threading.Thread(target=read, args=(pair.server, writes * WRITE + owed))
    reader.start()
    for _ in range(writes):
        pair.client.send_all(bytes(WRITE))
    reader.join()


def batches(net: Network) -> int:
    """What the client's host has given to its device."""
    lines = net.cli.run("cat", "/proc/net/quic/snmp").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("QuicOutBatches"))


def test_writes_that_follow_each_other_share_batches(net: Network, pair: Pair) -> None:
    """Each would be three otherwise: a batch, a full packet, and a small one when something was acknowledged."""
    writes = 128
    before = batches(net)
    transfer(pair, writes)
    assert (batches(net) - before) / writes < 2.3


def poll(client: Connection) -> None:
    ready(client, 100)


def receive(client: Connection) -> None:
    client.set_timeout(0.1)
    with suppress(BlockingIOError):
        client.recv()


def try_to_receive(client: Connection) -> None:
    with suppress(BlockingIOError):
        client.sock.recv(1, socket.MSG_DONTWAIT)


@pytest.mark.parametrize("wait", [poll, receive, try_to_receive])
def test_the_rest_leaves_when_an_answer_is_awaited(
    net: Network, pair: Pair, wait: Callable[[Connection], None]
) -> None:
    """No acknowledgment comes that would let it go."""
    sent = WRITE - held(net, pair)
    assert len(read(pair.server, sent).data) == sent
    assert rest(pair.server, 0.3) == 0
    wait(pair.client)
    assert len(read(pair.server, WRITE - sent).data) == WRITE - sent


def test_the_rest_leaves_while_somebody_waits_for_an_answer(net: Network, pair: Pair) -> None:
    waiting = held(net, pair)
    assert len(read(pair.server, WRITE - waiting).data) == WRITE - waiting
    net.srv.impair(net.link.dev, None)
    transfer(pair, 8, waiting)
    until_acknowledged(pair)
    net.srv.impair(net.link.dev, Impairment(loss_percent=100))
    with select.epoll() as poll:
        poll.register(pair.client.fileno(), select.EPOLLIN)
        pair.client.send_all(bytes(WRITE))
        if known(pair.client, "cwnd") < 2 * WRITE:
            pytest.skip("the window is what holds data back")
        assert len(read(pair.server, WRITE).data) == WRITE


def test_the_rest_leaves_when_the_batch_is_acknowledged(pair: Pair) -> None:
    until_acknowledged(pair)
    pair.client.send_all(bytes(WRITE))
    assert len(read(pair.server, WRITE).data) == WRITE


def unsent(end: Connection) -> int:
    """Bytes that were written and have not left."""
    answer = fcntl.ioctl(end.fileno(), SIOCOUTQNSD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


def held(net: Network, pair: Pair) -> int:
    """After a write no acknowledgment of which arrives: how much of it waits for more of a batch.

    The pacer may divide a write so that all of it leaves at once; then there is another.
    """
    owed = 0
    for _ in range(20):
        transfer(pair, 8, owed)
        until_acknowledged(pair)
        net.srv.impair(net.link.dev, Impairment(loss_percent=100))
        pair.client.send_all(bytes(WRITE))
        waiting = unsent(pair.client)
        if 0 < waiting < BATCH <= known(pair.client, "bytes_in_flight"):
            return waiting
        net.srv.impair(net.link.dev, None)
        owed = WRITE
    pytest.skip("the pacer divides all writes")


def until_acknowledged(pair: Pair) -> None:
    """The client has nothing under way."""
    deadline = time.monotonic() + LATE
    while known(pair.client, "bytes_in_flight"):
        assert time.monotonic() < deadline


def rest(server: Connection, seconds: float) -> int:
    """How many bytes come within that time."""
    got, deadline = 0, time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if ready(server, int(left * 1000)) & select.POLLIN:
            got += len(server.sock.recv(WRITE))
    return got
