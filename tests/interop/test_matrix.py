# SPDX-License-Identifier: GPL-2.0-or-later
"""Cells of the interop matrix that no other test here has: `make interop` plays all of it, with more peers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kquic.interop import site
from kquic.interop.cases import CASES
from kquic.interop.cell import Stage, play
from kquic.interop.link import routed
from kquic.interop.peers import PEERS

#: By peer and role of the peer.
QUICK = {
    ("aioquic", "client"): ("multiplexing", "amplificationlimit", "rebind-addr", "handshakecorruption"),
    ("aioquic", "server"): ("multiplexing", "keyupdate", "blackhole", "rebind-port", "largechain", "handshakeloss"),
    ("ngtcp2", "client"): ("ecn", "resumption", "retry", "transfercorruption", "ipv6"),
    ("ngtcp2", "server"): ("ecn", "resumption", "chacha20", "v2", "connectionmigration"),
    ("openssl", "client"): ("chacha20", "longrtt", "retry", "amplificationlimit"),
}
CELLS = [(peer, role, case) for (peer, role), cases in QUICK.items() for case in cases]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The network of the matrix, with files to fetch."""
    folder = tmp_path_factory.mktemp("interop")
    with routed() as net:
        yield Stage(net, site.make(folder / "site"), folder / "cells")


@pytest.mark.parametrize(("peer", "role", "case"), CELLS, ids=["-".join(cell) for cell in CELLS])
def test_cell(stage: Stage, peer: str, role: str, case: str) -> None:
    outcome = play(stage, PEERS[peer], role, CASES[case])
    assert (outcome.verdict, outcome.note) == ("pass", "")
