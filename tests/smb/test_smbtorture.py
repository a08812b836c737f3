# SPDX-License-Identifier: GPL-2.0-or-later
"""Samba's own protocol tests: each ends over QUIC as it does over TCP."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kquic.lab.topology import Network

#: Unpacked, not installed: most of what the package depends on is of no use here.
ROOT = Path(os.environ.get("KQUIC_SMBTORTURE", "/opt/smbtorture"))
SYSTEM = Path("/usr/lib/x86_64-linux-gnu/samba")
LIBRARIES = [ROOT / "usr/lib/x86_64-linux-gnu", ROOT / SYSTEM.relative_to("/"), SYSTEM]

#: Others take minutes: name them to have them run.
SUITES = os.environ.get("KQUIC_SUITES", "smb2.connect smb2.read smb2.rw smb2.compound").split()


@pytest.fixture(params=["samba", "ksmbd"])
def server(request: pytest.FixtureRequest):
    """A server; its name is in `dns_name`."""
    return request.getfixturevalue(request.param)


def handshakes(net: Network) -> int:
    """How many connections the client's kernel has made over QUIC."""
    words = net.cli.run("cat", "/proc/net/quic/snmp").split()
    return int(words[words.index("QuicConnActiveEstabs") + 1])


def torture(net: Network, server, ca: Path, transport: str, suite: str) -> dict[str, str]:
    """How each test of a suite ended."""
    options = {
        "client smb transports": transport,
        "tls cafile": ca,
        "tls verify peer": "ca_and_name",
        "tls trust system cas": "no",
    }
    argv = ["env", f"LD_LIBRARY_PATH={':'.join(map(str, LIBRARIES))}", ROOT / "usr/bin/smbtorture", "-s", "/dev/null"]
    argv += [f"--option={name}={value}" for name, value in options.items()]
    argv += [f"-U{server.user}%{server.password}", f"//{server.dns_name}/share", suite]
    printed = net.cli.run(*argv, timeout=240, check=False)
    ended = re.findall(r"^(success|failure|error|skip): (\S+)", printed, re.M)
    assert ended, printed
    return {test: end for end, test in ended}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("suite", SUITES)
def test_suite_ends_alike(net: Network, server, certs, suite: str) -> None:
    """Some fail over both: they want shares, streams and users that are not here, or a Windows server."""
    over_tcp = torture(net, server, certs.ca, "tcp", suite)
    before = handshakes(net)
    over_quic = torture(net, server, certs.ca, "quic", suite)
    assert over_quic == over_tcp
    assert "success" in over_quic.values()
    assert handshakes(net) > before
