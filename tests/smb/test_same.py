# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount over QUIC does what one over TCP does, with each server; and random work stays right under loss."""

from __future__ import annotations

import pytest

from client_moves import client_moves
from file_work import FIO, KIB, MIB, Exerciser, outcomes
from kquic.lab.topology import Impairment, Network


def test_every_operation_ends_as_over_tcp(mount_over) -> None:
    found = {}
    for transport in ("quic", "tcp"):
        with mount_over(transport, "mfsymlinks") as point:
            (point / f"with-{transport}").mkdir()
            found[transport] = outcomes(point / f"with-{transport}")
    assert found["quic"] == found["tcp"]
    assert found["quic"][:3] == [(5 * MIB + 3, bytes(10), b"end"), b"\0hello\0", (16 * KIB, 16 * KIB, b"ZZZZ")]
    assert found["quic"][8:11] == [b"one two three", 120, 1_100_000_000.0]
    assert found["quic"][11:15] == ["EEXIST", "ENOTEMPTY", "EISDIR", "ENOENT"]


@pytest.mark.parametrize("transport", ["quic", "tcp"])
def test_random_work_under_loss(each, net: Network, ksmbd_link, transport: str) -> None:
    for link in (net.link, ksmbd_link):
        link.impair(Impairment(delay_ms=1, loss_percent=2))
    with each.mounted(transport) as point:
        work = Exerciser(point / f"over-{transport}", seed=1, size=512 * KIB)
        work.run(100)
    assert (each.server.path() / f"over-{transport}").read_bytes() == work.right


def test_random_work_while_the_client_moves(mounts, samba, net: Network, klog) -> None:
    """Over QUIC alone: TCP's connections end with the address."""
    with mounts.mounted() as point:
        with client_moves(net) as taken:
            work = Exerciser(point / "moved", seed=2, size=512 * KIB)
            while len(taken) < 4:
                work.run(20)
        (point / "after").write_text("the last move is over before the connection is closed")
        assert klog.lines("reconnect") == []
    assert (samba.path() / "moved").read_bytes() == work.right


@pytest.mark.parametrize("transport", ["quic", "tcp"])
def test_fio_verifies_what_parallel_jobs_wrote(each, net: Network, ksmbd_link, transport: str) -> None:
    for link in (net.link, ksmbd_link):
        link.impair(Impairment(delay_ms=1, loss_percent=1))
    with each.mounted(transport) as point:
        net.cli.run(*FIO.split(), f"--directory={point}", timeout=100)


def test_fio_while_the_client_moves(mounts, net: Network, klog) -> None:
    with mounts.mounted() as point:
        with client_moves(net) as taken:
            while len(taken) < 4:
                net.cli.run(*FIO.split(), f"--directory={point}", timeout=100)
        (point / "after").write_text("the last move is over before the connection is closed")
        assert klog.lines("reconnect") == []
