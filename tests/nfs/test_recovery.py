# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections end, servers restart, delegations are recalled; mounts do not notice."""

from __future__ import annotations

import fcntl
import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from file_content import MIB, drop_cache, sha256
from kquic.lab.program import Program
from kquic.lab.topology import Impairment, Network


def wait_for(reached, what: str, timeout: float = 40.0) -> None:
    """Look every 50 ms until something is so."""
    deadline = time.monotonic() + timeout
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def operations(point: Path, name: str) -> int:
    """How often a mount has done an operation."""
    text = Path("/proc/self/mountstats").read_text()
    (mount,) = [part for part in text.split("\ndevice ") if f" mounted on {point} " in part]
    found = re.search(rf"^\s*{name}: (\d+)", mount, re.MULTILINE)
    return int(found[1]) if found else 0


def client_info(nfsd) -> str:
    """What knfsd knows of its clients."""
    return nfsd.host.run("sh", "-c", "cat /proc/fs/nfsd/clients/*/info", check=False)


def test_callbacks_have_a_way(mounts, nfsd) -> None:
    with mounts.mounted() as point:
        (point / "file").write_text("x")
        wait_for(lambda: "callback state: UP" in client_info(nfsd), client_info(nfsd))


def delegations(nfsd) -> int:
    """How many knfsd has given away."""
    states = nfsd.host.run("sh", "-c", "cat /proc/fs/nfsd/clients/*/states", check=False)
    return states.count("type: deleg")


@contextmanager
def delegated(nfsd, point: Path) -> Iterator[tuple[Path, IO[str]]]:
    """A file of the export, and the same file opened over the mount with a delegation.

    knfsd gives none while a grace period lasts, nor for 30 to 60 seconds after it has recalled one, which it judges by
    a filter over all files that may take one for another: so others are tried until that time is over.
    """
    deadline = time.monotonic() + 100
    for number in itertools.count():
        served = nfsd.path("export") / f"delegated{number}"
        served.write_text("before")
        with (point / served.name).open() as file:
            assert file.read() == "before"
            if delegations(nfsd):
                yield served, file
                return
        assert time.monotonic() < deadline, "no file was delegated"
        time.sleep(0.1)


def test_delegation_is_recalled(mounts, nfsd) -> None:
    """Whoever else wants the file gets it because the client gives it back."""
    with mounts.mounted() as point:
        wait_for(lambda: "callback state: UP" in client_info(nfsd), client_info(nfsd))
        with delegated(nfsd, point) as (served, _):
            before = operations(point, "DELEGRETURN")
            served.write_text("after!")
        wait_for(lambda: operations(point, "DELEGRETURN") > before, "the delegation was not returned")
        assert (point / served.name).read_text() == "after!"


def test_server_restart_under_load(mounts, nfsd, net: Network) -> None:
    """Written by a program of its own: children of this one would flush the file when they close it."""
    served = nfsd.path("export") / "load"
    with mounts.mounted() as point:
        (point / "before").write_text("before")
        copy = ["dd", "if=/dev/urandom", f"of={point / 'load'}", "bs=1M", "count=16", "conv=fsync"]
        with Program(net.cli, copy) as writer:
            wait_for(served.exists, "nothing is written")
            nfsd.stop()
            nfsd.start()
            writer.finish(80)
        drop_cache(point / "load")
        assert sha256(point / "load") == sha256(served)
        assert served.stat().st_size == 16 * MIB
        assert (point / "before").read_text() == "before"


def test_locks_survive_a_server_restart(mounts, nfsd) -> None:
    served = nfsd.path("export") / "locked"
    with mounts.mounted() as point:
        with (point / "locked").open("w+b") as mine:
            fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            nfsd.stop()
            nfsd.start()
            mine.write(b"reclaimed")
            mine.flush()
            (point / "other").write_text("the grace period is over")
            with served.open("r+b") as theirs, pytest.raises(BlockingIOError):
                fcntl.lockf(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert served.read_bytes() == b"reclaimed"


def test_server_away_is_told_once(mounts, nfsd, klog) -> None:
    with mounts.mounted() as point:
        nfsd.stop()
        writer = threading.Thread(target=lambda: (point / "later").write_text("later"), daemon=True)
        writer.start()
        wait_for(lambda: klog.lines("nothing listens"), "no line in the log")
        time.sleep(4)
        assert len(klog.lines("rpcquic: ")) == 1, "an attempt every few seconds is no news"
        nfsd.start()
        writer.join(60)
        assert (nfsd.path("export") / "later").read_text() == "later"


def test_reconnect_waits_for_an_agent(mounts, nfsd, agent, certs, klog) -> None:
    with mounts.mounted() as point:
        (point / "before").write_text("before")
        agent.stop()
        nfsd.stop()
        nfsd.start()
        writer = threading.Thread(target=lambda: (point / "after").write_text("after"), daemon=True)
        writer.start()
        wait_for(lambda: klog.lines("no TLS handshake agent"), "no line in the log")
        agent.client(certs.ca)
        writer.join(60)
        assert (nfsd.path("export") / "after").read_text() == "after"


def test_agents_may_go_while_a_mount_is_used(mounts, nfsd, agent, server_agent) -> None:
    with mounts.mounted() as point:
        agent.stop()
        server_agent.stop()
        (point / "without").write_text("no agent")
        assert (nfsd.path("export") / "without").read_text() == "no agent"


def test_nothing_gets_through_for_a_while(mounts, nfsd, net: Network) -> None:
    with mounts.mounted() as point:
        (point / "file").write_text("1")
        net.link.impair(Impairment(loss_percent=100))
        writer = threading.Thread(target=lambda: (point / "after").write_text("2"), daemon=True)
        writer.start()
        time.sleep(2)
        net.link.impair(None)
        writer.join(60)
        assert (nfsd.path("export") / "after").read_text() == "2"
