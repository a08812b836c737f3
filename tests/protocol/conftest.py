# SPDX-License-Identifier: GPL-2.0-or-later
"""Listeners, and clients that send packets by hand."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kquic.sock import IPPROTO_QUIC, Listener, listen

from .wire import RawClient

Listen = Callable[..., Listener]
Raw = Callable[..., RawClient]


@pytest.fixture(scope="session", autouse=True)
def quic_sockets() -> None:
    """Skip where the kernel has no QUIC; bring the loopback device up where it is down."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_QUIC).close()
    except OSError as error:
        pytest.skip(f"no QUIC sockets here: {error.strerror}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)


@pytest.fixture(params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    """Address to listen on."""
    return str(request.param)


@pytest.fixture
def listener(host: str) -> Iterator[Listen]:
    """Makes listeners on the address."""
    with ExitStack() as opened:

        def make(**options: Any) -> Listener:
            made = opened.enter_context(listen(options.pop("host", host), **options))
            made.set_timeout(1.0)
            return made

        yield make


@pytest.fixture
def client(host: str) -> Iterator[Raw]:
    """Makes clients of a listener."""
    made: list[RawClient] = []

    def make(server: Listener, **options: Any) -> RawClient:
        raw = RawClient((host, server.port), **options)
        made.append(raw)
        return raw

    yield make
    for raw in made:
        raw.close()
