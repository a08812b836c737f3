# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount over QUIC does what one over TCP does, and random work stays right on a bad network and a moving client."""

from __future__ import annotations

import pytest

from client_moves import client_moves
from file_work import FIO, KIB, Exerciser, outcomes
from kquic.lab.topology import Impairment, Network

TROUBLE = {
    "loss": Impairment(delay_ms=1, loss_percent=2),
    "reordering": Impairment(delay_ms=3, jitter_ms=3),
    "duplication": Impairment(delay_ms=1, duplicate_percent=20),
    "all of it": Impairment(delay_ms=3, jitter_ms=2, loss_percent=2, duplicate_percent=5, corrupt_percent=1),
}


@pytest.fixture(params=TROUBLE)
def trouble(request: pytest.FixtureRequest, net: Network) -> str:
    """A link that is bad in one way, or in all of them."""
    net.link.impair(TROUBLE[request.param])
    return str(request.param).replace(" ", "-")


@pytest.mark.parametrize("version", ["4.1", "4.0"])
def test_every_operation_ends_as_over_tcp(mounts, version: str) -> None:
    """Not NFSv4.2, where a delegation, which one may get or not, decides what becomes of times."""
    found = {}
    for transport in ("quic", "tcp"):
        with mounts.mounted(f"proto={transport}", f"vers={version}") as point:
            folder = point / f"{version}-with-{transport}"
            folder.mkdir()
            found[transport] = outcomes(folder)
    assert found["quic"] == found["tcp"]
    assert found["quic"][11:15] == ["EEXIST", "ENOTEMPTY", "EISDIR", "ENOENT"]


def test_random_work_on_a_bad_network(mounts, nfsd, trouble: str) -> None:
    with mounts.mounted("streams=4") as point:
        work = Exerciser(point / f"random-{trouble}", seed=3, size=512 * KIB)
        work.run(60)
    assert (nfsd.path("export") / f"random-{trouble}").read_bytes() == work.right


def test_random_work_while_the_client_moves(mounts, nfsd, net: Network, klog) -> None:
    with mounts.mounted() as point:
        with client_moves(net) as taken:
            work = Exerciser(point / "moved", seed=4, size=512 * KIB)
            while len(taken) < 4:
                work.run(20)
        (point / "after").write_text("the last move is over before the connection is closed")
    assert (nfsd.path("export") / "moved").read_bytes() == work.right
    assert klog.lines("rpcquic: ") == [], "the connection did not move along"


def test_fio_verifies_what_parallel_jobs_wrote(mounts, net: Network, trouble: str) -> None:
    with mounts.mounted("streams=4") as point:
        net.cli.run(*FIO.split(), f"--directory={point}", timeout=100)


def test_fio_while_the_client_moves(mounts, net: Network, klog) -> None:
    with mounts.mounted() as point:
        with client_moves(net) as taken:
            while len(taken) < 4:
                net.cli.run(*FIO.split(), f"--directory={point}", timeout=100)
        (point / "after").write_text("the last move is over before the connection is closed")
    assert klog.lines("rpcquic: ") == [], "the connection did not move along"
