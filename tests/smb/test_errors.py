# SPDX-License-Identifier: GPL-2.0-or-later
"""Each thing that goes wrong has its errno and one line in the log that says what to do."""

from __future__ import annotations

import errno
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kquic.lab.topology import Network
from kquic.servers.samba import Samba, TlsFiles

LINE = "QUIC to UDP port"


def one_line(klog, advice: str) -> None:
    lines = klog.lines(LINE)
    assert len(lines) == 1, lines
    assert advice in lines[0]


@pytest.mark.smoke
def test_no_agent(mounts, agent, klog) -> None:
    agent.stop()
    assert mounts.error() == errno.ESRCH
    one_line(klog, "no TLS handshake agent")


def test_wrong_authority(mounts, agent, certs, klog) -> None:
    agent.start(certs.other_ca)
    assert mounts.error() == errno.EKEYREJECTED
    one_line(klog, "certificate was refused")
    agent.program.wait_for("issuer is not trusted")


def test_wrong_name(mounts, agent, klog) -> None:
    assert mounts.error(server="other.test") == errno.EKEYREJECTED
    one_line(klog, "certificate was refused")
    agent.program.wait_for("name is not the one expected")


def test_agent_that_names_no_server(mounts, agent, klog, no_keys: None) -> None:
    """It may not have looked at the certificate: there are such agents."""
    assert mounts.error() == errno.EKEYREJECTED
    one_line(klog, "not verified")
    agent.program.wait_for("is not in the keyring")


def test_expired_certificate(mounts, samba, net: Network, certs, klog, tmp_path: Path) -> None:
    samba.stop()
    tls = TlsFiles(certs.expired.cert, certs.expired.key, certs.ca)
    with Samba(net.srv, tmp_path / "samba", tls):
        assert mounts.error() == errno.EKEYEXPIRED
    one_line(klog, "expired")


def test_wrong_port(mounts, klog) -> None:
    assert mounts.error("port=4444") == errno.ECONNREFUSED
    one_line(klog, "nothing listens")


def test_silence(mounts, net: Network, klog) -> None:
    net.srv.run("nft", "add table inet t; add chain inet t i { type filter hook input priority 0; }")
    net.srv.run("nft", "add rule inet t i udp dport 443 drop")
    try:
        started = time.monotonic()
        assert mounts.error("handshake_timeout=2") == errno.ETIMEDOUT
        assert 1.5 < time.monotonic() - started < 6
    finally:
        net.srv.run("nft", "delete table inet t")
    one_line(klog, "no answer in time")


@pytest.mark.parametrize("peer", ["kquic_echo", "aioquic_echo"])
def test_something_else_listens(mounts, peers, klog, peer: str) -> None:
    with peers.server(peer, Network.SERVER_V4, 4433):
        assert mounts.error("port=4433", "handshake_timeout=5") == errno.ENOPROTOOPT
    one_line(klog, "does not speak SMB")


def test_wrong_password(mounts, klog) -> None:
    assert mounts.error(password="wrong") == errno.EACCES
    assert not klog.lines(LINE)


def test_agent_that_hangs(mounts, agent, klog) -> None:
    agent.program.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert mounts.error("handshake_timeout=1") == errno.ETIMEDOUT
        assert time.monotonic() - started < 6
    finally:
        agent.program.signal(signal.SIGCONT)
    one_line(klog, "no answer in time")


def test_mount_can_be_killed_while_it_waits(mounts, agent) -> None:
    agent.program.signal(signal.SIGSTOP)
    try:
        mount = subprocess.Popen(mounts.argv(mounts.point(), "handshake_timeout=60"), start_new_session=True)
        time.sleep(1)
        subprocess.run(["pkill", "-KILL", "-s", str(mount.pid)], check=True)
        mount.wait(5)
    finally:
        agent.program.signal(signal.SIGCONT)
    with mounts.mounted() as point:
        list(point.iterdir())


def test_no_certificate_to_present(mounts, klog) -> None:
    assert mounts.error("mtls") == errno.ENOKEY
    one_line(klog, "a key or certificate is missing")


def add_key(name: str, payload: bytes, keyring: str = "@u") -> str:
    """The serial number of a new key of type user."""
    words = ["keyctl", "padd", "user", name, keyring]
    return subprocess.run(words, input=payload, check=True, capture_output=True).stdout.decode().strip()


def test_certificate_of_the_client_in_keys(mounts, certs, show_options) -> None:
    cert = add_key("smb-cert", certs.client.cert.read_bytes())
    key = add_key("smb-key", certs.client.key.read_bytes())
    with mounts.mounted(f"cert_serial={cert}", f"privkey_serial={key}") as point:
        shown = show_options(point)
        assert {"mtls": "", "cert_serial": cert, "privkey_serial": key}.items() <= shown.items()


def test_key_that_is_no_certificate(mounts, certs, klog) -> None:
    key = add_key("smb-key", certs.client.key.read_bytes())
    assert mounts.error(f"cert_serial={key}", f"privkey_serial={key}") == errno.ENOKEY
    one_line(klog, "a key or certificate is missing")


def test_authority_in_a_keyring(mounts, agent, certs) -> None:
    agent.start(certs.other_ca)
    ring = subprocess.check_output(["keyctl", "newring", "smb-test", "@u"], text=True).strip()
    add_key("x509.truststore", certs.ca.read_bytes(), ring)
    with mounts.mounted(f"keyring_serial={ring}") as point:
        list(point.iterdir())
