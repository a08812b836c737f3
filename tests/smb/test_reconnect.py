# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections end; mounts do not."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

from kquic.lab.topology import Network
from scripted_smb import Scripted


def wait_until_usable(path: Path, timeout: float = 90.0) -> None:
    """Soft mounts may answer with an error while they reconnect."""
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            path.write_text("again")
            return
        assert time.monotonic() < deadline, "the mount did not come back"
        time.sleep(0.5)


def instance(debug_data) -> int:
    """How often the connection was made."""
    found = re.search(r"Instance: (\d+)", debug_data())
    assert found
    return int(found[1])


def test_server_restart(mounts, samba, show_options, debug_data) -> None:
    with mounts.mounted() as point:
        (point / "before").write_text("before")
        samba.stop()
        samba.start()
        wait_until_usable(point / "after")
        assert (samba.path() / "after").read_text() == "again"
        assert (point / "before").read_text() == "before"
        assert show_options(point)["transport"] == "quic"
        assert "Certificate: verified" in debug_data()


def test_server_crash(mounts, samba) -> None:
    with mounts.mounted() as point:
        samba.kill()
        samba.start()
        wait_until_usable(point / "after")
        assert (samba.path() / "after").read_text() == "again"


def test_server_away_is_told_once(mounts, samba, klog, debug_data) -> None:
    with mounts.mounted() as point:
        samba.stop()
        deadline = time.monotonic() + 30
        while not (lines := klog.lines("QUIC to UDP port")) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(lines) == 1
        assert "nothing listens" in lines[0]
        time.sleep(4)
        assert len(klog.lines("QUIC to UDP port")) == 1, "an attempt every few seconds is no news"
        assert "Last error: -111" in debug_data()
        samba.start()
        wait_until_usable(point / "after")


def test_agent_restart_disturbs_nobody(mounts, agent, certs, debug_data) -> None:
    with mounts.mounted() as point:
        before = instance(debug_data)
        agent.stop()
        (point / "without").write_text("no agent")
        agent.start(certs.ca)
        (point / "with").write_text("agent")
        assert instance(debug_data) == before


def test_reconnect_waits_for_an_agent(mounts, samba, agent, certs, klog) -> None:
    with mounts.mounted() as point:
        agent.stop()
        samba.stop()
        samba.start()
        deadline = time.monotonic() + 30
        while not klog.lines("no TLS handshake agent") and time.monotonic() < deadline:
            time.sleep(0.5)
        assert klog.lines("no TLS handshake agent")
        agent.start(certs.ca)
        wait_until_usable(point / "after")


def test_unmount_while_the_server_is_away(mounts, samba) -> None:
    with mounts.mounted():
        samba.stop()
        time.sleep(1)
        started = time.monotonic()
    assert time.monotonic() - started < 40
    samba.start()


def test_link_is_down_for_a_while(mounts, samba, net: Network) -> None:
    with mounts.mounted() as point:
        (point / "file").write_text("1")
        net.cli.run("ip", "link", "set", "veth0", "down")
        time.sleep(3)
        net.cli.run("ip", "link", "set", "veth0", "up")
        wait_until_usable(point / "after")
        assert (samba.path() / "after").read_text() == "again"


def test_idle_mount_stays_connected(scripted: Scripted, debug_data) -> None:
    """A server may give up a connection that is silent for some time: Samba's QUIC after 30 seconds."""
    scripted.start(idle_timeout=14.0)
    with scripted.mounted("quic") as point:
        before = instance(debug_data)
        time.sleep(17)
        assert (point / "file").write_text("still here")
        assert instance(debug_data) == before
