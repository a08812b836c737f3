# SPDX-License-Identifier: GPL-2.0-or-later
"""What a connection leaves behind in the kernel lets the next one to the server resume the TLS session."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

import pytest

from kquic.lab.topology import Impairment, Network
from scripted_smb import PORTS, Scripted, put, put_again

KEPT, OFFERED = "QuicSessionsKept", "QuicSessionsOffered"


class Counted:
    """What has happened on the client since: sessions kept and offered, handshakes that resumed one."""

    def __init__(self, net: Network, agent) -> None:
        self._net, self._agent = net, agent
        self._before = self._read()

    def _read(self) -> tuple[int, int, int]:
        lines = self._net.cli.run("cat", "/proc/net/quic/snmp").splitlines()
        values = {name: int(value) for name, value in (line.split() for line in lines)}
        return values[KEPT], values[OFFERED], self._agent.program.output.count(", resumed")

    def begin(self) -> None:
        """Wait for the first session of the test, and count from there: earlier tests have left some, too."""
        self.wait_for_kept(1)
        self._before = self._read()

    def wait_for_kept(self, number: int) -> None:
        """Until so many are kept; an attempt that reaches nobody offers one in vain."""
        deadline = time.monotonic() + 15
        while self.now()[0] < number:
            assert time.monotonic() < deadline, self.now()
            time.sleep(0.02)

    def now(self) -> tuple[int, int, int]:
        """Kept, offered, resumed."""
        kept, offered, resumed = (now - before for now, before in zip(self._read(), self._before, strict=True))
        return kept, offered, resumed

    def wait(self, wanted: tuple[int, int, int]) -> None:
        """Tickets come after the handshake, and the log when it likes."""
        deadline = time.monotonic() + 15
        while self.now() != wanted:
            assert time.monotonic() < deadline, self.now()
            time.sleep(0.02)


@pytest.fixture
def counted(net: Network, agent) -> Counted:
    """Counts from the beginning of the test."""
    return Counted(net, agent)


def test_second_mount_resumes(scripted: Scripted, counted: Counted, debug_data: Callable[[], str]) -> None:
    """The kernel has the session: it outlives the mount, and the certificate counts as verified still."""
    scripted.start(tickets=True)
    with scripted.mounted("quic") as point:
        put(point / "first", b"1")
        counted.begin()
    for number in range(1, 4):
        with scripted.mounted("quic") as point:
            put(point / "again", b"2")
            assert "Certificate: verified" in debug_data()
            assert "Peer key: " in debug_data()
            counted.wait((number, number, number))


def test_reconnect_resumes(scripted: Scripted, counted: Counted) -> None:
    server = scripted.start(tickets=True)
    with scripted.mounted("quic", "soft", "echo_interval=1") as point:
        put(point / "first", b"1")
        counted.begin()
        server.drop_all()
        put_again(point / "again", b"2")
        counted.wait((1, 1, 1))


def test_server_that_has_forgotten(scripted: Scripted, counted: Counted) -> None:
    """A new server has new keys: the handshake becomes a full one, at no cost but that.

    The client may have been back, and resumed, before the old one was gone.
    """
    scripted.start(tickets=True)
    with scripted.mounted("quic", "soft", "echo_interval=1") as point:
        put(point / "first", b"1")
        counted.begin()
        scripted.server.stop()
        scripted.start(tickets=True)
        put_again(point / "again", b"2")
        counted.wait_for_kept(1)
        _, offered, resumed = counted.now()
        assert offered > resumed


def test_session_outlives_attempts_that_nobody_answers(scripted: Scripted, counted: Counted, net: Network) -> None:
    scripted.start(tickets=True)
    with scripted.mounted("quic") as point:
        put(point / "first", b"1")
        counted.begin()
    net.link.impair(Impairment(loss_percent=100))
    assert scripted.mounts.error(f"port={PORTS['quic']}", "handshake_timeout=3") == errno.ETIMEDOUT
    net.link.impair(None)
    with scripted.mounted("quic"):
        counted.wait((1, 2, 1))


@pytest.mark.parametrize("other", ["port", "name"])
def test_session_is_for_one_server_and_one_name(scripted: Scripted, counted: Counted, other: str) -> None:
    scripted.start(tickets=True)
    scripted.listen_quic(8444, tickets=True)
    with scripted.mounted("quic") as point:
        put(point / "first", b"1")
        counted.begin()
    options = {"port": "port=8444", "name": f"servername={Network.SERVER_V4}"}[other]
    with scripted.mounted("quic", options) as point:
        put(point / "again", b"2")
        counted.wait((1, 0, 0))


def test_client_certificate_is_another_session(scripted: Scripted, net: Network, agent, certs) -> None:
    """A server that asks for a certificate would remember a client without, and the other way round."""
    agent.start(certs.ca, certs.client)
    scripted.start(tickets=True)
    count = Counted(net, agent)
    with scripted.mounted("quic") as point:
        put(point / "first", b"1")
        count.begin()
    with scripted.mounted("quic", "mtls"):
        count.wait((1, 0, 0))
    with scripted.mounted("quic", "mtls"):
        count.wait((2, 1, 1))


def test_other_authority_ends_it(scripted: Scripted, counted: Counted, agent, certs) -> None:
    """Who trusts somebody else now does not believe what was verified before."""
    scripted.start(tickets=True)
    with scripted.mounted("quic") as point:
        put(point / "first", b"1")
        counted.begin()
    agent.start(certs.other_ca)
    assert scripted.mounts.error(f"port={PORTS['quic']}") == errno.EKEYREJECTED


def test_no_ticket_no_wait(scripted: Scripted, counted: Counted) -> None:
    """The agent reports before it looks for a ticket: a server without is as quick."""
    scripted.start()
    with scripted.mounted("quic") as point:
        put(point / "first", b"1")
    with scripted.mounted("quic") as point:
        put(point / "again", b"2")
    assert counted.now()[0] == 0
