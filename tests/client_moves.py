# SPDX-License-Identifier: GPL-2.0-or-later
"""A client that changes its address again and again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyroute2.netlink.exceptions import NetlinkError

from kquic.lab.topology import Network

OTHER_V4 = "10.0.0.9"


@contextmanager
def client_moves(net: Network, pause: float = 0.5) -> Iterator[list[str]]:
    """Replace the client's address after each pause; the list grows with each new one. It has its own in the end."""
    stopping, taken = threading.Event(), [Network.CLIENT_V4]

    def run() -> None:
        while not stopping.wait(pause):
            new = OTHER_V4 if taken[-1] == Network.CLIENT_V4 else Network.CLIENT_V4
            net.cli.remove_address(net.link.dev, taken[-1], 24)
            net.cli.add_address(net.link.dev, new, 24)
            taken.append(new)

    mover = threading.Thread(target=run)
    mover.start()
    try:
        yield taken
    finally:
        stopping.set()
        mover.join()
        if taken[-1] != Network.CLIENT_V4:
            with suppress(NetlinkError):
                net.cli.remove_address(net.link.dev, OTHER_V4, 24)
            net.cli.add_address(net.link.dev, Network.CLIENT_V4, 24)
