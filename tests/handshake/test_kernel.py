# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel users of QUIC, with a handshake agent on each host: see kernel_echo.py."""

from __future__ import annotations

import errno
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_echo import (
    ECHO,
    NAME,
    PORT,
    V4,
    V6,
    Site,
    ask,
    client_settings,
    command,
    listening,
    servers,
    two_hosts,
    user_client,
)
from kquic.lab.program import Program
from kquic.sock import listen
from kquic.tls import KeyPair, ServerSettings, X509Credentials, run
from quic_pair import raises

CROWD = 30
PEER = Path(__file__).parents[1] / "peers/kquic_echo.py"

pytestmark = pytest.mark.skipif(not ECHO.exists(), reason="the kernel has no CONFIG_IP_QUIC_SAMPLES")


@pytest.fixture(scope="module")
def site(certs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Both hosts."""
    with two_hosts(certs, tmp_path_factory.mktemp("agents")) as made:
        yield made


@pytest.fixture(scope="module")
def agents(site: Site) -> Iterator[None]:
    """An agent on each host."""
    with site.agent(site.cli), site.agent(site.srv):
        yield


@pytest.fixture
def server(site: Site, agents: None) -> Iterator[None]:
    """The kernel's server, with agents on both sides."""
    with listening(site):
        yield


@pytest.mark.parametrize("size", [0, 1, 16384, 300_000, 1 << 20])
def test_kernel_to_kernel(site: Site, server: None, size: int) -> None:
    ask(site, size)


def test_over_ipv6(site: Site, agents: None) -> None:
    with listening(site, V6):
        ask(site, 5000, V6)


def test_many_at_once(site: Site, server: None) -> None:
    """More than net/handshake lets wait for an agent: 3 to 50, by memory."""
    outcomes: list[object] = []

    def one() -> None:
        try:
            ask(site, 10_000)
            outcomes.append("equal")
        except OSError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["equal"] * CROWD


def test_server_of_user_space(site: Site, agents: None) -> None:
    keys = site.certs.server
    argv = [
        sys.executable,
        PEER,
        "server",
        "--address",
        V4,
        "--port",
        str(PORT),
        "--cert",
        keys.cert,
        "--key",
        keys.key,
    ]
    with Program(site.srv, argv, ready="ready"):
        ask(site, 200_000)


def test_client_of_user_space(site: Site, server: None) -> None:
    argv = [sys.executable, PEER, "client", "--address", V4, "--port", str(PORT), "--ca", site.certs.ca]
    assert "equal" in site.cli.run(*argv, "--name", NAME, "--bytes", "500000")


def test_one_port_for_kernel_and_user_space(site: Site, server: None) -> None:
    """A server in the kernel and one of user space are told apart by ALPN, as ksmbd and a web server on port 443."""
    keys = site.certs.server
    where = ["--address", V4, "--port", str(PORT), "--alpn", "other"]
    with Program(
        site.srv, [sys.executable, PEER, "server", *where, "--cert", keys.cert, "--key", keys.key], ready="ready"
    ):
        words = [sys.executable, PEER, "client", *where, "--ca", site.certs.ca, "--name", NAME, "--bytes", "100000"]
        assert "equal" in site.cli.run(*words)
        ask(site, 100_000)
        with site.srv.entered(), raises(errno.EADDRINUSE):
            listen(V4, PORT, alpn=("echo",))
    ask(site, 1000)


@pytest.mark.parametrize("name", ["other.example", "10.1.0.9"])
def test_certificate_of_somebody_else(site: Site, server: None, name: str) -> None:
    with raises(errno.EACCES):
        ask(site, 1, name=name)


def test_nobody_listens(site: Site, agents: None) -> None:
    with raises(errno.ECONNREFUSED):
        ask(site, 1)


def test_no_common_protocol(site: Site, agents: None) -> None:
    with site.srv.entered(), listen(V4, PORT, alpn=("other",)), raises(errno.ENOPROTOOPT):
        ask(site, 1)


def test_address_that_is_none(site: Site) -> None:
    with raises(errno.EINVAL):
        command(site.cli, "connect", "10.1.0.300", PORT, NAME, 1)
    with raises(errno.EADDRNOTAVAIL):
        command(site.srv, "listen", "10.1.0.77", PORT)


def test_peer_that_closes_in_the_middle(site: Site, agents: None) -> None:
    own = KeyPair.load(site.certs.server.cert, site.certs.server.key)

    def serve() -> None:
        with listener, listener.accept() as connection:
            connection.set_timeout(10)
            run(connection, ServerSettings(X509Credentials(own=own), ("echo",)), 10)
            connection.recv(1)
            connection.set_close_info(77, "enough")

    with site.srv.entered():
        listener = listen(V4, PORT, alpn=("echo",))
    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(OSError) as caught:
        ask(site, 1 << 20)
    thread.join()
    assert caught.value.errno in (errno.ENOTCONN, errno.EPIPE)


def test_unlisten_ends_live_connections(site: Site, agents: None) -> None:
    with listening(site), user_client(site) as connection:
        run(connection, client_settings(site), 10)
        connection.send_all(b"x", flags=0x400)
        assert connection.recv().data == b"x"
        assert "connections 1" in servers()
        command(site.srv, "unlisten", "")
        with raises(errno.ENOTCONN):
            connection.recv()
    assert servers() == ""
