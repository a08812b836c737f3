# SPDX-License-Identifier: GPL-2.0-or-later
"""An export of the kernel's NFS server, mounted over QUIC or over TCP with TLS, and what is done on it.

Over QUIC it has the cipher that the kernel is fastest with, and in rows that say so tlshd's choice, AES-256-GCM.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kquic.demo import resolvable
from kquic.lab.topology import Impairment, Network
from kquic.servers.nfsd import Nfsd

from . import nfs
from .compare import Comparison
from .ends import controlled
from .files import FILE_SIZE, SERVED, Jobs, Mounted, at_work

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
_JOBS, _SECONDS = 64, 8.0


@contextlib.contextmanager
def served(net: Network) -> Iterator[None]:
    """knfsd with both kinds of listeners, and certificates for all agents."""
    _FOLDER.mkdir(exist_ok=True)
    nfs.configure(_FOLDER)
    with resolvable(nfs.NAME, net.SERVER_V4), Nfsd(net.srv, _FOLDER / "nfsd", ("quic 2049", "tcp 2049")) as server:
        (server.path("export") / SERVED).write_bytes(os.urandom(FILE_SIZE))
        yield


@contextlib.contextmanager
def mounted(way: str, net: Network, client: str = nfs.CLIENT) -> Iterator[Mounted]:
    """The export, with the agents that this way needs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        nfs.agents(net.cli, net.srv, _FOLDER, way, client),
        nfs.mounted(net.cli, Path(folder), nfs.WAYS[way], net.SERVER_V4, net.CLIENT_V4) as point,
    ):
        yield Mounted(point)


def comparisons() -> Iterator[Comparison[Any]]:
    """A mount over QUIC beside one over TLS and one in the clear; and small files where packets are lost."""
    over_quic = partial(mounted, "quic")
    for name, way in (("TLS", "tcp with tls"), ("TCP", "tcp")):
        other = partial(mounted, way)
        for what, work, unit, scale, target in _WORKS:
            label, goal = f"NFS {what} against {name}", target if name == "TLS" else 0.0
            yield Comparison(label, over_quic, other, work, unit, scale, goal, setting=served, rounds=3)
    aes, over_tls = partial(mounted, "quic", client=nfs.AES_CLIENT), partial(mounted, "tcp with tls")
    for what, work, unit, scale, _ in _WORKS[:2]:
        label = f"NFS {what} against TLS, same cipher"
        yield Comparison(label, aes, over_tls, work, unit, scale, setting=served, rounds=3)
    yield from _lossy()


def _lossy() -> Iterator[Comparison[Any]]:
    """One job waits for one answer at a time; of many, a lost packet stops those whose stream it belongs to."""
    over_tls = partial(mounted, "tcp with tls")
    name = "NFS small files, 20 ms, 1 % loss"
    for streams, way in (("1 stream", "quic"), ("8 streams", "quic, 8 streams")):
        work = partial(Mounted.change, files=60)
        yield Comparison(
            f"{name}, {streams}", partial(mounted, way), over_tls, work, "per s", 1, 2.0, _LOSSY, served, 3
        )
    many_over_tls = partial(at_work, over_tls, _JOBS)
    for streams, way, controller in (
        ("8 streams", "quic, 8 streams", "newreno"),
        ("8 streams", "quic, 8 streams", "cubic"),
        ("1 stream", "quic", "bbr"),
        ("8 streams", "quic, 8 streams", "bbr"),
    ):
        many = partial(at_work, partial(mounted, way), _JOBS)
        ours = partial(controlled, many, "net.quic.congestion_control", controller)
        label = f"NFS, {_JOBS} jobs, 1 % loss, {streams}, {controller}"
        rate = partial(Jobs.change, seconds=_SECONDS)
        yield Comparison(label, ours, many_over_tls, rate, "per s", 1, 2.0, _LOSSY, served, 3)
