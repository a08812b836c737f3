# SPDX-License-Identifier: GPL-2.0-or-later
"""Listeners, and clients that send packets by hand."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kquic.sock import IPPROTO_QUIC, Listener, StreamFlags, listen
from quic_pair import Pair, established, read

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


@pytest.fixture(scope="module")
def untouched() -> Iterator[Pair]:
    """A connection that no test attacks; when they are over, they have left nothing behind."""
    before = sockets()
    with established() as pair:
        yield pair
    deadline = time.monotonic() + 20
    while sockets() > before:
        assert time.monotonic() < deadline, "connections that do not go away"
        time.sleep(0.1)


@pytest.fixture
def bystander(untouched: Pair) -> Iterator[None]:
    """After the test the other connection still works, both ways."""
    yield
    for one, other in ((untouched.client, untouched.server), (untouched.server, untouched.client)):
        one.send_all(b"still here", flags=StreamFlags.NEW | StreamFlags.FIN)
        assert read(other, 10).data == b"still here"


def sockets() -> int:
    """QUIC sockets in the kernel, those included that no descriptor refers to any more."""
    lines = Path("/proc/net/protocols").read_text().splitlines()
    return sum(int(line.split()[2]) for line in lines if line.startswith("QUIC"))
