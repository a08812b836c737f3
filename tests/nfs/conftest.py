# SPDX-License-Identifier: GPL-2.0-or-later
"""knfsd with a QUIC listener on `srv`, handshake agents on both hosts, mounts on `cli`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Host, Network
from kquic.servers.nfsd import Nfsd

from .test_recovery import wait_for

SERVER_NAME = "server.test"
PORT = 2049

#: What mount.nfs has to know of the netids; see docs/nfs.md.
NETCONFIG = "quic tpi_cots_ord - inet quic - -\nquic6 tpi_cots_ord - inet6 quic - -\n"
#: The grace period of lockd holds for NFSv4's files, too: as short as it can be.
LOCKD = {"nlm_timeout": "3", "nlm_grace_period": "3"}

PROTOCOLS = "tcp 6 TCP\nudp 17 UDP\nquic 261 QUIC\n"


@pytest.fixture(scope="session")
def _netids() -> Iterator[None]:
    """mount.nfs knows the netids quic and quic6."""
    files = {Path("/etc/netconfig"): NETCONFIG, Path("/etc/protocols"): PROTOCOLS}
    before = {path: path.read_text() if path.exists() else None for path in files}
    for path, lines in files.items():
        path.write_text((before[path] or "") + lines)
    yield
    for path, text in before.items():
        path.unlink() if text is None else path.write_text(text)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the agents behind the last test in here: others start their own on the same hosts."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        for agent in Agent.all:
            agent.stop()


class Agent:
    """kquic-handshaked on a host."""

    all: ClassVar[list[Agent]] = []

    def __init__(self, host: Host, folder: Path) -> None:
        self.all.append(self)
        self._host, self._config = host, folder / f"{host.name}.conf"
        self._program: Program | None = None
        self._text = ""

    @property
    def output(self) -> str:
        """What the agent has logged."""
        return self._program.output if self._program is not None else ""

    def start(self, text: str) -> None:
        """Run, if it does not already, with this configuration."""
        if self._program is not None and self._text == text:
            return
        self.stop()
        self._config.write_text(text)
        argv = [sys.executable, "-m", "kquic.handshaked", "-c", str(self._config)]
        self._program = Program(self._host, argv, ready="ready").__enter__()
        self._text = text

    def client(self, ca: Path, keys=None) -> None:
        """Verify servers with an authority; present a certificate if mutual TLS is asked for."""
        text = f"[authenticate.client]\nx509.truststore = {ca}\n"
        if keys is not None:
            text += f"x509.certificate = {keys.cert}\nx509.private_key = {keys.key}\n"
        self.start(text)

    def server(self, ca: Path, keys) -> None:
        """Serve with a certificate; verify clients with an authority."""
        self.start(
            f"[authenticate.server]\nx509.truststore = {ca}\n"
            f"x509.certificate = {keys.cert}\nx509.private_key = {keys.key}\n"
        )

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()
        self._program = None


@pytest.fixture(scope="session")
def _agents(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Agent, Agent]]:
    folder = tmp_path_factory.mktemp("nfs-agents")
    yield Agent(network.cli, folder), Agent(network.srv, folder)


@pytest.fixture
def agent(_agents: tuple[Agent, Agent], certs) -> Agent:
    """The client's handshake agent, running, which trusts the server's authority."""
    _agents[0].client(certs.ca)
    return _agents[0]


@pytest.fixture
def server_agent(_agents: tuple[Agent, Agent], certs) -> Agent:
    """The server's handshake agent, running, with a good certificate."""
    _agents[1].server(certs.ca, certs.server)
    return _agents[1]


@pytest.fixture(scope="session")
def _nfsd(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nfsd]:
    with Nfsd(network.srv, tmp_path_factory.mktemp("nfsd"), ("quic 2049", "tcp 2049")) as server:
        yield server


@pytest.fixture
def nfsd(_nfsd: Nfsd, server_agent: Agent) -> Nfsd:
    """knfsd, running; a test may stop and start it."""
    if not _nfsd.running:
        _nfsd.start()
    return _nfsd


@contextlib.contextmanager
def _settings(values: dict[str, str]) -> Iterator[None]:
    """Kernel parameters, put back afterwards."""
    files = {Path("/proc/sys/fs/nfs", name): value for name, value in values.items()}
    before = {path: path.read_text() for path in files}
    for path, value in files.items():
        path.write_text(value)
    yield
    for path, value in before.items():
        path.write_text(value)


@pytest.fixture(scope="module")
def nfsv3(network: Network, _nfsd: Nfsd) -> Iterator[None]:
    """knfsd serves NFSv3 meanwhile, with rpcbind and a mountd that knows MOUNT."""
    with _settings(LOCKD), Program(network.srv, ["rpcbind", "-f", "-w"]):
        wait_for(lambda: "portmapper" in network.srv.run("rpcinfo", "-p", check=False), "rpcbind does not answer")
        with Program(network.srv, ["rpc.mountd", "-F"]):
            wait_for(lambda: "mountd" in network.srv.run("rpcinfo", "-p", check=False), "mountd is not registered")
            _nfsd.stop()
            _nfsd.nfsv3 = True
            _nfsd.start()
            yield
            _nfsd.stop()
            _nfsd.nfsv3 = False


class Mounts:
    """Makes NFS mounts on the client's host."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._host, self._folder = host, folder
        self._count = 0

    def argv(self, point: Path, *options: str, server: str = SERVER_NAME, path: str = "/export") -> list[str]:
        """The command that mounts, over QUIC and NFSv4.2 unless told otherwise."""
        given = {"proto": "quic", "vers": "4.2", "retry": "0"}
        given |= dict(option.partition("=")[::2] for option in options)
        text = ",".join(f"{name}={value}" if value else name for name, value in given.items())
        return self._host.argv(["mount", "-t", "nfs", f"{server}:{path}", str(point), "-o", text])

    def point(self) -> Path:
        """A new directory to mount on."""
        self._count += 1
        point = self._folder / f"mnt{self._count}"
        point.mkdir()
        return point

    @contextlib.contextmanager
    def mounted(self, *options: str, server: str = SERVER_NAME, path: str = "/export") -> Iterator[Path]:
        """A mounted export."""
        point = self.point()
        argv = self.argv(point, *options, server=server, path=path)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert not done.returncode, done.stdout + done.stderr
        try:
            yield point
        finally:
            subprocess.run(["umount", str(point)], check=True, timeout=60)

    def failure(self, *options: str, server: str = SERVER_NAME, path: str = "/export") -> str:
        """What mount.nfs says when it fails."""
        argv = self.argv(self.point(), *options, server=server, path=path)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode, "the mount should have failed"
        return done.stdout + done.stderr


@pytest.fixture
def mounts(net: Network, nfsd: Nfsd, agent: Agent, _netids: None, tmp_path: Path) -> Mounts:
    """Mounts of the server's export; the server and both agents run."""
    return Mounts(net.cli, tmp_path)


@pytest.fixture
def soon_idle() -> Iterator[None]:
    """Connections of mounts are closed after a second without calls."""
    parameter = Path("/sys/module/rpcquic/parameters/idle_timeout")
    before = parameter.read_text()
    parameter.write_text("1")
    yield
    parameter.write_text(before)
