# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel users of QUIC when agents fail or are not there, and when network namespaces go: see kernel_echo.py."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kernel_echo import (
    ECHO,
    NAME,
    PORT,
    V4,
    Site,
    ask,
    client_settings,
    command,
    listening,
    servers,
    two_hosts,
    user_client,
    wait_until,
)
from kquic.lab.topology import Host, Link
from kquic.tls import HandshakeTimeout, run
from quic_pair import raises

pytestmark = pytest.mark.skipif(not ECHO.exists(), reason="the kernel has no CONFIG_IP_QUIC_SAMPLES")


@pytest.fixture(scope="module")
def site(certs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Both hosts."""
    with two_hosts(certs, tmp_path_factory.mktemp("agents")) as made:
        yield made


def test_authority_that_is_not_trusted(site: Site) -> None:
    with site.agent(site.srv), listening(site), site.agent(site.cli, site.certs.other_ca), raises(errno.EACCES):
        ask(site, 1)


def test_no_agent(site: Site) -> None:
    with raises(errno.ESRCH):
        ask(site, 1)


def test_server_without_an_agent_closes(site: Site) -> None:
    with site.agent(site.cli), listening(site), raises(errno.EPROTO):
        ask(site, 1)


def test_a_signal_cancels_the_handshake(site: Site) -> None:
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGALRM, lambda *_: sys.exit(7))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        f"os.write(os.open('{ECHO}/connect', os.O_WRONLY), b'{V4} {PORT} {NAME} 1')\n"
    )
    with site.agent(site.cli) as agent, listening(site):
        agent.signal(signal.SIGSTOP)
        done = subprocess.run(site.cli.argv([sys.executable, "-c", script]), timeout=8, check=False)
        agent.signal(signal.SIGCONT)
        assert done.returncode == 7
        # The agent goes on as if nothing had been.
        with site.agent(site.srv):
            ask(site, 1000)


def test_unlisten_while_clients_are_in_their_handshake(site: Site) -> None:
    with site.agent(site.srv) as agent:
        agent.signal(signal.SIGSTOP)
        with listening(site), user_client(site) as connection:
            with pytest.raises(HandshakeTimeout):
                run(connection, client_settings(site), 0.5)
            wait_until(lambda: "connections 1" in servers())
            command(site.srv, "unlisten", "")
            assert servers() == ""
        agent.signal(signal.SIGCONT)


def test_a_listener_goes_with_its_network_namespace() -> None:
    host = Host("kgone")
    command(host, "listen", "127.0.0.1", PORT)
    assert "connections 0" in servers()
    host.close()
    wait_until(lambda: servers() == "")


def test_a_connection_holds_its_network_namespace(certs, tmp_path: Path) -> None:
    cli, srv = Host("kcli2"), Host("ksrv2")
    link = Link(cli, srv)
    srv.add_address(link.dev, V4, 24)
    cli.add_address(link.dev, "10.1.0.2", 24)
    site = Site(cli, srv, link, certs, tmp_path)
    command(srv, "listen", V4, PORT)
    with ExitStack() as stack:
        with site.agent(srv):
            connection = stack.enter_context(user_client(site))
            run(connection, client_settings(site), 10)
        srv.close()
        connection.send_all(b"still here", flags=0x400)
        assert connection.recv().data == b"still here"
        assert "connections 1" in servers()
    cli.close()
    wait_until(lambda: servers() == "")
