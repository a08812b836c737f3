# SPDX-License-Identifier: GPL-2.0-or-later
"""pNFS: files are read and written where their layout says, over the transport that it says; the log says which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from file_content import MIB, drop_cache, sha256, write_random
from kquic.lab.topology import Network

from .test_mount import connections
from .test_recovery import operations

OPTIONS = "rw,no_root_squash,insecure,no_subtree_check,fsid=0"


@pytest.fixture
def striped(nfsv3: None, nfsd) -> Iterator[None]:
    """knfsd gives layouts that name itself as their data server, for NFSv3 over TCP."""
    nfsd.export(f"{OPTIONS},pnfs")
    yield
    nfsd.export(OPTIONS)


def test_data_goes_where_the_layout_says(striped: None, mounts, nfsd, net: Network, klog) -> None:
    with mounts.mounted() as point:
        written = write_random(point / "striped", 2 * MIB)
        assert operations(point, "LAYOUTGET") > 0
        assert sha256(nfsd.path("export") / "striped") == written
        assert f"{Network.SERVER_V4}:2049" in net.cli.run("ss", "-tn")
        assert f"{Network.SERVER_V4}:2049" in connections(net.cli)[0]
        drop_cache(point / "striped")
        assert sha256(point / "striped") == written
    (line,) = klog.lines("data server")
    assert f"data server {{{Network.SERVER_V4}:2049,}} is reached over TCP, in the clear" in line


def test_servers_without_layouts_say_nothing(mounts, klog) -> None:
    with mounts.mounted() as point:
        write_random(point / "whole", MIB)
        assert operations(point, "LAYOUTGET") == 0
    assert not klog.lines("data server")
