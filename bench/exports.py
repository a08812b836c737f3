# SPDX-License-Identifier: GPL-2.0-or-later
"""An export of the kernel's NFS server, mounted over QUIC or over TCP with TLS, and what is done on it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from kquic.demo import resolvable
from kquic.lab.topology import Impairment, Network
from kquic.servers.nfsd import Nfsd

from . import nfs
from .compare import Comparison
from .files import FILE_SIZE, SERVED, Mounted

_FOLDER = Path("/tmp/bench-nfs")
#: With what is to be reached against TLS.
_WORKS = (
    ("write", Mounted.write, "MiB/s", 1 << 20, 1.2),
    ("read", Mounted.read, "MiB/s", 1 << 20, 1.2),
    ("read, 4 jobs", Mounted.read_jobs, "MiB/s", 1 << 20, 0.0),
    ("4 KiB reads", Mounted.read_small, "per s", 1, 0.0),
    ("4 KiB writes", Mounted.write_small, "per s", 1, 0.0),
)
_LOSSY = Impairment(delay_ms=10, loss_percent=1)


@contextlib.contextmanager
def served(net: Network) -> Iterator[None]:
    """knfsd with both kinds of listeners, and certificates for all agents."""
    _FOLDER.mkdir(exist_ok=True)
    nfs.configure(_FOLDER)
    with resolvable(nfs.NAME, net.SERVER_V4), Nfsd(net.srv, _FOLDER / "nfsd", ("quic 2049", "tcp 2049")) as server:
        (server.path("export") / SERVED).write_bytes(os.urandom(FILE_SIZE))
        yield


@contextlib.contextmanager
def mounted(way: str, net: Network) -> Iterator[Mounted]:
    """The export, with the agents that this way needs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        nfs.agents(net.cli, net.srv, _FOLDER, way),
        nfs.mounted(net.cli, Path(folder), nfs.WAYS[way], net.SERVER_V4, net.CLIENT_V4) as point,
    ):
        yield Mounted(point)


def comparisons() -> Iterator[Comparison[Mounted]]:
    """A mount over QUIC beside one over TLS and one in the clear; and small files where packets are lost."""
    over_quic = partial(mounted, "quic")
    for name, way in (("TLS", "tcp with tls"), ("TCP", "tcp")):
        other = partial(mounted, way)
        for what, work, unit, scale, target in _WORKS:
            label, goal = f"NFS {what} against {name}", target if name == "TLS" else 0.0
            yield Comparison(label, over_quic, other, work, unit, scale, goal, setting=served, rounds=3)
    for name, ours in (("1 stream", "quic"), ("8 streams", "quic, 8 streams")):
        yield Comparison(
            f"NFS small files, 20 ms, 1 % loss, {name}",
            partial(mounted, ours),
            partial(mounted, "tcp with tls"),
            partial(Mounted.change, files=30),
            "per s",
            1,
            target=2.0,
            link=_LOSSY,
            setting=served,
            rounds=3,
        )
