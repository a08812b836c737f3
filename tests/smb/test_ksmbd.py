# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's SMB server over QUIC: our mounts and Samba's client, with files compared."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import ssl
import time
from pathlib import Path

import pytest

from kquic.lab.topology import Impairment
from kquic.servers.ksmbd import Ksmbd

MIB = 1 << 20
CLIENTS = Path("/proc/fs/ksmbd/clients")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def transports() -> list[str]:
    """The transports of the connections that a session uses."""
    clients = [dict(re.findall(r"(\w+):\t(.*)", text)) for text in CLIENTS.read_text().split("\n\n")]
    return [client["transport"] for client in clients if client.get("state") == "good"]


def wait_for(wanted: list[str]) -> None:
    """ksmbd takes its time, and so does a client with further channels."""
    deadline = time.monotonic() + 20
    while transports() != wanted:
        assert time.monotonic() < deadline, CLIENTS.read_text()
        time.sleep(0.05)


@pytest.mark.smoke
def test_mount_and_copy_both_ways(ksmbd_mounts, ksmbd: Ksmbd, show_options) -> None:
    data = os.urandom(4 * MIB)
    with ksmbd_mounts.mounted() as point:
        assert show_options(point)["transport"] == "quic"
        assert transports() == ["quic"]
        (point / "up").write_bytes(data)
        assert sha256(ksmbd.path() / "up") == hashlib.sha256(data).hexdigest()
        (ksmbd.path() / "down").write_bytes(data[::-1])
        assert (point / "down").read_bytes() == data[::-1]
    wait_for([])


def test_tcp_goes_on_beside_it(ksmbd_mounts, ksmbd: Ksmbd) -> None:
    with ksmbd_mounts.mounted() as quic, ksmbd_mounts.mounted("transport=tcp") as tcp:
        assert sorted(transports()) == ["quic", "tcp"]
        (quic / "shared").write_text("both")
        assert (tcp / "shared").read_text() == "both"
        assert (ksmbd.path() / "shared").read_text() == "both"


def test_ipv6_and_loss(ksmbd_mounts, ksmbd: Ksmbd, ksmbd_link) -> None:
    ksmbd_link.impair(Impairment(delay_ms=5, loss_percent=1))
    data = os.urandom(2 * MIB)
    with ksmbd_mounts.mounted(server="ksmbd6.test") as point:
        (point / "six").write_bytes(data)
        assert (ksmbd.path() / "six").read_bytes() == data
        (ksmbd.path() / "lossy").write_bytes(data[::-1])
        assert (point / "lossy").read_bytes() == data[::-1]


def test_multichannel_binds_connections_to_one_session(ksmbd_mounts, ksmbd: Ksmbd, debug_data) -> None:
    """One for IPv4 and one for IPv6: the server has no more interfaces, and they are not said to have queues."""
    data = os.urandom(8 * MIB)
    with ksmbd_mounts.mounted("multichannel", "max_channels=3") as point:
        (point / "wide").write_bytes(data)
        assert (ksmbd.path() / "wide").read_bytes() == data
        wait_for(["quic", "quic"])
        (point / "wide").write_bytes(data[::-1])
        assert (ksmbd.path() / "wide").read_bytes() == data[::-1]
        assert "Extra Channels: 1" in debug_data()


def test_restart_under_a_mount(ksmbd_mounts, ksmbd: Ksmbd) -> None:
    with ksmbd_mounts.mounted() as point:
        (point / "before").write_text("before")
        ksmbd.stop()
        ksmbd.start()
        assert (point / "before").read_text() == "before"
        assert transports() == ["quic"]


def test_wrong_password(ksmbd_mounts) -> None:
    assert ksmbd_mounts.error(password="wrong") == errno.EACCES


def test_without_an_agent_clients_are_refused(ksmbd_mounts, server_agent, klog) -> None:
    server_agent.stop()
    try:
        assert ksmbd_mounts.error("handshake_timeout=3") in (errno.ECONNREFUSED, errno.EPROTO, errno.ETIMEDOUT)
        assert klog.lines("no TLS handshake agent")
    finally:
        server_agent.start()


def test_client_certificate_on_demand(ksmbd_mounts, ksmbd: Ksmbd, agent, certs) -> None:
    """The agent asks for one, and refuses a client without."""
    with ksmbd.restarted(quic_client_cert="Y"):
        assert ksmbd_mounts.error() == errno.ENOKEY
        agent.start(certs.ca, certs.client)
        with ksmbd_mounts.mounted("mtls") as point:
            (point / "proved").write_text("me")
            assert (ksmbd.path() / "proved").read_text() == "me"


def test_nothing_listens_without_a_port(ksmbd_mounts, ksmbd: Ksmbd) -> None:
    with ksmbd.restarted(quic_port="0"):
        assert ksmbd_mounts.error() == errno.ECONNREFUSED
        with ksmbd_mounts.mounted("transport=tcp"):
            assert transports() == ["tcp"]


def test_shares_for_quic_only(ksmbd_mounts, ksmbd: Ksmbd, klog) -> None:
    """Names as they are given, in any case; other shares are served over TCP as ever."""
    with ksmbd.restarted(quic_only_shares="nothing,SHARE"):
        (ksmbd.path() / "secret").write_text("over QUIC")
        with ksmbd_mounts.mounted() as point:
            assert (point / "secret").read_text() == "over QUIC"
        assert ksmbd_mounts.error("transport=tcp") == errno.EACCES
        with ksmbd_mounts.mounted("transport=tcp", share="other") as point:
            (point / "open").write_text("over TCP")
    ksmbd.start()
    with ksmbd_mounts.mounted("transport=tcp") as point:
        assert (point / "secret").read_text() == "over QUIC"


def test_all_shares_for_quic_only(ksmbd_mounts, ksmbd: Ksmbd) -> None:
    with ksmbd.restarted(quic_only_shares="*"):
        assert ksmbd_mounts.error("transport=tcp") == errno.EACCES
        with ksmbd_mounts.mounted(share="other") as point:
            (point / "there").write_text("over QUIC")


def test_list_of_clients(ksmbd_mounts, ksmbd: Ksmbd, agent, server_agent, certs, klog) -> None:
    """Of the clients with a good certificate only those of the list may come; others are told so."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certs.client.cert.read_text())).hexdigest()
    agent.start(certs.ca, certs.client)
    with server_agent.admitting("allow sha256 " + 32 * "00"):
        assert ksmbd_mounts.error("mtls") == errno.EPERM
        assert "certificate of CN=client.test" in server_agent.output
        assert "it is not in the list of clients" in server_agent.output
        assert klog.lines("does not admit this client's certificate")
    with server_agent.admitting(f"allow sha256 {digest}"):
        assert ksmbd_mounts.error() == errno.ENOKEY
        with ksmbd_mounts.mounted("mtls") as point:
            (point / "listed").write_text("me")
            assert (ksmbd.path() / "listed").read_text() == "me"
    with ksmbd_mounts.mounted():
        pass
