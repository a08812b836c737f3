# SPDX-License-Identifier: GPL-2.0-or-later
"""A client sleeps while it copies: its machine is stopped, and its clocks have gone on meanwhile. Runs on the host."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kquic.lab import image, kernel
from kquic.lab.guest import Job
from kquic.lab.machine import Machine
from kquic.lab.paths import REPO
from kquic.tls.testca import TestCA
from qemu_pair import Lab

#: Seconds, on either side of the server's idle timeout: see suspend_guest.
SHORT, LONG = 1.5, 6.5
KINDS = ("quic-soft", "quic-hard", "tcp-soft", "tcp-hard")
#: What programs on a soft mount may be told, over either transport.
TOLD = {errno.EHOSTDOWN, errno.EAGAIN, errno.EIO, errno.ECONNABORTED}


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[dict[str, Lab]]:
    """Server and client, joined by a cable, with mounts of the one on the other in use."""
    authority = TestCA.create()
    authority.write(tmp_path)
    authority.server("server.test").write(tmp_path, "server")
    ends = dict(zip(("server", "client"), socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM), strict=True))
    with ExitStack() as stack:
        running = {}
        for name, end in ends.items():
            stack.callback(end.close)
            job = Job(["python3", "tests/suspend_guest.py", name], tmp_path / name, timeout=200, cwd=REPO)
            for path in (*tmp_path.glob("*.pem"), *tmp_path.glob("*.key")):
                (job.files / "keys").mkdir(parents=True, exist_ok=True)
                shutil.copy(path, job.files / "keys")
            machine = Machine(kernel.last("fast"), image.build(), cpus=1, memory="1G", wires=(end.fileno(),))
            running[name] = stack.enter_context(Lab(machine, job))
            running[name].wait_for("ready" if name == "server" else "progress")
        yield running


def progress(client: Lab) -> dict[str, Any]:
    return dict(json.loads(client.wait_for("progress")))


def wait_for_more(client: Lab) -> dict[str, Any]:
    """Until every mount has got on, counted from what it says now; the last report may be from before it slept."""
    last, deadline = progress(client), time.monotonic() + 100
    while (before := progress(client)) == last:
        assert time.monotonic() < deadline, last
        time.sleep(0.05)
    while True:
        now = progress(client)
        if all(now[kind]["written"] > before[kind]["written"] for kind in KINDS):
            return now
        assert time.monotonic() < deadline, (before, now)
        time.sleep(0.1)


def sleep(client: Lab, seconds: float) -> None:
    """The machine of the client is not there for a while."""
    client.signal(signal.SIGSTOP)
    time.sleep(seconds)
    client.signal(signal.SIGCONT)


def test_client_sleeps(machines: dict[str, Lab]) -> None:
    client = machines["client"]
    before = wait_for_more(client)
    sleep(client, SHORT)
    after = wait_for_more(client)
    assert after["made"] == before["made"]
    assert not any(after[kind]["errors"] or after[kind]["unflushed"] for kind in KINDS)

    sleep(client, LONG)
    after = wait_for_more(client)
    assert all(new > old for new, old in zip(after["made"]["quic"], before["made"]["quic"], strict=True))
    for transport in ("quic", "tcp"):
        soft, hard = after[f"{transport}-soft"], after[f"{transport}-hard"]
        assert {*soft["errors"], *soft["unflushed"]} <= TOLD | {errno.EBADF}
        assert hard["errors"] == []
        assert set(hard["unflushed"]) <= {errno.EBADF}, "what fsync() may say: see docs/smb.md"

    assert client.end().status == 0, client.output
    result = json.loads(client.wait_for("result"))
    assert machines["server"].end().status == 0, machines["server"].output
    files = json.loads(machines["server"].wait_for("files"))
    assert {kind: result[kind]["digest"] for kind in KINDS} == {kind: files[kind] for kind in KINDS}
