# SPDX-License-Identifier: GPL-2.0-or-later
"""The client's address changes under a mount, which does not notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from file_content import MIB, sha256
from kquic.lab.program import Program
from kquic.lab.topology import Network

from .test_mount import connections, transport_stats
from .test_recovery import wait_for

OTHER = "10.0.0.77"


@pytest.fixture
def replaced(net: Network) -> Iterator[None]:
    """Puts the client's address back."""
    yield
    for address in (OTHER, Network.CLIENT_V4):
        if address in net.cli.addresses(net.link.dev):
            net.cli.remove_address(net.link.dev, address, 24)
    net.cli.add_address(net.link.dev, Network.CLIENT_V4, 24)


def test_address_changes_while_a_file_is_written(mounts, nfsd, net: Network, replaced: None) -> None:
    served = nfsd.path("export") / "roaming"
    with mounts.mounted() as point:
        copy = ["dd", "if=/dev/urandom", f"of={point / 'roaming'}", "bs=1M", "count=8", "conv=fsync"]
        with Program(net.cli, copy) as writer:
            wait_for(served.exists, "nothing is written")
            net.cli.remove_address(net.link.dev, Network.CLIENT_V4, 24)
            net.cli.add_address(net.link.dev, OTHER, 24)
            writer.finish(60)
        assert served.stat().st_size == 8 * MIB
        assert sha256(point / "roaming") == sha256(served)
        (words,) = transport_stats(point)
        assert words[3] == "1", "that was another connection"
        (connection,) = connections(net.srv)
        assert f"{OTHER}:" in connection
