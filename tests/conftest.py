# SPDX-License-Identifier: GPL-2.0-or-later
"""What end-to-end tests are given: a network of two hosts, certificates, servers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel_log import KernelLog
from kquic.lab.program import Program
from kquic.lab.topology import Host, Network, client_and_server
from kquic.tls.testca import KeyFiles, TestCA

#: The name in the server's certificate; the guest's hosts file knows it.
SERVER_NAME = "server.test"
PEERS = Path(__file__).parent / "peers"


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """Two hosts, `cli` and `srv`, joined by a link; the server's name resolves."""
    hosts = Path("/etc/hosts")
    before = hosts.read_text()
    names = {Network.SERVER_V4: f"{SERVER_NAME} other.test expired.test", Network.SERVER_V6: "server6.test"}
    hosts.write_text("\n".join([before, *(f"{address} {them}" for address, them in names.items()), ""]))
    with client_and_server() as made:
        yield made
    hosts.write_text(before)


@pytest.fixture
def net(network: Network) -> Iterator[Network]:
    """The network, its link without loss and delay before and after the test."""
    network.link.impair(None)
    yield network
    network.link.impair(None)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a test's certificate authority."""

    ca: Path
    server: KeyFiles
    client: KeyFiles
    expired: KeyFiles
    other_ca: Path


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority with certificates for the server, a client, and one that has expired; and a foreign authority."""
    folder = tmp_path_factory.mktemp("certs")
    authority, foreign = TestCA.create("Lab CA"), TestCA.create("Foreign CA")
    names = (SERVER_NAME, "server6.test", "ksmbd.test", "ksmbd6.test", Network.SERVER_V4, Network.SERVER_V6)
    return Certificates(
        ca=authority.write(folder),
        server=authority.server(*names).write(folder, "server"),
        client=authority.client("client.test").write(folder, "client"),
        expired=authority.expired(*names, "expired.test").write(folder, "expired"),
        other_ca=foreign.write(folder, "foreign"),
    )


class Peers:
    """Starts the programs of tests/peers."""

    def __init__(self, net: Network, certs: Certificates) -> None:
        self._net, self._certs = net, certs

    def _argv(self, name: str, role: str, *options: str) -> list[str]:
        return [sys.executable, str(PEERS / f"{name}.py"), role, *options]

    def server(self, name: str, address: str, port: int = 4433, *options: str, host: Host | None = None) -> Program:
        """An echo server on the server's host; to be entered as a context."""
        keys = self._certs.server
        argv = self._argv(name, "server", "--address", address, "--port", str(port), *options)
        argv += ["--cert", str(keys.cert), "--key", str(keys.key)]
        return Program(host or self._net.srv, argv, ready="ready")

    def client(self, name: str, address: str, port: int = 4433, *options: str, host: Host | None = None) -> Program:
        """A client of an echo server, on the client's host."""
        argv = self._argv(name, "client", "--address", address, "--port", str(port), *options)
        argv += ["--ca", str(self._certs.ca), "--name", SERVER_NAME]
        return Program(host or self._net.cli, argv)


@pytest.fixture
def peers(net: Network, certs: Certificates) -> Peers:
    """Echo servers and clients: the kernel's sockets and independent programs."""
    return Peers(net, certs)


@pytest.fixture
def no_keys() -> Iterator[None]:
    """Nobody can add a key: agents cannot tell the kernel who a peer is."""
    quota = Path("/proc/sys/kernel/keys/root_maxkeys")
    before = quota.read_text()
    quota.write_text("1")
    yield
    quota.write_text(before)


@pytest.fixture
def klog() -> Iterator[KernelLog]:
    """The kernel's log from here on."""
    log = KernelLog()
    yield log
    log.close()
