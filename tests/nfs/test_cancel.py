# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that are given up when a part of them was sent: their stream is reset, and the connection stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from file_work import KIB
from kquic.lab.program import Program
from kquic.lab.topology import Impairment, Network

from .aioquic_gateway import aioquic_gateway
from .test_mount import Tracing, transport_stats
from .test_recovery import wait_for

TCP = 2049
QUIC = 20493

#: What the RPC layer says of each attempt to send, with the result.
TRANSMIT = "sunrpc/xprt_transmit"
WAITS = "status=-11"

#: Sets a small attribute of a file, and a large one when it is told to.
SETTER = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
file = os.open(sys.argv[1], os.O_RDWR)
os.setxattr(file, "user.small", b"x")
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
os.setxattr(file, "user.large", bytes(60000))
"""

#: Opens a file, and writes to it when it is told to: more than server and socket take while nothing is acknowledged.
WRITER = """
import mmap, os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_DIRECT)
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
os.write(file, mmap.mmap(-1, 16 << 20))
"""


@pytest.fixture
def no_delegations() -> Iterator[None]:
    """Whoever closes a file tells the server, and waits for its answer, even when killed."""
    setting = Path("/proc/sys/fs/leases-enable")
    setting.write_text("0")
    yield
    setting.write_text("1")


@pytest.mark.usefixtures("no_delegations")
def test_caller_is_killed(mounts, nfsd, net: Network, certs) -> None:
    """Of SETXATTR, 8 KiB have gone out and the rest waits for credit. The CLOSE that follows goes another way."""
    (nfsd.path("export") / "large").write_text("x")
    with (
        aioquic_gateway(net.srv, certs.server, QUIC, TCP, window=8 * KIB) as through,
        mounts.mounted(f"port={QUIC}", "streams=4") as point,
        Tracing(TRANSMIT) as trace,
    ):
        with Program(net.cli, [sys.executable, "-c", SETTER, point / "large"], ready="ready") as setter:
            through.signal(signal.SIGSTOP)
            try:
                setter.signal(signal.SIGUSR1)
                wait_for(lambda: WAITS in trace.text(), "all of it was sent")
                setter.signal(signal.SIGKILL)
                wait_for(lambda: "xprt_quic_halt: " in trace.text(), "it was not given up")
            finally:
                through.signal(signal.SIGCONT)
            through.wait_for("reset", 20)
        (point / "after").write_text("on another stream")
        assert (nfsd.path("export") / "after").read_text() == "on another stream"
        (words,) = transport_stats(point)
        assert (words[3], words[14]) == ("1", "4"), "that took another connection"
        assert through.output.count("connected") == 1


def give_up_writes(net: Network, point: Path) -> None:
    """Have a program write while nothing arrives, and end its calls."""
    with (
        Program(net.cli, [sys.executable, "-c", WRITER, point / "large"], ready="ready") as writer,
        Tracing(TRANSMIT) as trace,
    ):
        net.link.impair(Impairment(loss_percent=100))
        writer.signal(signal.SIGUSR1)
        wait_for(lambda: WAITS in trace.text(), "all of it was sent")
        subprocess.run(["umount", "-i", "-f", point], check=False, timeout=20)
        wait_for(lambda: "xprt_quic_halt: " in trace.text(), "nothing was given up")
        net.link.impair(None)
        wait_for(lambda: not writer.running, "it waits for calls that were given up")
        assert "Error" in writer.output


@pytest.mark.parametrize("streams", [1, 4])
def test_all_calls_are_given_up(mounts, nfsd, net: Network, streams: int) -> None:
    """`umount -f` of a mount in use: one call is out in part, others wait for their replies, others for their turn."""
    with mounts.mounted(f"streams={streams}") as point:
        for number in range(3):
            give_up_writes(net, point)
            (point / "after").write_text(str(number))
            assert (nfsd.path("export") / "after").read_text() == str(number)
        (words,) = transport_stats(point)
        assert (words[3], words[14]) == ("1", str(streams)), "that took another connection"
