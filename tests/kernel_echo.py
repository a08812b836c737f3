# SPDX-License-Identifier: GPL-2.0-or-later
"""The sample echo server and client of net/quic/samples on two hosts, with handshake agents in user space.

kcli ── veth0 ────────── veth0 ── ksrv
10.1.0.2, fd01::2        10.1.0.1, fd01::1
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kquic.lab.program import Program
from kquic.lab.topology import Host, Link
from kquic.sock import Connection, connect
from kquic.tls import ClientSettings, X509Credentials

ECHO = Path("/sys/kernel/debug/quic_echo")
NAME = "server.test"
V4, V6 = "10.1.0.1", "fd01::1"
PORT = 4433


class Site:
    """Two hosts with an agent each; the server's runs a kernel listener."""

    def __init__(self, cli: Host, srv: Host, link: Link, certs, folder: Path) -> None:
        self.cli, self.srv, self.link, self.certs, self.folder = cli, srv, link, certs, folder

    def agent(self, host: Host, ca: Path | None = None, ciphers: str = "") -> Program:
        """kquic-handshaked, to be entered."""
        config = self.folder / f"{host.name}.conf"
        keys = self.certs.server
        config.write_text(
            f"[authenticate]\nciphers = {ciphers}\n[authenticate.client]\nx509.truststore = {ca or self.certs.ca}\n"
            f"[authenticate.server]\nx509.certificate = {keys.cert}\nx509.private_key = {keys.key}\n"
        )
        return Program(host, [sys.executable, "-m", "kquic.handshaked", "-c", str(config)], ready="ready")


@contextmanager
def two_hosts(certs, folder: Path) -> Iterator[Site]:
    """Both hosts, without agents and listeners."""
    with ExitStack() as stack:
        cli, srv = Host("kcli"), Host("ksrv")
        stack.callback(cli.close)
        stack.callback(srv.close)
        link = Link(cli, srv)
        for host, number in ((srv, 1), (cli, 2)):
            host.add_address(link.dev, f"10.1.0.{number}", 24)
            host.add_address(link.dev, f"fd01::{number}", 64)
        yield Site(cli, srv, link, certs, folder)


def command(host: Host, name: str, *words: object) -> None:
    """Write to one of the samples' files on a host; raises what the kernel answers."""
    with host.entered():
        fd = os.open(ECHO / name, os.O_WRONLY)
        try:
            os.write(fd, " ".join(map(str, words)).encode())
        finally:
            os.close(fd)


def ask(site: Site, size: int, address: str = V4, name: str = NAME) -> None:
    """Have the kernel's client send `size` bytes and compare the echo."""
    command(site.cli, "connect", address, PORT, name, size)


@contextmanager
def listening(site: Site, address: str = V4) -> Iterator[None]:
    """The kernel's server."""
    command(site.srv, "listen", address, PORT)
    try:
        yield
    finally:
        command(site.srv, "unlisten", "")


def client_settings(site: Site) -> ClientSettings:
    """What a client of user space needs for its handshake."""
    return ClientSettings(X509Credentials(site.certs.ca.read_bytes()), NAME, ("echo",))


@contextmanager
def user_client(site: Site) -> Iterator[Connection]:
    """A connection of user space to the kernel's server, before its handshake."""
    with site.cli.entered():
        opened = connect(V4, PORT)
    with opened as connection:
        connection.set_timeout(10)
        yield connection


def wait_until(reached: Callable[[], bool]) -> None:
    """Until it is so; fails after a long while."""
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def servers() -> str:
    """A line for each kernel server, with the number of its connections."""
    return (ECHO / "servers").read_text()
