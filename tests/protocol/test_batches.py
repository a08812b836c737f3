# SPDX-License-Identifier: GPL-2.0-or-later
"""Many datagrams that reach an endpoint as one (UDP GSO and GRO) are as many datagrams to QUIC."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from kquic.sock import TransportParams
from quic_pair import established, read

from .conftest import Listen, Raw
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
