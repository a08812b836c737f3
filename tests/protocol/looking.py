# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tells about an end of a connection."""

from __future__ import annotations

from contextlib import nullcontext

from kquic.diag import Query, sockets
from kquic.diag.info import Info
from kquic.lab.topology import Host
from kquic.sock import Connection


def look(end: Connection, on: Host | None = None) -> Info:
    """All that sock_diag knows of a connection, which is on a host or here."""
    query = Query(local_port=end.local[1], peer_port=end.sock.getpeername()[1])
    with on.entered() if on else nullcontext():
        (found,) = sockets(query)
    assert found.info
    return found.info
