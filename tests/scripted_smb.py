# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python server, in the test's own process but on the server's host."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from kquic.lab.topology import Network
from kquic.servers.smb import Security, SmbServer
from kquic.tls import KeyPair, ServerSettings, X509Credentials

PORTS = {"quic": 8443, "tcp": 8445}
FAST = ("soft", "echo_interval=1", "cache=none")


def put(path: Path, data: bytes) -> None:
    """Write and flush."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def put_again(path: Path, data: bytes, timeout: float = 20.0) -> None:
    """The same on a soft mount that has to reconnect first, and may say so by an error."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            put(path, data)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


class Scripted:
    """The Python server on the server's host, and mounts of it."""

    user, password, dns_name = "user", "sesame-7", "server.test"

    def __init__(self, net: Network, certs, folder: Path) -> None:
        self._net, self._certs, self._folder = net, certs, folder
        self.mounts: Any
        self.server: SmbServer

    def start(
        self, *, leases: int = 0, tickets: bool = False, idle_timeout: float = 0.0, **security: bool
    ) -> SmbServer:
        """Serve over both transports."""
        (self._folder / "served").mkdir(exist_ok=True)
        account = Security(self.user, self.password, self._folder / "users", **security)
        self.server = SmbServer({"share": self._folder / "served"}, account, leases=leases)
        with self._net.srv.entered():
            self.server.listen_tcp("::", PORTS["tcp"])
        self.listen_quic(PORTS["quic"], tickets=tickets, idle_timeout=idle_timeout)
        return self.server

    def listen_quic(self, port: int, *, tickets: bool = False, idle_timeout: float = 0.0) -> None:
        """Serve a port over QUIC."""
        own = KeyPair.load(self._certs.server.cert, self._certs.server.key)
        settings = ServerSettings(X509Credentials(own=own), alpn=("smb",))
        with self._net.srv.entered():
            self.server.listen_quic("::", port, settings, tickets=tickets, idle_timeout=idle_timeout)

    def restart(self, **security: bool) -> None:
        """Another server in its place."""
        self.server.stop()
        self.start(**security)

    def path(self, name: str) -> Path:
        """Where a file lies on the server."""
        return self._folder / "served" / name

    def mounted(self, transport: str, *options: str) -> AbstractContextManager[Path]:
        """The share."""
        return self.mounts.mounted(f"transport={transport}", f"port={PORTS[transport]}", "vers=3.1.1", *options)

    def log(self) -> str:
        """What arrived."""
        return f"{self.server.seen}"
