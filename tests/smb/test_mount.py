# SPDX-License-Identifier: GPL-2.0-or-later
"""A share is mounted over QUIC, seen as such, and unmounted."""

from __future__ import annotations

import re
import time

import pytest

from kquic.lab.topology import Network


def connections(host) -> list[str]:
    """The QUIC connections of a host, without the header line."""
    return host.run("cat", "/proc/net/quic/conns").splitlines()[1:]


@pytest.mark.smoke
def test_mount_is_over_quic_and_says_so(mounts, samba, show_options, debug_data) -> None:
    with mounts.mounted() as point:
        (point / "hello").write_text("over QUIC")
        assert (samba.path() / "hello").read_text() == "over QUIC"

        options = show_options(point)
        assert options["transport"] == "quic"
        assert options["vers"] == "3.1.1"
        assert "port" not in options
        shown = debug_data()
        assert "Transport: QUIC ALPN: smb UDP port: 443 Peer name: server.test Certificate: verified" in shown
        assert "Dialect 0x311" in shown
        assert ",QUIC" in shown.split("Features:")[1].splitlines()[0]


def test_transport_quic_is_the_same_as_quic(mounts, show_options) -> None:
    with mounts.mounted("transport=quic") as point:
        assert show_options(point)["transport"] == "quic"


def test_without_the_option_it_is_tcp(mounts, show_options, debug_data) -> None:
    with mounts.mounted("transport=tcp") as point:
        assert "transport" not in show_options(point)
        assert "Transport: QUIC" not in debug_data()


def test_nothing_but_udp_443_is_used(mounts, net: Network) -> None:
    with mounts.mounted() as point:
        list(point.iterdir())
        assert ":445" not in net.cli.run("ss", "-tn")
        (connection,) = connections(net.cli)
        assert f"{Network.SERVER_V4}:443" in connection


def test_peer_key_tells_whose_certificate_it_was(mounts, net: Network, debug_data) -> None:
    with mounts.mounted():
        found = re.search(r"Peer key: (\d+)", debug_data())
        assert found
        assert int(found[1]) > 0


@pytest.mark.smoke
def test_unmount_is_quick_and_leaves_nothing(mounts, net: Network, debug_data) -> None:
    with mounts.mounted():
        assert connections(net.cli)
        started = time.monotonic()
    assert time.monotonic() - started < 3
    deadline = time.monotonic() + 5
    while connections(net.cli) + connections(net.srv) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not connections(net.cli)
    assert not connections(net.srv), "the server was not told"
    assert "Transport: QUIC" not in debug_data()


def test_ipv6(mounts, net: Network) -> None:
    with mounts.mounted(server="server6.test") as point:
        (point / "six").write_text("6")
        (connection,) = connections(net.cli)
        assert f"{Network.SERVER_V6}:443" in connection


def test_by_address_if_the_certificate_has_it(mounts) -> None:
    with mounts.mounted(server=Network.SERVER_V4) as point:
        list(point.iterdir())


def test_source_address(mounts, net: Network) -> None:
    net.cli.add_address("veth0", "10.0.0.9", 24)
    try:
        with mounts.mounted("srcaddr=10.0.0.9"):
            (connection,) = connections(net.cli)
            assert "10.0.0.9:" in connection
    finally:
        net.cli.remove_address("veth0", "10.0.0.9", 24)


def test_encrypted_once_more_with_seal(mounts) -> None:
    with mounts.mounted("seal") as point:
        (point / "sealed").write_bytes(bytes(100_000))
        assert (point / "sealed").stat().st_size == 100_000
