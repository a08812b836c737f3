# SPDX-License-Identifier: GPL-2.0-or-later
"""What the mount options allow, and which mounts share a connection."""

from __future__ import annotations

import errno
import subprocess
import time
from pathlib import Path

import pytest

from kquic.lab.topology import Network

REFUSED = {
    "rdma": "rdma",
    "nbsessinit": "nbsessinit",
    "port=139": "port=139",
    "vers=2.1": "vers= below 3.1.1",
    "vers=3.0": "vers= below 3.1.1",
    "cert_serial={key}": "must be given together",
    "privkey_serial={key}": "must be given together",
    "handshake_timeout=0": "handshake_timeout must be",
    "handshake_timeout=301": "handshake_timeout must be",
}


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The serial number of some key."""
    return subprocess.check_output(["keyctl", "add", "user", "kquic-test", "x", "@u"], text=True).strip()


@pytest.mark.parametrize(("option", "message"), REFUSED.items())
def test_refused_with_a_message(mounts, klog, key: str, option: str, message: str) -> None:
    assert mounts.error(option.format(key=key)) == errno.EINVAL
    assert len(klog.lines(message)) == 1


@pytest.mark.parametrize("option", ["tls_peername=server.test", "mtls", "handshake_timeout=5"])
def test_tls_options_need_quic(mounts, klog, option: str) -> None:
    assert mounts.error("transport=tcp", option) == errno.EINVAL
    assert len(klog.lines("options for TLS are given, but not transport=quic")) == 1


def test_key_that_does_not_exist(mounts, klog) -> None:
    assert mounts.error("keyring_serial=2147483646") == errno.ENOKEY
    assert len(klog.lines("there is no such key")) == 1


@pytest.mark.parametrize("version", ["3", "3.1.1", "default"])
def test_versions_that_include_311_become_311(mounts, show_options, version: str) -> None:
    with mounts.mounted(f"vers={version}") as point:
        assert show_options(point)["vers"] == "3.1.1"


def test_options_are_shown_and_kept_in_a_remount(mounts, show_options) -> None:
    given = {"tls_peername": "server.test", "handshake_timeout": "7"}
    with mounts.mounted(*(f"{name}={value}" for name, value in given.items())) as point:
        before = show_options(point)
        assert given.items() <= before.items()
        subprocess.run(["mount", "-o", "remount,actimeo=3", str(point)], check=True)
        after = show_options(point)
        assert after["actimeo"] == "3"
        assert {name: after[name] for name in ("transport", *given)} == {"transport": "quic", **given}


def test_remount_cannot_leave_quic(mounts, show_options) -> None:
    with mounts.mounted() as point:
        words = ["mount", "-i", "-o", "remount,transport=tcp", str(point)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode
        assert "can not change transport during remount" in done.stderr
        assert show_options(point)["transport"] == "quic"


def servers(debug_data) -> int:
    """How many connections the SMB client has."""
    return debug_data().count(") ConnectionId: 0x")


def test_mounts_that_agree_share_a_connection(mounts, debug_data) -> None:
    with mounts.mounted(), mounts.mounted(share="other"):
        assert servers(debug_data) == 1


@pytest.mark.parametrize("other", ["transport=tcp", "tls_peername=other-name.test", "handshake_timeout=9"])
def test_mounts_that_differ_do_not(mounts, debug_data, other: str) -> None:
    with mounts.mounted():
        if other.startswith("tls_peername"):
            assert mounts.error(other) == errno.EKEYREJECTED
            return
        with mounts.mounted(other, share="other"):
            assert servers(debug_data) == 2


def test_further_channels_are_quic_too(mounts, net: Network, debug_data) -> None:
    """Samba offers its IPv6 address for the second channel; the certificate must still be the mount's server's."""
    with mounts.mounted("multichannel", "max_channels=2") as point:
        (point / "file").write_text("two channels")
        deadline = time.monotonic() + 10
        while "Extra Channels: 1" not in (shown := debug_data()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert shown.count("Transport: QUIC ALPN: smb UDP port: 443 Peer name: server.test Certificate: verified") == 1
        assert shown.count("Transport: QUIC ALPN: smb UDP port: 443 Certificate: verified") == 1
        assert len(net.cli.run("cat", "/proc/net/quic/conns").splitlines()) == 3
        assert ":445" not in net.cli.run("ss", "-tn")


def test_dfs_referral_keeps_quic(mounts, samba, net: Network, show_options, debug_data) -> None:
    (samba.path() / "behind").write_text("a referral")
    (samba.path("dfs") / "link").symlink_to(f"msdfs:{Network.SERVER_V4}\\share")
    with mounts.mounted(share="dfs") as point:
        assert net.cli.run("cat", point / "link" / "behind") == "a referral"
        assert show_options(point / "link")["transport"] == "quic"
        assert f"Peer name: {Network.SERVER_V4} Certificate: verified" in debug_data()
        assert ":445" not in net.cli.run("ss", "-tn")


def test_a_strict_mount_does_not_ride_on_one_for_another_name(mounts, agent, debug_data) -> None:
    with mounts.mounted("tls_peername=server6.test"), mounts.mounted(share="other"):
        assert servers(debug_data) == 2
        assert "Peer name: server6.test" in debug_data()
        assert "Peer name: server.test" in debug_data()
