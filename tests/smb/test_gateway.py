# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounts over QUIC of a server that is reached over TCP."""

from __future__ import annotations

import errno
import time

from file_content import MIB, copy_both_ways
from gateway import gateway
from kquic.lab.topology import Network

PORT = 7443


def test_files_go_both_ways(mounts, samba, net: Network, certs) -> None:
    with gateway(net.srv, certs, "smb", PORT, 445):
        with mounts.mounted(f"port={PORT}") as point:
            copy_both_ways(point, samba.path(), 4 * MIB)
            assert "127.0.0.1:445" in net.srv.run("ss", "-tnH", "state", "established")
        deadline = time.monotonic() + 20
        while "127.0.0.1:445" in net.srv.run("ss", "-tnH", "state", "established"):
            assert time.monotonic() < deadline, "the server was not told"
            time.sleep(0.05)


def test_nobody_behind_it(mounts, net: Network, certs) -> None:
    with gateway(net.srv, certs, "smb", PORT, 4):
        assert mounts.error(f"port={PORT}") in (errno.ECONNRESET, errno.EHOSTDOWN, errno.ECONNABORTED, errno.EPROTO)
