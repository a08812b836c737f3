# SPDX-License-Identifier: GPL-2.0-or-later
"""transport=auto finds out which transport works, says so, and stays with it."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest

from kquic.lab.topology import Network
from kquic.servers.ksmbd import Ksmbd

CLIENTS = Path("/proc/fs/ksmbd/clients")
EKEYREJECTED = 129


def test_quic_where_there_is_quic(mounts, show_options, klog) -> None:
    with mounts.mounted("transport=auto") as point:
        assert show_options(point)["transport"] == "quic"
        assert len(klog.lines("transport=auto has found QUIC")) == 1


def test_tcp_where_there_is_none(ksmbd_mounts, ksmbd: Ksmbd, show_options, klog) -> None:
    with ksmbd.restarted(quic_port="0"), ksmbd_mounts.mounted("transport=auto") as point:
        (point / "fallen").write_text("back")
        assert (ksmbd.path() / "fallen").read_text() == "back"
        assert "transport" not in show_options(point)
        assert len(klog.lines("transport=auto has found TCP, QUIC gave error -111")) == 1


def test_a_bad_certificate_is_no_reason_for_tcp(mounts, agent, certs, net: Network) -> None:
    agent.start(certs.other_ca)
    assert mounts.error("transport=auto") == EKEYREJECTED
    assert ":445" not in net.cli.run("ss", "-tn")


def test_what_was_found_stays(ksmbd_mounts, ksmbd: Ksmbd, show_options) -> None:
    """QUIC goes away: no data over TCP. It comes back: so does the mount."""
    with ksmbd_mounts.mounted("transport=auto", "soft", "echo_interval=1") as point:
        (point / "before").write_text("1")
        with ksmbd.restarted(quic_port="0"), pytest.raises(OSError, match="Errno"):
            (point / "meanwhile").write_text("2")
            assert "transport:\ttcp" not in CLIENTS.read_text()
        ksmbd.start()
        deadline = time.monotonic() + 30
        while not (ksmbd.path() / "after").exists():
            assert time.monotonic() < deadline
            try:
                (point / "after").write_text("3")
            except OSError:
                time.sleep(0.2)
        assert show_options(point)["transport"] == "quic"


def test_remount_keeps_it(mounts, show_options, net: Network) -> None:
    with mounts.mounted("transport=auto") as point:
        net.cli.run("mount", "-o", "remount,transport=auto,ro", point)
        assert show_options(point)["transport"] == "quic"


def test_options_for_tls_go_with_it(mounts, samba, show_options) -> None:
    with mounts.mounted("transport=auto", "servername=server.test", server=Network.SERVER_V4) as point:
        (point / "by-address").write_text("x")
        assert (samba.path() / "by-address").read_text() == "x"
        assert show_options(point)["tls_peername"] == "server.test"


def test_nothing_anywhere(mounts) -> None:
    assert mounts.error("transport=auto", "port=4999") == errno.ECONNREFUSED
