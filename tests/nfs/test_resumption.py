# SPDX-License-Identifier: GPL-2.0-or-later
"""Reconnects and further connections of a mount resume the TLS session of one before."""

from __future__ import annotations

import sys

from kquic.lab.topology import Network

from .conftest import Agent
from .test_mount import transport_stats
from .test_recovery import wait_for


def resumed(agent: Agent) -> int:
    """How many handshakes of the client were short ones."""
    return agent.output.count(", resumed")


def kept(net: Network) -> int:
    """How many sessions the client's kernel has kept."""
    lines = net.cli.run("cat", "/proc/net/quic/snmp").splitlines()
    return int(dict(line.split() for line in lines)["QuicSessionsKept"])


def test_reconnect_resumes(mounts, net: Network, agent: Agent) -> None:
    sessions = kept(net)
    with mounts.mounted() as point:
        (point / "before").write_text("before")
        wait_for(lambda: kept(net) > sessions, "the server's ticket was not kept")
        before = resumed(agent)
        net.cli.run(sys.executable, "-m", "kquic.cli", "ss", "--kill")
        (point / "after").write_text("after")
        assert transport_stats(point)[0][3] == "2"
        wait_for(lambda: resumed(agent) > before, agent.output)


def test_next_mount_resumes(mounts, net: Network, agent: Agent) -> None:
    sessions = kept(net)
    with mounts.mounted() as point:
        (point / "first").write_text("1")
        wait_for(lambda: kept(net) > sessions, "the server's ticket was not kept")
    before = resumed(agent)
    with mounts.mounted("nconnect=2") as point:
        (point / "next").write_text("2")
        assert len(transport_stats(point)) == 2
        wait_for(lambda: resumed(agent) > before, agent.output)
