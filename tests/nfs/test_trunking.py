# SPDX-License-Identifier: GPL-2.0-or-later
"""Session trunking: two addresses of one server carry one session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kquic.lab.topology import Network

from .test_mount import connections, transport_stats
from .test_recovery import wait_for

OTHER = "10.0.0.101"


@pytest.fixture
def other(net: Network) -> Iterator[str]:
    """Another address of the server."""
    net.srv.add_address(net.link.dev, OTHER, 24)
    yield OTHER
    net.srv.remove_address(net.link.dev, OTHER, 24)


def test_second_address_joins_the_session(mounts, nfsd, net: Network, other: str) -> None:
    """The certificate there has to be good for the name of the first mount, too."""
    with mounts.mounted("max_connect=2") as one:
        point = mounts.point()
        options = f"addr={other},proto=quic,vers=4.2,max_connect=2"
        net.cli.run("mount", "-i", "-t", "nfs", "-o", options, "server.test:/export", point)
        try:
            wait_for(lambda: len(transport_stats(one)) == 2, "the address was not added")
            for number in range(20):
                (one / f"trunk{number}").write_text(str(number))
            assert all((point / f"trunk{number}").read_text() == str(number) for number in range(20))
            assert [words[0] for words in transport_stats(one)] == ["quic", "quic"]
            assert all(int(words[6]) > 10 for words in transport_stats(one)), "one of them is not used"
            text = "".join(connections(net.cli))
            assert f"{Network.SERVER_V4}:2049" in text
            assert f"{other}:2049" in text
            assert ":2049" not in net.cli.run("ss", "-tn")
        finally:
            net.cli.run("umount", point)
