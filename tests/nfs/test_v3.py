# SPDX-License-Identifier: GPL-2.0-or-later
"""NFSv3: file access goes over QUIC; MOUNT and NLM are protocols of their own and stay on TCP."""

from __future__ import annotations

import fcntl

from file_content import MIB, copy_both_ways
from kquic.lab.topology import Network

from .test_mount import connections, mount_options, transport_stats
from .test_recovery import wait_for

OPTIONS = ("vers=3", "port=2049", "mountproto=tcp", "nolock")


def test_files_go_over_quic(nfsv3: None, mounts, nfsd, net: Network) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point:
        copy_both_ways(point, nfsd.path("export"), MIB)
        assert mount_options(point)["proto"] == "quic"
        assert mount_options(point)["vers"] == "3"
        (connection,) = connections(net.cli)
        assert f"{Network.SERVER_V4}:2049" in connection
        assert ":2049" not in net.cli.run("ss", "-tn"), "something of NFS goes over TCP"


def test_nolock_keeps_locks_to_the_client(nfsv3: None, mounts, nfsd) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point, (point / "locked").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (nfsd.path("export") / "locked").open("w") as other:
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_reconnect(nfsv3: None, mounts, nfsd) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point:
        (point / "before").write_text("before")
        nfsd.stop()
        nfsd.start()
        (point / "after").write_text("after")
        assert (nfsd.path("export") / "after").read_text() == "after"


def test_idle_connection_goes_and_comes_back(nfsv3: None, soon_idle: None, mounts, nfsd, net: Network) -> None:
    with mounts.mounted(*OPTIONS, path=str(nfsd.path("export"))) as point:
        for number in range(2):
            (point / "file").write_text(str(number))
            wait_for(lambda: not connections(net.cli), "an idle connection stays")
        assert (nfsd.path("export") / "file").read_text() == "1"
        (words,) = transport_stats(point)
        assert words[3] == "2"
