# SPDX-License-Identifier: GPL-2.0-or-later
"""A share of Debian's smbd or of the kernel's ksmbd, mounted over QUIC or over TCP, and what is done on it.

Over QUIC a mount has the cipher that the kernel is fastest with, and in rows that say so SMB's own, AES-128-GCM.
smbd encrypts in user space, with the processor's own instructions, where a mount over TCP is sealed; over QUIC both of
its ends are the kernel's. So it is ksmbd that compares like with like.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kquic.demo import SERVER_NAME, resolvable
from kquic.lab.program import Program
from kquic.lab.topology import Host, Link, Machine, Network
from kquic.servers.ksmbd import Ksmbd
from kquic.servers.samba import Samba, TlsFiles
from kquic.tls.testca import TestCA

from .compare import Comparison
from .files import FILE_SIZE, SERVED, Mounted

_PASSWORD = "sesame-7"
KSMBD = "ksmbd.test"
_KSMBD_V4, _KSMBD_PEER = "10.0.1.1", "10.0.1.2"
#: With what is to be reached against a mount over TCP that encrypts.
_WORKS = (
    ("write", Mounted.write, "MiB/s", 1 << 20, 1.2),
    ("read", Mounted.read, "MiB/s", 1 << 20, 1.2),
    ("read, 4 jobs", Mounted.read_jobs, "MiB/s", 1 << 20, 0.0),
    ("4 KiB reads", Mounted.read_small, "per s", 1, 0.0),
    ("4 KiB writes", Mounted.write_small, "per s", 1, 0.0),
    ("small files", Mounted.change, "per s", 1, 0.0),
)
#: With the same cipher on both sides.
_SAME = _WORKS[:2]
_ROOT = "root"


@dataclass(frozen=True, slots=True)
class Keys:
    """Files of a new authority, and of a server's certificate."""

    authority: str
    cert: str
    key: str

    @classmethod
    def create(cls, folder: Path, name: str) -> Keys:
        """In a folder that is there."""
        made = TestCA.create()
        own = made.server(name).write(folder, "server")
        return cls(str(made.write(folder)), str(own.cert), str(own.key))


@contextlib.contextmanager
def agent(host: Host, config: Path, lines: str, cipher: str = "") -> Iterator[None]:
    """kquic-handshaked on a host; without a cipher it chooses."""
    config.write_text(f"[authenticate]\nciphers = {cipher}\n{lines}")
    with Program(host, [sys.executable, "-m", "kquic.handshaked", "-c", str(config)], ready="ready"):
        yield


@contextlib.contextmanager
def served(net: Network, cipher: str = "") -> Iterator[None]:
    """smbd with a share, and the client's handshake agent."""
    with tempfile.TemporaryDirectory() as folder, resolvable(SERVER_NAME, net.SERVER_V4):
        work = Path(folder)
        keys = Keys.create(work, SERVER_NAME)
        tls = TlsFiles(Path(keys.cert), Path(keys.key), Path(keys.authority))
        lines = f"[authenticate.client]\nx509.truststore = {keys.authority}\n"
        with (
            Samba(net.srv, work / "samba", tls, user=_ROOT, password=_PASSWORD) as server,
            agent(net.cli, work / "client.conf", lines, cipher),
        ):
            (server.path() / SERVED).write_bytes(os.urandom(FILE_SIZE))
            yield


@contextlib.contextmanager
def served_by_kernel(net: Network, cipher: str = "") -> Iterator[None]:
    """ksmbd with a share, on the guest itself, and the agents of both ends."""
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        machine = Machine()
        stack.callback(machine.close)
        link = Link(machine, net.cli, "veth1")
        stack.callback(link.remove)
        machine.add_address(link.dev, _KSMBD_V4, 24)
        net.cli.add_address(link.dev, _KSMBD_PEER, 24)
        stack.enter_context(resolvable(KSMBD, _KSMBD_V4))
        keys = Keys.create(work, KSMBD)
        lines = f"[authenticate.server]\nx509.certificate = {keys.cert}\nx509.private_key = {keys.key}\n"
        stack.enter_context(agent(machine, work / "server.conf", lines))
        lines = f"[authenticate.client]\nx509.truststore = {keys.authority}\n"
        stack.enter_context(agent(net.cli, work / "client.conf", lines, cipher))
        server = stack.enter_context(Ksmbd(machine, work / "ksmbd", user=_ROOT, password=_PASSWORD))
        (server.path() / SERVED).write_bytes(os.urandom(FILE_SIZE))
        yield


@contextlib.contextmanager
def mounted(server: str, options: str, net: Network) -> Iterator[Mounted]:
    """The share, with nothing of it cached."""
    with tempfile.TemporaryDirectory() as folder:
        given = f"{options},vers=3.1.1,username={_ROOT},password={_PASSWORD}"
        net.cli.run("mount", "-t", "cifs", f"//{server}/share", folder, "-o", given)
        try:
            yield Mounted(Path(folder))
        finally:
            net.cli.run("umount", folder)


def comparisons() -> Iterator[Comparison[Mounted]]:
    """A mount over QUIC beside one over TCP that encrypts, and one that does not."""
    for server, name, setting in ((SERVER_NAME, "smbd", served), (KSMBD, "ksmbd", served_by_kernel)):
        over_quic = partial(mounted, server, "transport=quic")
        sealed, clear = (partial(mounted, server, f"transport=tcp{more}") for more in (",seal", ""))
        for title, work, unit, scale, target in _WORKS:
            label = f"{name} {title} against seal"
            yield Comparison(label, over_quic, sealed, work, unit, scale, target, setting=setting, rounds=3)
        aes = partial(setting, cipher="AES-128-GCM")
        for title, work, unit, scale, _ in _SAME:
            label = f"{name} {title} against seal, same cipher"
            yield Comparison(label, over_quic, sealed, work, unit, scale, setting=aes, rounds=3)
        for title, work, unit, scale, _ in _WORKS:
            label = f"{name} {title} against TCP"
            yield Comparison(label, over_quic, clear, work, unit, scale, setting=setting, rounds=3)
