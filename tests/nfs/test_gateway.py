# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount over QUIC of knfsd, which is reached over TCP."""

from __future__ import annotations

from file_content import MIB, copy_both_ways
from gateway import gateway
from kquic.lab.topology import Network

from .test_recovery import client_info, wait_for


def test_files_go_both_ways(mounts, nfsd, net: Network, certs) -> None:
    with gateway(net.srv, certs, "sunrpc", 20490, 2049), mounts.mounted("port=20490") as point:
        copy_both_ways(point, nfsd.path("export"), 4 * MIB)


def test_callbacks_find_their_way(mounts, nfsd, net: Network, certs) -> None:
    """The server calls back on the TCP connection, and the gateway on a stream of its own."""
    with gateway(net.srv, certs, "sunrpc", 20490, 2049), mounts.mounted("port=20490", "streams=4"):
        wait_for(lambda: "callback state: UP" in client_info(nfsd), "the server cannot call back")
