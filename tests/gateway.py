# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic gateway` on a host."""

from __future__ import annotations

import sys

from kquic.lab.program import Program
from kquic.lab.topology import Host


def gateway(host: Host, certs, alpn: str, listen: int, to: int) -> Program:
    """A QUIC front for a TCP port of the host itself; to be entered as a context."""
    argv = [sys.executable, "-m", "kquic.cli", "gateway", "--listen", f"[::]:{listen}", "--to", f"127.0.0.1:{to}"]
    argv += ["--alpn", alpn, "--cert", str(certs.server.cert), "--key", str(certs.server.key)]
    return Program(host, argv, ready="ready")
