# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions of kernel users: see net/quic/session.h. What a mount makes of them is in tests/smb/test_resumption.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_echo import ECHO, V6, Site, ask, listening, two_hosts
from kquic.lab.program import Program
from kquic.lab.topology import Impairment

pytestmark = pytest.mark.skipif(not ECHO.exists(), reason="the kernel has no CONFIG_IP_QUIC_SAMPLES")


@pytest.fixture
def site(certs, tmp_path: Path) -> Iterator[Site]:
    """Both hosts, with a server and its agent; the link is slow enough for the client's agent to see the ticket."""
    with two_hosts(certs, tmp_path) as made, made.agent(made.srv), listening(made):
        made.link.impair(Impairment(delay_ms=20))
        yield made


@pytest.fixture
def agent(site: Site) -> Iterator[Program]:
    """The client's agent."""
    with site.agent(site.cli) as program:
        yield program


def offered(site: Site) -> int:
    """How often a session was offered by the client's host."""
    lines = site.cli.run("cat", "/proc/net/quic/snmp").splitlines()
    return int(dict(line.split() for line in lines)["QuicSessionsOffered"])


@pytest.mark.smoke
def test_next_connection_resumes(site: Site, agent: Program) -> None:
    for _ in range(3):
        ask(site, 1 << 20)
    assert offered(site) == 2
    assert agent.output.count(", resumed") == 2


def test_session_outlives_the_agent(site: Site, agent: Program) -> None:
    ask(site, 1 << 20)
    agent.stop()
    with site.agent(site.cli) as other:
        ask(site, 1 << 20)
        assert other.output.count(", resumed") == 1


def test_session_is_for_one_address(site: Site, agent: Program) -> None:
    ask(site, 1 << 20)
    with listening(site, V6):
        ask(site, 1000, V6)
    assert offered(site) == 0


def test_session_is_forgotten_if_nothing_was_sent_with_it(site: Site, agent: Program) -> None:
    """It may be what an agent fails at."""
    ask(site, 1 << 20)
    agent.stop()
    with pytest.raises(ProcessLookupError):
        ask(site, 1000)
    with site.agent(site.cli) as other:
        ask(site, 1000)
        assert other.output.count(", resumed") == 0
    assert offered(site) == 1
