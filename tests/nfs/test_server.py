# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to start the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kquic.lab.topology import Network

from .test_mount import connections


@pytest.fixture
def stopped(nfsd) -> Iterator[None]:
    """No threads and no listeners, before and after."""
    nfsd.stop()
    yield
    nfsd.stop()


def test_listeners_by_nfsdctl(mounts, nfsd, stopped: None, net: Network) -> None:
    nfsd.host.run("nfsdctl", "listener", "+quic:[::]:2049", "+quic:0.0.0.0:2049")
    nfsd.host.run("nfsdctl", "threads", "2")
    assert "quic:0.0.0.0:2049" in nfsd.host.run("nfsdctl", "listener")
    with mounts.mounted() as point:
        (point / "file").write_text("x")
        assert len(connections(net.cli)) == 1


def test_listener_shows_in_portlist(nfsd) -> None:
    assert "quic 2049" in nfsd.read("portlist")


def test_listener_is_added_while_threads_run(mounts, nfsd) -> None:
    nfsd.host.run("sh", "-c", "echo 'quic 2060' > /proc/fs/nfsd/portlist")
    with mounts.mounted("port=2060") as point:
        (point / "file").write_text("x")
