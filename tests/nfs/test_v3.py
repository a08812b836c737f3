# SPDX-License-Identifier: GPL-2.0-or-later
"""NFSv3: file access goes over QUIC; MOUNT and NLM are protocols of their own and stay on TCP."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from file_content import MIB, copy_both_ways
from kquic.lab.program import Program
from kquic.lab.topology import Network
from kquic.servers.nfsd import Nfsd

from .test_mount import connections, mount_options
from .test_recovery import wait_for

#: The grace period of lockd holds for NFSv4's files, too: as short as it can be.
LOCKD = {"nlm_timeout": "3", "nlm_grace_period": "3"}
OPTIONS = ("vers=3", "port=2049", "mountproto=tcp", "nolock")


@contextlib.contextmanager
def settings(values: dict[str, str]) -> Iterator[None]:
    """Kernel parameters, put back afterwards."""
    files = {Path("/proc/sys/fs/nfs", name): value for name, value in values.items()}
    before = {path: path.read_text() for path in files}
    for path, value in files.items():
        path.write_text(value)
    yield
    for path, value in before.items():
        path.write_text(value)


@pytest.fixture(scope="module")
def _v3(network: Network, _nfsd: Nfsd) -> Iterator[None]:
    """knfsd serves NFSv3 meanwhile, with rpcbind and a mountd that knows MOUNT."""
    with settings(LOCKD), Program(network.srv, ["rpcbind", "-f", "-w"]):
        wait_for(lambda: "portmapper" in network.srv.run("rpcinfo", "-p", check=False), "rpcbind does not answer")
        with Program(network.srv, ["rpc.mountd", "-F"]):
            wait_for(lambda: "mountd" in network.srv.run("rpcinfo", "-p", check=False), "mountd is not registered")
            _nfsd.stop()
            _nfsd.nfsv3 = True
            _nfsd.start()
            yield
            _nfsd.stop()
            _nfsd.nfsv3 = False


def test_files_go_over_quic(_v3: None, mounts, nfsd, net: Network) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point:
        copy_both_ways(point, nfsd.path("export"), MIB)
        assert mount_options(point)["proto"] == "quic"
        assert mount_options(point)["vers"] == "3"
        (connection,) = connections(net.cli)
        assert f"{Network.SERVER_V4}:2049" in connection
        assert ":2049" not in net.cli.run("ss", "-tn"), "something of NFS goes over TCP"


def test_nolock_keeps_locks_to_the_client(_v3: None, mounts, nfsd) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point, (point / "locked").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (nfsd.path("export") / "locked").open("w") as other:
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_reconnect(_v3: None, mounts, nfsd) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point:
        (point / "before").write_text("before")
        nfsd.stop()
        nfsd.start()
        (point / "after").write_text("after")
        assert (nfsd.path("export") / "after").read_text() == "after"
