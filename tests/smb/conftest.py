# SPDX-License-Identifier: GPL-2.0-or-later
"""A Samba server on `srv`, ksmbd on the machine itself; a handshake agent and mounts on `cli`."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Host, Link, Machine, Network
from kquic.servers.ksmbd import Ksmbd
from kquic.servers.samba import Samba, TlsFiles
from kquic.tls.testca import KeyFiles
from scripted_smb import PORTS, Scripted
from smb_served import Served

KSMBD_V4, KSMBD_V6 = "10.0.1.1", "fd01::1"
RELOADED = "loaded again"
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


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the agents behind the last test in here: others start their own on the same hosts."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        for agent in (*Agent.all, *ServerAgent.all):
            agent.stop()


class Agent:
    """kquic-handshaked on a host, which trusts one authority."""

    all: ClassVar[list[Agent]] = []

    def __init__(self, host: Host, folder: Path) -> None:
        self.all.append(self)
        self._host, self._config = host, folder / "handshaked.conf"
        self._program: Program | None = None
        self._runs: tuple[Path, KeyFiles | None] | None = None

    @property
    def program(self) -> Program:
        """The running agent."""
        assert self._program is not None
        return self._program

    def start(self, ca: Path, own: KeyFiles | None = None) -> None:
        """Run, if it does not already, with this authority, and with a certificate for who asks."""
        if self._program is not None and self._runs == (ca, own):
            return
        self.stop()
        text = f"[authenticate.client]\nx509.truststore = {ca}\n"
        if own is not None:
            text += f"x509.certificate = {own.cert}\nx509.private_key = {own.key}\n"
        self._config.write_text(text)
        argv = [sys.executable, "-m", "kquic.handshaked", "-c", str(self._config)]
        self._program = Program(self._host, argv, ready="ready").__enter__()
        self._runs = (ca, own)

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()
        self._program = None

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self.program.signal(signal.SIGKILL)
        self.stop()


@pytest.fixture(scope="session")
def _agent(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    return Agent(network.cli, tmp_path_factory.mktemp("agent"))


@pytest.fixture
def agent(_agent: Agent, certs) -> Agent:
    """The client's handshake agent, running, which trusts the server's authority."""
    _agent.start(certs.ca)
    return _agent


class Server(Protocol):
    """What every SMB server of these tests is."""

    user: str
    password: str
    dns_name: str

    def log(self) -> str:
        """What it had to say."""


class Mounts:
    """Makes mounts on the client's host, with the server's user and password."""

    def __init__(self, host: Host, server: Server, folder: Path) -> None:
        self._host, self._server, self._folder = host, server, folder
        self._count = 0

    def argv(self, point: Path, *options: str, server: str = "", share: str = "share", password: str = "") -> list[str]:
        """The command that mounts a share, over QUIC unless told otherwise."""
        server, password = server or self._server.dns_name, password or self._server.password
        given = ["quic", f"username={self._server.user}", f"password={password}", *options]
        return self._host.argv(["mount", "-t", "cifs", f"//{server}/{share}", str(point), "-o", ",".join(given)])

    def point(self) -> Path:
        """A new directory to mount on."""
        self._count += 1
        point = self._folder / f"mnt{self._count}"
        point.mkdir()
        return point

    @contextlib.contextmanager
    def mounted(self, *options: str, server: str = "", share: str = "share") -> Iterator[Path]:
        """A mounted share."""
        point = self.point()
        argv = self.argv(point, *options, server=server, share=share)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert not done.returncode, done.stdout + done.stderr + self._server.log()
        try:
            yield point
        finally:
            subprocess.run(["umount", str(point)], check=True, timeout=60)

    def error(self, *options: str, server: str = "", password: str = "") -> int:
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


@pytest.fixture(scope="session")
def machine(network: Network) -> Iterator[tuple[Machine, Link]]:
    """The machine itself, and the link that joins it to the client; ksmbd's names resolve."""
    home, hosts = Machine(), Path("/etc/hosts")
    link = Link(home, network.cli, "veth1")
    for host, v4, v6 in ((home, KSMBD_V4, KSMBD_V6), (network.cli, "10.0.1.2", "fd01::2")):
        host.add_address(link.dev, v4, 24)
        host.add_address(link.dev, v6, 64)
    before = hosts.read_text()
    hosts.write_text(f"{before}\n{KSMBD_V4} ksmbd.test\n{KSMBD_V6} ksmbd6.test\n")
    yield home, link
    hosts.write_text(before)
    link.remove()
    home.close()


class ServerAgent:
    """kquic-handshaked beside ksmbd, with the server's certificate."""

    all: ClassVar[list[ServerAgent]] = []

    def __init__(self, host: Host, folder: Path, certs) -> None:
        self.all.append(self)
        self._host, self._config = host, folder / "handshaked.conf"
        self._text = (
            f"[authenticate.server]\nx509.certificate = {certs.server.cert}\n"
            f"x509.private_key = {certs.server.key}\nx509.truststore = {certs.ca}\n"
        )
        self._clients = folder / "clients"
        self._config.write_text(self._text)
        self._program: Program | None = None

    @contextlib.contextmanager
    def admitting(self, rules: str) -> Iterator[None]:
        """Have it admit only the clients of a list, for a while."""
        self._clients.write_text(rules)
        self._reload(f"{self._text}x509.clients = {self._clients}\n")
        try:
            yield
        finally:
            self._reload(self._text)

    def _reload(self, text: str) -> None:
        assert self._program is not None
        self._config.write_text(text)
        before = self._program.output.count(RELOADED)
        self._program.signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self._program.output.count(RELOADED) == before:
            assert time.monotonic() < deadline, self._program.output
            time.sleep(0.02)

    @property
    def output(self) -> str:
        """What it has logged."""
        return self._program.output if self._program is not None else ""

    def start(self) -> None:
        """Run, if it does not already."""
        if self._program is None:
            argv = [sys.executable, "-m", "kquic.handshaked", "-c", str(self._config)]
            self._program = Program(self._host, argv, ready="ready").__enter__()

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()
        self._program = None


@pytest.fixture(scope="session")
def _server_agent(machine, certs, tmp_path_factory: pytest.TempPathFactory) -> ServerAgent:
    return ServerAgent(machine[0], tmp_path_factory.mktemp("server-agent"), certs)


@pytest.fixture
def server_agent(_server_agent: ServerAgent) -> ServerAgent:
    """ksmbd's handshake agent, running."""
    _server_agent.start()
    return _server_agent


@pytest.fixture(scope="session")
def _ksmbd(machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ksmbd]:
    options = ("server multi channel support = yes",)
    with Ksmbd(machine[0], tmp_path_factory.mktemp("ksmbd"), ("share", "other"), options) as ksmbd:
        yield ksmbd


@pytest.fixture
def ksmbd(_ksmbd: Ksmbd, server_agent: ServerAgent) -> Ksmbd:
    """The kernel's server, running, with a good certificate; a test may stop and start it."""
    if not _ksmbd.running:
        _ksmbd.start()
    return _ksmbd


@pytest.fixture
def ksmbd_link(machine) -> Iterator[Link]:
    """The link to ksmbd, without loss and delay before and after the test."""
    machine[1].impair(None)
    yield machine[1]
    machine[1].impair(None)


@pytest.fixture
def mounts_of(net: Network, agent: Agent, tmp_path: Path) -> Callable[[Server], Mounts]:
    """Mounts of any server's shares."""
    return lambda server: Mounts(net.cli, server, tmp_path)


@pytest.fixture
def ksmbd_mounts(net: Network, ksmbd: Ksmbd, agent: Agent, tmp_path: Path) -> Mounts:
    """Mounts of ksmbd's shares."""
    return Mounts(net.cli, ksmbd, tmp_path)


@pytest.fixture
def served(net: Network, certs, tmp_path: Path) -> Iterator[Served]:
    """The Python server in a process of its own: a page fault of the test would stop one in the same process."""
    made = Served(net, certs, tmp_path)
    made.start()
    yield made
    made.stop()


class EachServer:
    """One of the three servers, and mounts of it over either transport."""

    def __init__(self, server, mounts: Mounts, ports: dict[str, int]) -> None:
        self.server, self._mounts, self._ports = server, mounts, ports

    def mounted(self, transport: str, *options: str) -> contextlib.AbstractContextManager[Path]:
        """The share."""
        port = (f"port={self._ports[transport]}",) if self._ports else ()
        return self._mounts.mounted(f"transport={transport}", "vers=3.1.1", *port, *options)

    def crash(self) -> None:
        """End the server without a word to its clients, as far as it can be done, and start it again."""
        if isinstance(self.server, Ksmbd):
            self.server.stop()
        else:
            self.server.kill()
        self.server.start()


@pytest.fixture(params=["samba", "ksmbd", "served"])
def each(request: pytest.FixtureRequest, mounts_of: Callable[[Server], Mounts]) -> EachServer:
    """Each of the three servers."""
    server = request.getfixturevalue(request.param)
    return EachServer(server, mounts_of(server), PORTS if request.param == "served" else {})


@pytest.fixture
def mount_over(each: EachServer):
    """Mounts a server's share over a transport."""
    return each.mounted


@pytest.fixture
def scripted(net: Network, agent: Agent, certs, tmp_path: Path) -> Iterator[Scripted]:
    """The Python server, to be started by the test, and mounts of it."""
    made = Scripted(net, certs, tmp_path)
    made.mounts = Mounts(net.cli, made, tmp_path)
    yield made
    made.server.stop()


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
