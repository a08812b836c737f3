# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount whose client changes its address under way: no error, no reconnect."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kquic.lab.topology import Impairment, Network

NEW = "10.0.0.9"


@pytest.fixture
def replaced(net: Network) -> Iterator[None]:
    """Puts the client's address back."""
    yield
    for address in (NEW, Network.CLIENT_V4):
        if address in net.cli.addresses(net.link.dev):
            net.cli.remove_address(net.link.dev, address, 24)
    net.cli.add_address(net.link.dev, Network.CLIENT_V4, 24)


def clients(net: Network) -> list[str]:
    """Where the server's connections come from."""
    lines = net.srv.run("cat", "/proc/net/quic/conns").splitlines()[1:]
    return [line.split("\t")[3].rpartition(":")[0] for line in lines]


def wait_until_moved(net: Network) -> None:
    """The server follows at once, but shows the new address only when that has answered its challenges."""
    deadline = time.monotonic() + 20
    while (shown := clients(net)) != [NEW]:
        assert time.monotonic() < deadline, shown
        time.sleep(0.02)


def instance(debug_data) -> int:
    """How often the connection was made."""
    found = re.search(r"Instance: (\d+)", debug_data())
    assert found
    return int(found[1])


def replace(net: Network, after: float) -> None:
    """The client loses its address, and gets another one a moment later."""
    time.sleep(after)
    net.cli.remove_address(net.link.dev, Network.CLIENT_V4, 24)
    time.sleep(1)
    net.cli.add_address(net.link.dev, NEW, 24)


@pytest.mark.parametrize("direction", ["write", "read"])
def test_copy_goes_on(mounts, samba, net: Network, replaced: None, debug_data, klog, direction: str) -> None:
    data = os.urandom(8 << 20)
    with mounts.mounted() as point, ThreadPoolExecutor(1) as mover:
        if direction == "read":
            (samba.path() / "big").write_bytes(data)
        before = instance(debug_data)
        net.link.impair(Impairment(delay_ms=10))
        moving = mover.submit(replace, net, 0.3)
        if direction == "write":
            with (point / "big").open("wb") as file:
                file.write(data)
                os.fsync(file.fileno())
        else:
            assert hashlib.sha256((point / "big").read_bytes()).digest() == hashlib.sha256(data).digest()
        moving.result()
        net.link.impair(None)
        (point / "after").write_text("after the move")
        wait_until_moved(net)
        assert instance(debug_data) == before
        assert klog.lines("reconnect") == []
        assert (samba.path() / "big").read_bytes() == data
