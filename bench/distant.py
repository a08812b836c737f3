# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounts on a path of 20 ms, without losses and with them, over QUIC and over TCP that encrypts.

Both ends of a QUIC connection have the controller that is named; TCP has its default, CUBIC.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from kquic.demo import SERVER_NAME
from kquic.lab.topology import Impairment

from . import exports, shares
from .compare import Comparison, Way
from .ends import controlled
from .files import Mounted

_DELAY_MS = 10.0
_LOSSES = (0.0, 0.1, 1.0, 3.0)
_SECONDS = 8
_READS = 150
_ROUNDS = 2
_MOUNTS: tuple[tuple[str, Way[Mounted], Way[Mounted], Way[None]], ...] = (
    (
        "smbd against seal",
        partial(shares.mounted, SERVER_NAME, "transport=quic"),
        partial(shares.mounted, SERVER_NAME, "transport=tcp,seal"),
        shares.served,
    ),
    (
        "NFS against TLS",
        partial(exports.mounted, "quic"),
        partial(exports.mounted, "tcp with tls"),
        exports.served,
    ),
)


def comparisons() -> Iterator[Comparison[Mounted]]:
    """Large reads of several jobs, with each controller, and small ones, each of which waits for its answer."""
    much, small = partial(Mounted.read_jobs_for, seconds=_SECONDS), partial(Mounted.read_small, each=_READS)
    for name, quic, other, setting in _MOUNTS:
        for loss in _LOSSES:
            for work, title, unit, scale, controller in (
                (much, "read", "MiB/s", 1 << 20, "cubic"),
                (much, "read", "MiB/s", 1 << 20, "bbr"),
                (small, "4 KiB reads", "per s", 1, "cubic"),
            ):
                yield Comparison(
                    f"{name}, 20 ms, {loss:g} % loss, {controller}, {title}",
                    partial(controlled, quic, "net.quic.congestion_control", controller),
                    other,
                    work,
                    unit,
                    scale,
                    link=Impairment(delay_ms=_DELAY_MS, loss_percent=loss),
                    setting=setting,
                    rounds=_ROUNDS,
                    batches=not loss,
                )
