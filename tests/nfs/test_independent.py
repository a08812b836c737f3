# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's client, when the QUIC of the other end is aioquic's, or the NFS server is nfs-ganesha, or both."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from file_content import MIB, copy_both_ways, sha256, write_random
from file_work import KIB, Exerciser
from gateway import gateway
from kquic.lab.program import Program
from kquic.lab.topology import Network

from .aioquic_gateway import aioquic_gateway
from .ganesha import ganesha
from .test_recovery import client_info, wait_for

TCP = 2049
QUIC = 20493
GANESHA = 20494
THROUGH = f"port={QUIC}"

#: Reads the first page of a file when it is told to, ten times, without a cache.
READER = """
import mmap, os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
page = mmap.mmap(-1, 4096)
file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
os.preadv(file, [page], 0)
print("open", flush=True)
signal.sigwait([signal.SIGUSR1])
for number in range(10):
    assert os.preadv(file, [page], 0) == 4096
print("read", flush=True)
"""


@pytest.fixture(scope="module")
def independent(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """nfs-ganesha, running; the folder that it exports."""
    with ganesha(network.srv, tmp_path_factory.mktemp("ganesha"), GANESHA) as export:
        yield export


def test_files_through_aioquic(mounts, nfsd, net: Network, certs) -> None:
    with aioquic_gateway(net.srv, certs.server, QUIC, TCP), mounts.mounted(THROUGH, "streams=4") as point:
        copy_both_ways(point, nfsd.path("export"), MIB)
        work = Exerciser(point / "through-aioquic", seed=5, size=128 * KIB)
        work.run(20)
    assert (nfsd.path("export") / "through-aioquic").read_bytes() == work.right


def test_callbacks_through_aioquic(mounts, nfsd, net: Network, certs) -> None:
    with aioquic_gateway(net.srv, certs.server, QUIC, TCP), mounts.mounted(THROUGH):
        wait_for(lambda: "callback state: UP" in client_info(nfsd), "the server cannot call back")


@pytest.mark.parametrize("version", ["4.0", "4.1", "4.2"])
def test_files_of_ganesha(mounts, independent: Path, net: Network, certs, version: str) -> None:
    with gateway(net.srv, certs, "sunrpc", QUIC, GANESHA), mounts.mounted(THROUGH, f"vers={version}") as point:
        copy_both_ways(point, independent, MIB)


def test_files_of_ganesha_through_aioquic(mounts, independent: Path, net: Network, certs) -> None:
    """Nothing on the server's side is ours."""
    with aioquic_gateway(net.srv, certs.server, QUIC, GANESHA), mounts.mounted(THROUGH, "streams=4") as point:
        copy_both_ways(point, independent, MIB)
        work = Exerciser(point / "random", seed=6, size=128 * KIB)
        work.run(20)
    assert (independent / "random").read_bytes() == work.right


def test_what_is_lost_of_one_reply_delays_no_other(mounts, nfsd, net: Network, certs, tmp_path: Path) -> None:
    """A reply has a hole, while others come on other streams. The sixteen take turns, so that ten calls miss it."""
    digest = write_random(nfsd.path("export") / "holed", MIB)
    (nfsd.path("export") / "sound").write_bytes(bytes(4096))
    with (
        aioquic_gateway(net.srv, certs.server, QUIC, TCP) as through,
        mounts.mounted(THROUGH, "streams=16") as point,
        Program(net.cli, [sys.executable, "-c", READER, point / "sound"], ready="open") as sound,
    ):
        through.signal(signal.SIGUSR1)
        copy = ["dd", f"if={point / 'holed'}", f"of={tmp_path / 'copy'}", "bs=1M", "iflag=direct"]
        with Program(net.cli, copy) as holed:
            through.wait_for("hole", 20)
            sound.signal(signal.SIGUSR1)
            sound.wait_for("read", 20)
            assert holed.running
            through.signal(signal.SIGUSR2)
            holed.finish(20)
    assert sha256(tmp_path / "copy") == digest
