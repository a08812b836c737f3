# SPDX-License-Identifier: GPL-2.0-or-later
"""Referrals of a Samba server's namespace: to another server, to the next one if it is away, and when it goes away."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from kquic.errors import CommandFailed
from kquic.lab.topology import Network

NOBODY, KSMBD = "10.0.0.77", "10.0.1.1"


def refer(samba, name: str, *targets: str) -> None:
    """Make a link of the namespace."""
    link = samba.path("dfs") / name
    link.unlink(missing_ok=True)
    link.symlink_to("msdfs:" + ",".join(targets))


def tcp(net: Network) -> str:
    """Connections of the client's that should not be there."""
    return "".join(line for line in net.cli.run("ss", "-tn").splitlines() if ":445" in line)


def read(net: Network, path: Path) -> str:
    return net.cli.run("cat", path)


@pytest.mark.timeout(120)
def test_next_target_if_the_first_is_away(mounts, samba, net: Network, show_options) -> None:
    (samba.path() / "file").write_text("of the second")
    refer(samba, "two", f"{NOBODY}\\share", f"{Network.SERVER_V4}\\share")
    with mounts.mounted("handshake_timeout=2", share="dfs") as point:
        assert read(net, point / "two" / "file") == "of the second"
        assert show_options(point / "two")["transport"] == "quic"
        assert not tcp(net)


@pytest.mark.timeout(180)
def test_failover(mounts, samba, ksmbd, net: Network, show_options) -> None:
    """The target in use goes away; the mount goes on with another server, over QUIC too."""
    (ksmbd.path() / "file").write_text("of ksmbd")
    (samba.path() / "file").write_text("of Samba")
    refer(samba, "moves", f"{KSMBD}\\share", f"{Network.SERVER_V4}\\share")
    with mounts.mounted("servername=server.test", "handshake_timeout=2", "soft", share="dfs") as point:
        where = point / "moves"
        assert read(net, where / "file") == "of ksmbd"
        assert show_options(where)["addr"] == KSMBD
        ksmbd.stop()
        deadline = time.monotonic() + 60
        found = ""
        while found != "of Samba":
            assert time.monotonic() < deadline, found
            with contextlib.suppress(CommandFailed):
                found = read(net, where / "file")
            time.sleep(0.5)
        assert show_options(where)["transport"] == "quic"
        assert not tcp(net)
    ksmbd.start()
