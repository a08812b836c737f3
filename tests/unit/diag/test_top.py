# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic top` counts, sorts and does when a key is pressed."""

from __future__ import annotations

import curses
from dataclasses import replace
from ipaddress import ip_address

import pytest

from kquic.diag import top
from kquic.diag.info import SIZE, Info, StreamCounts
from kquic.diag.query import State
from kquic.diag.rates import Order, Sampler, ordered
from kquic.diag.socket import Endpoint, Socket, Timer
from kquic.diag.top import View, press


def connection(cookie: int, open_streams: int = 0, **numbers: int) -> Socket:
    info = Info.unpack(bytes(SIZE))
    kinds = (StreamCounts(9, 100, open_streams), *info.streams[1:])
    info = replace(info, numbers=info.numbers | numbers, alpn=("smb",), streams=kinds)
    return Socket(
        family=2,
        state=State.ESTABLISHED,
        local=Endpoint(ip_address("10.0.0.2"), 50000 + cookie),
        peer=Endpoint(ip_address("10.0.0.1"), 443),
        interface=0,
        cookie=cookie,
        timer=Timer.OFF,
        retries=0,
        expires_ms=0,
        recv_queue=0,
        send_queue=0,
        uid=0,
        inode=1,
        congestion="cubic",
        mark=None,
        cgroup=None,
        memory=None,
        info=info,
    )


def test_rates() -> None:
    sampler = Sampler()
    (first,) = sampler.look([connection(1, bytes_sent=1000, pkts_lost=4)], 10.0)
    assert (first.sent, first.received, first.lost) == (0, 0, 0)
    (second,) = sampler.look([connection(1, bytes_sent=5000, bytes_received=200, pkts_lost=6)], 12.0)
    assert (second.sent, second.received, second.lost) == (2000, 100, 1)


def test_a_new_connection_is_not_fast() -> None:
    """Nor one that another has made way for: they are told apart by the kernel's cookie."""
    sampler = Sampler()
    sampler.look([connection(1, bytes_sent=10)], 1.0)
    (row,) = sampler.look([connection(2, bytes_sent=1 << 30)], 2.0)
    assert row.sent == 0


@pytest.mark.parametrize(
    ("order", "first"), [(Order.RTT, 1), (Order.WINDOW, 2), (Order.STREAMS, 3), (Order.RATE, 1), (Order.LOSSES, 1)]
)
def test_order(order: Order, first: int) -> None:
    """Equal ones stay in the order of their age."""
    found = [connection(3, 5), connection(2, cwnd=9000), connection(1, smoothed_rtt=7000)]
    assert ordered(Sampler().look(found, 0.0), order)[0].socket.cookie == first


def test_table() -> None:
    numbers = {"smoothed_rtt": 1234, "min_rtt": 1000, "cwnd": 14720, "bytes_in_flight": 2048, "pkts_lost": 3}
    rows = Sampler().look([connection(1, 2, **numbers)], 0.0)
    heading, line = top.table(rows, View())
    assert line.split() == ["10.0.0.2:50001", "10.0.0.1:443", "smb", "0", "0", "1.23", "14K", "2.0K", "0", "3", "2"]
    assert heading.index("ALPN") == line.index("smb")
    assert top.summary(rows, View(paused=True)) == "1 connection, 0/s sent, 0/s received, by rate PAUSED"


def test_keys() -> None:
    view = View()
    for key in "tnp\n+":
        press(view, ord(key), 3)
    expected = (Order.RTT, False, True, True, 1.0)
    assert (view.order, view.numeric, view.paused, view.details, view.delay) == expected
    for key in (curses.KEY_DOWN, curses.KEY_DOWN, curses.KEY_DOWN, curses.KEY_DOWN):
        press(view, key, 3)
    assert view.chosen == 2
    press(view, -1, 1)
    assert view.chosen == 0
    for _ in range(20):
        press(view, ord("+"), 1)
    assert view.delay == 0.25
    press(view, ord("q"), 0)
    assert view.ended
