# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount that cannot be says why: an errno of its own, and one line in the kernel's log."""

from __future__ import annotations

import errno
import os
import time

import pytest

from kquic.lab.topology import Network

ADVICE = "rpcquic: "


def assert_told(said: str, klog, code: int, advice: str) -> None:
    """The mount helper names the error, and the kernel's log says what to do."""
    assert os.strerror(code) in said
    # mount.nfs may try twice, and each attempt is told.
    (line,) = {line.partition(ADVICE)[2] for line in klog.lines(ADVICE)}
    assert f"error -{code}" in line
    assert advice in line


def test_unknown_authority(mounts, agent, certs, klog) -> None:
    agent.client(certs.other_ca)
    assert_told(mounts.failure(), klog, errno.EKEYREJECTED, "certificate was refused")


def test_wrong_name(mounts, klog) -> None:
    assert_told(mounts.failure(server="other.test"), klog, errno.EKEYREJECTED, "certificate was refused")


def test_agent_that_names_no_server(mounts, klog, no_keys: None) -> None:
    """It may not have looked at the certificate: there are such agents."""
    assert_told(mounts.failure(), klog, errno.EKEYREJECTED, "not verified")


def test_expired_certificate(mounts, server_agent, certs, klog) -> None:
    """By a name of its own: what an earlier connection to a server has left would be resumed, and not verified anew."""
    server_agent.server(certs.ca, certs.expired)
    assert_told(mounts.failure(server="expired.test"), klog, errno.EKEYEXPIRED, "has expired")


def test_no_agent_on_the_client(mounts, agent, klog) -> None:
    agent.stop()
    assert_told(mounts.failure(), klog, errno.ESRCH, "start kquic-handshaked")


def test_no_agent_on_the_server(mounts, server_agent, klog) -> None:
    server_agent.stop()
    said = mounts.failure()
    assert os.strerror(errno.EPROTO) in said
    assert klog.lines("the server ended the handshake: does it have an agent?")
    assert klog.lines("refused: error -3: no TLS handshake agent")


def test_wrong_port(mounts, klog) -> None:
    assert_told(mounts.failure("port=2050"), klog, errno.ECONNREFUSED, "nothing listens")


def test_something_else_listens_there(mounts, peers, klog) -> None:
    with peers.server("kquic_echo", Network.SERVER_V4):
        assert_told(mounts.failure("port=4433"), klog, errno.ENOPROTOOPT, 'no ALPN "sunrpc"')


@pytest.mark.parametrize("order", ["tcp first", "quic first"])
def test_no_silent_change_of_transport(mounts, net, order: str) -> None:
    """A mount over TCP of the same server is a mount of its own."""
    first, second = (("proto=tcp",), ()) if order == "tcp first" else ((), ("proto=tcp",))
    with mounts.mounted(*first), mounts.mounted(*second):
        assert ":2049" in net.cli.run("ss", "-tn")
        assert ":2049" in net.cli.run("cat", "/proc/net/quic/conns")


def test_failed_mount_leaves_nothing(mounts, agent, certs, net) -> None:
    agent.client(certs.other_ca)
    mounts.failure()
    deadline = time.monotonic() + 5
    while len(net.cli.run("cat", "/proc/net/quic/conns").splitlines()) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(net.cli.run("cat", "/proc/net/quic/conns").splitlines()) == 1
