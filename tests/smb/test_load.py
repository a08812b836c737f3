# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends under load, of server, agent and mount: nothing hangs, and nothing that fsync() has confirmed is lost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kquic.lab.topology import Network
from smb_load import Load, content

#: How many mounts a storm has; 200 take a minute or two.
STORM = int(os.environ.get("KQUIC_STORM", "48"))
AT_ONCE = 6

#: What an attempt may end in whose agent dies meanwhile; see docs/smb.md.
NO_AGENT = ("mount error(3)", "mount error(5)", "mount error(11)", "mount error(110)")


@pytest.fixture(params=["quic", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def wait_for(reached: Callable[[], bool], timeout: float = 40.0) -> None:
    deadline = time.monotonic() + timeout
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def connections(net: Network) -> list[str]:
    """What the client has open."""
    return net.cli.run("cat", "/proc/net/quic/conns").splitlines()[1:]


@pytest.mark.timeout(240)
def test_server_is_killed(each, net: Network, transport: str) -> None:
    with each.mounted(transport) as point:
        with Load(net.cli, point) as load:
            load.wait_for_more()
            each.crash()
            load.wait_for_more()
        load.check(each.server.path())


@pytest.mark.timeout(240)
def test_agent_is_killed(mounts, samba, agent, net: Network, certs) -> None:
    """Established connections do not need it; a reconnect waits until there is one again."""
    with mounts.mounted() as point:
        with Load(net.cli, point) as load:
            load.wait_for_more()
            agent.kill()
            load.wait_for_more()
            samba.kill()
            samba.start()
            agent.start(certs.ca)
            load.wait_for_more()
        load.check(samba.path())


@pytest.mark.timeout(240)
def test_agent_is_killed_while_many_mount(mounts, agent, certs) -> None:
    """Each attempt ends, well or in an error that says so, within the handshake timeout."""
    before = agent.program.output.count("established")
    commands = [mounts.argv(mounts.point(), "nosharesock", "handshake_timeout=4") for _ in range(12)]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for argv in commands]
    wait_for(lambda: agent.program.output.count("established") >= before + 2)
    agent.kill()
    try:
        ended = [(attempt, attempt.communicate(timeout=90)[0]) for attempt in running]
    finally:
        agent.start(certs.ca)
    mounted = [argv for argv, (attempt, _) in zip(commands, ended, strict=True) if not attempt.returncode]
    for argv in mounted:
        subprocess.run(["umount", argv[argv.index("-o") - 1]], check=True, timeout=60)
    assert all(any(error in text for error in NO_AGENT) for attempt, text in ended if attempt.returncode), ended
    with mounts.mounted() as point:
        (point / "after").write_text("works")


def test_unmount_brings_all_data_home(mounts, samba, transport: str) -> None:
    """Nobody called fsync(); umount(8) writes back what is left."""
    with mounts.mounted(f"transport={transport}", "vers=3.1.1") as point:
        for number in range(24):
            (point / f"dirty{number}").write_bytes(content(number))
    assert all((samba.path() / f"dirty{number}").read_bytes() == content(number) for number in range(24))


def test_unmount_under_programs(mounts, samba, net: Network, transport: str) -> None:
    """A busy mount stays; one that is detached serves who has it until they are done, and then the connection ends."""
    point = mounts.point()
    subprocess.run(mounts.argv(point, f"transport={transport}", "vers=3.1.1"), check=True, timeout=60)
    with Load(net.cli, point) as load:
        load.wait_for_more()
        busy = subprocess.run(["umount", str(point)], capture_output=True, text=True, check=False, timeout=60)
        assert busy.returncode
        subprocess.run(["umount", "--lazy", str(point)], check=True, timeout=60)
        assert not list(point.iterdir())
        load.wait_for_more()
    load.check(samba.path())
    assert not load.errors
    wait_for(lambda: not connections(net))


@pytest.mark.timeout(60 + 2 * STORM)
def test_storm_of_mounts(mounts, samba, net: Network, debug_data) -> None:
    """Some share a connection with whoever is there at the moment, others have their own."""

    def mount(number: int) -> None:
        own = ("nosharesock",) if number % 2 else ()
        with mounts.mounted(*own) as point:
            (point / f"storm{number}").write_bytes(content(number))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(mount, range(STORM)))
    assert all((samba.path() / f"storm{number}").read_bytes() == content(number) for number in range(STORM))
    wait_for(lambda: not connections(net))
    wait_for(lambda: "ConnectionId" not in debug_data())
