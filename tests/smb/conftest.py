# SPDX-License-Identifier: GPL-2.0-or-later
"""A Samba server on `srv`; a handshake agent and mounts on `cli`."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Host, Network
from kquic.servers.samba import Samba, TlsFiles

SERVER_NAME = "server.test"
DEBUG_DATA = Path("/proc/fs/cifs/DebugData")


@pytest.fixture(scope="session")
def _samba(network: Network, certs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    tls = TlsFiles(certs.server.cert, certs.server.key, certs.ca)
    folder = tmp_path_factory.mktemp("samba")
    shares, referring = ("share", "other", "dfs"), {"dfs": ("msdfs root = yes",)}
    with Samba(network.srv, folder, tls, shares, share_options=referring) as samba:
        yield samba


@pytest.fixture
def samba(_samba: Samba) -> Samba:
    """Samba with a good certificate, running; a test may stop and start it."""
    if not _samba.running:
        _samba.start()
    return _samba


class Agent:
    """kquic-handshaked on a host, which trusts one authority."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._host, self._config = host, folder / "handshaked.conf"
        self._program: Program | None = None
        self._trusts: Path | None = None

    @property
    def program(self) -> Program:
        """The running agent."""
        assert self._program is not None
        return self._program

    def start(self, ca: Path) -> None:
        """Run, if it does not already, with this authority."""
        if self._program is not None and self._trusts == ca:
            return
        self.stop()
        self._config.write_text(f"[authenticate.client]\nx509.truststore = {ca}\n")
        argv = [sys.executable, "-m", "kquic.handshaked", "-c", str(self._config)]
        self._program = Program(self._host, argv, ready="ready").__enter__()
        self._trusts = ca

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()
        self._program = None


@pytest.fixture(scope="session")
def _agent(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    agent = Agent(network.cli, tmp_path_factory.mktemp("agent"))
    yield agent
    agent.stop()


@pytest.fixture
def agent(_agent: Agent, certs) -> Agent:
    """The client's handshake agent, running, which trusts the server's authority."""
    _agent.start(certs.ca)
    return _agent


class Mounts:
    """Makes mounts on the client's host, with the server's user and password."""

    def __init__(self, host: Host, samba: Samba, folder: Path) -> None:
        self._host, self._samba, self._folder = host, samba, folder
        self._count = 0

    def argv(
        self, point: Path, *options: str, server: str = SERVER_NAME, share: str = "share", password: str = ""
    ) -> list[str]:
        """The command that mounts a share, over QUIC unless told otherwise."""
        password = password or self._samba.password
        given = ["quic", f"username={self._samba.user}", f"password={password}", *options]
        return self._host.argv(["mount", "-t", "cifs", f"//{server}/{share}", str(point), "-o", ",".join(given)])

    def point(self) -> Path:
        """A new directory to mount on."""
        self._count += 1
        point = self._folder / f"mnt{self._count}"
        point.mkdir()
        return point

    @contextlib.contextmanager
    def mounted(self, *options: str, server: str = SERVER_NAME, share: str = "share") -> Iterator[Path]:
        """A mounted share."""
        point = self.point()
        argv = self.argv(point, *options, server=server, share=share)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert not done.returncode, done.stdout + done.stderr + self._samba.log()
        try:
            yield point
        finally:
            subprocess.run(["umount", str(point)], check=True, timeout=60)

    def error(self, *options: str, server: str = SERVER_NAME, password: str = "") -> int:
        """The errno with which a mount fails."""
        argv = self.argv(self.point(), *options, server=server, password=password)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode, "the mount should have failed"
        found = re.search(r"mount error\((\d+)\)", done.stdout + done.stderr)
        assert found, done.stdout + done.stderr
        return int(found[1])


@pytest.fixture
def mounts(net: Network, samba: Samba, agent: Agent, tmp_path: Path) -> Mounts:
    """Mounts of the server's shares; the server and the agent run."""
    return Mounts(net.cli, samba, tmp_path)


class KernelLog:
    """What the kernel has logged since the test began."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)
        self._lines: list[str] = []

    def lines(self, text: str) -> list[str]:
        """The lines with this text in them."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._lines.append(os.read(self._fd, 8192).decode(errors="replace"))
        return [line for line in self._lines if text in line]

    def close(self) -> None:
        """Stop looking."""
        os.close(self._fd)


@pytest.fixture
def klog() -> Iterator[KernelLog]:
    """The kernel's log from here on."""
    log = KernelLog()
    yield log
    log.close()


def mount_options(point: Path) -> dict[str, str]:
    """The options that /proc/mounts shows."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, _, options, *_ = line.split()
        if where == str(point):
            return dict(option.partition("=")[::2] for option in options.split(","))
    raise AssertionError(f"{point} is not mounted")


@pytest.fixture
def show_options():
    """Tells the options of a mount, as /proc/mounts has them."""
    return mount_options


@pytest.fixture
def debug_data():
    """Tells what /proc/fs/cifs/DebugData shows."""
    return DEBUG_DATA.read_text
