# SPDX-License-Identifier: GPL-2.0-or-later
"""Two clients on two hosts: delegations go from one to the other, locks exclude; and many clients at a time."""

from __future__ import annotations

import fcntl
import os
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Host, Link, Network
from kquic.sock import Connection, connect
from kquic.tls import ClientSettings, X509Credentials, client_handshake

from .conftest import SERVER_NAME, Agent, Mounts
from .test_mount import connections, transport_stats
from .test_recovery import client_info, delegated, operations, wait_for

#: How many clients of our own connect; 1000 take some minutes. knfsd keeps 64 connections without a file handle.
CLIENTS = int(os.environ.get("KQUIC_CLIENTS", "90"))
KEPT = 64
AT_ONCE = 6
MOUNTS = 24

#: Takes a lock on a file, waiting for it, says so, and keeps it.
LOCKER = """
import fcntl, signal, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
signal.pause()
"""


def locker(host: Host, path: Path, ready: str | None = None) -> Program:
    """A program that has, or waits for, a lock on a file."""
    return Program(host, [sys.executable, "-c", LOCKER, path], ready=ready)


def is_free(path: Path) -> bool:
    """Whether this process could have the lock."""
    with path.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class SecondMounts(Mounts):
    """Mounts on a host with a name of its own, by which servers tell clients apart."""

    def argv(self, *args: object, **options: object) -> list[str]:
        words = super().argv(*args, **options)  # type: ignore[arg-type]
        at = words.index("mount")
        return [*words[:at], "unshare", "--uts", "sh", "-c", 'hostname second && exec "$@"', "sh", *words[at:]]


@pytest.fixture(scope="module")
def _second(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Agent]]:
    with ExitStack() as stack:
        host = Host("second")
        stack.callback(host.close)
        link = Link(host, network.srv, "veth2")
        stack.callback(link.remove)
        network.srv.add_address(link.dev, "10.0.2.1", 24)
        host.add_address(link.dev, "10.0.2.2", 24)
        host.run("ip", "route", "add", "10.0.0.0/24", "via", "10.0.2.1")
        agent = Agent(host, tmp_path_factory.mktemp("second-agent"))
        stack.callback(agent.stop)
        yield host, agent


@pytest.fixture
def second(_second: tuple[Host, Agent], mounts, certs, tmp_path: Path) -> SecondMounts:
    """Mounts on the second client."""
    host, agent = _second
    agent.client(certs.ca)
    (tmp_path / "second").mkdir()
    return SecondMounts(host, tmp_path / "second")


def test_delegation_is_given_back_to_the_other_client(mounts, second: SecondMounts, nfsd) -> None:
    with mounts.mounted() as one, second.mounted() as two:
        wait_for(lambda: "callback state: UP" in client_info(nfsd), client_info(nfsd))
        with delegated(nfsd, one) as (served, _):
            before = operations(one, "DELEGRETURN")
            (two / served.name).write_text("by the other client")
        wait_for(lambda: operations(one, "DELEGRETURN") > before, "the delegation was not returned")
        assert (one / served.name).read_text() == "by the other client"


def test_lock_goes_from_one_client_to_the_other(mounts, second: SecondMounts, nfsd, net: Network) -> None:
    (nfsd.path("export") / "wanted").write_text("x")
    with (
        mounts.mounted() as one,
        second.mounted() as two,
        locker(net.cli, one / "wanted", "locked") as holder,
        locker(net.cli, two / "wanted") as waiting,
    ):
        wait_for(lambda: operations(two, "LOCK") > 0, "the other client does not ask")
        assert "locked" not in waiting.output
        holder.stop()
        waiting.wait_for("locked", 60)


def test_locks_of_two_clients_survive_a_server_restart(mounts, second: SecondMounts, nfsd, net: Network) -> None:
    for name in ("mine", "yours"):
        (nfsd.path("export") / name).write_text("x")
    with (
        mounts.mounted() as one,
        second.mounted() as two,
        locker(net.cli, one / "mine", "locked"),
        locker(net.cli, two / "yours", "locked"),
    ):
        nfsd.stop()
        nfsd.start()
        (one / "after").write_text("the grace period is over")
        (two / "after").write_text("here, too")
        assert not is_free(one / "yours")
        assert not is_free(two / "mine")


def test_many_mounts_at_once(mounts, nfsd, net: Network) -> None:
    """Each with a superblock of its own; they share the connection, which goes with the last of them."""

    def one(number: int) -> int:
        with mounts.mounted("nosharecache") as point:
            (point / f"mount{number}").write_text(str(number))
            return len(transport_stats(point))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert set(threads.map(one, range(MOUNTS))) == {1}
    assert all((nfsd.path("export") / f"mount{number}").read_text() == str(number) for number in range(MOUNTS))
    wait_for(lambda: not connections(net.cli), "a connection is left")


@pytest.fixture
def many_files() -> Iterator[None]:
    """A process may have as many sockets as there are clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * CLIENTS + 256)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.timeout(120 + CLIENTS)
@pytest.mark.usefixtures("many_files")
def test_clients_without_number_are_bounded(mounts, nfsd, net: Network, certs) -> None:
    """knfsd ends the oldest connection that has no file handle to show; a mount has, and stays.

    At no time has the server more than those that it keeps, one that it is about to end, and one for each handshake.
    """
    most = KEPT + 2 + AT_ONCE
    settings = ClientSettings(X509Credentials(certs.ca.read_bytes()), SERVER_NAME, ("sunrpc",))

    def client(_: int) -> Connection:
        with net.cli.entered():
            connection = stack.enter_context(connect(Network.SERVER_V4, 2049))
        client_handshake(connection, settings, 60.0)
        seen.append(len(connections(net.srv)))
        return connection

    seen: list[int] = []

    with mounts.mounted() as point, ExitStack() as stack:
        (point / "before").write_text("1")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(client, range(CLIENTS)))
        assert max(seen) <= most
        wait_for(lambda: len(connections(net.srv)) <= KEPT + 2, "the server keeps more connections than it should")
        (point / "after").write_text("2")
        assert (nfsd.path("export") / "after").read_text() == "2"
        assert int(transport_stats(point)[0][3]) == 1, "the mount had to connect again"
