# SPDX-License-Identifier: GPL-2.0-or-later
"""Samba's own client against Samba's server and ksmbd: over the kernel's sockets, and with its user-space QUIC."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from kquic.errors import CommandFailed
from kquic.lab.topology import Network

SIZE = 5 << 20
UNBLOCKED = 512 << 10
"""Bytes that fit into the first flow control window of a stream (1 048 560) whatever the server reads meanwhile.

Samba's user-space client aborts when flow control stops it in the middle of a packet: it goes on to
ngtcp2_conn_read_pkt() after NGTCP2_ERR_STREAM_DATA_BLOCKED without the call that would end the packet begun before.
Any server whose reader is slower than the link meets this, so that stack is given no more than this.
"""
WITHOUT_KERNEL = [sys.executable, str(Path(__file__).parent.parent / "peers" / "without_kernel_quic.py")]


def counter(net: Network, name: str) -> int:
    """A counter of the client's QUIC."""
    for line in net.cli.run("cat", "/proc/net/quic/snmp").splitlines():
        if line.split()[0] == name:
            return int(line.split()[1])
    raise LookupError(name)


@pytest.fixture(params=["samba", "ksmbd"])
def server(request: pytest.FixtureRequest):
    """A server; its name is in `dns_name`."""
    return request.getfixturevalue(request.param)


def smbclient(net: Network, server, ca: Path, commands: str, prefix: Sequence[str] = ()) -> str:
    options = {
        "client smb transports": "quic",
        "tls cafile": str(ca),
        "tls verify peer": "ca_and_name",
        "tls trust system cas": "no",
    }
    argv = [*prefix, "smbclient", "-s", "/dev/null", f"-U{server.user}%{server.password}"]
    argv += [f"--option={name}={value}" for name, value in options.items()]
    return net.cli.run(*argv, f"//{server.dns_name}/share", "-c", commands, timeout=60)


@pytest.mark.parametrize("stack", ["kernel", "user space"])
def test_put_and_get(net: Network, server, certs, tmp_path: Path, stack: str) -> None:
    prefix = WITHOUT_KERNEL if stack == "user space" else []
    before = counter(net, "QuicConnActiveEstabs")
    upward, downward = os.urandom(UNBLOCKED if prefix else SIZE), os.urandom(SIZE)
    (tmp_path / "up").write_bytes(upward)
    (server.path() / f"{tmp_path.name}-down").write_bytes(downward)
    commands = f"put {tmp_path}/up {tmp_path.name}-up; get {tmp_path.name}-down {tmp_path}/down"
    smbclient(net, server, certs.ca, commands, prefix)
    assert (server.path() / f"{tmp_path.name}-up").read_bytes() == upward
    assert (tmp_path / "down").read_bytes() == downward
    assert counter(net, "QuicConnActiveEstabs") - before == (1 if stack == "kernel" else 0)


@pytest.mark.parametrize("prefix", [[], WITHOUT_KERNEL], ids=["kernel", "user space"])
def test_foreign_authority_is_refused(net: Network, server, certs, prefix: list[str]) -> None:
    with pytest.raises(CommandFailed):
        smbclient(net, server, certs.other_ca, "ls", prefix)
