# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic serve smb` in a process of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from kquic.lab.program import Program
from kquic.lab.topology import Network
from scripted_smb import PORTS


class Served:
    """`kquic serve smb` on the server's host."""

    user, password, dns_name = "user", "sesame-7", "server.test"

    def __init__(self, net: Network, certs, folder: Path) -> None:
        (folder / "served").mkdir()
        (folder / "password").write_text(self.password)
        self.folder = folder / "served"
        ports = ("--tcp-port", str(PORTS["tcp"]), "--quic-port", str(PORTS["quic"]))
        tls = ("--cert", str(certs.server.cert), "--key", str(certs.server.key))
        argv = [sys.executable, "-m", "kquic.cli", "serve", "smb", *ports, *tls]
        argv += ["--password-file", str(folder / "password"), str(self.folder)]
        self._host, self._argv = net.srv, argv

    def start(self) -> None:
        """Serve, from the next line on."""
        self.program = Program(self._host, self._argv, ready="ready").__enter__()

    def stop(self) -> None:
        """End it in an orderly way."""
        self.program.stop()

    def kill(self) -> None:
        """End it at once."""
        self.program.signal(signal.SIGKILL)
        self.program.stop()

    def path(self) -> Path:
        """Where the share's files lie."""
        return self.folder

    def log(self) -> str:
        """What it had to say."""
        return self.program.output
