# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody is heard for a while: as if a machine had slept, or a cable had been out."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kquic.lab.topology import Impairment, Network
from scripted_smb import Scripted, put_again

#: Seconds after which the server's QUIC gives a silent client up, and a short and a long outage.
IDLE, SHORT, LONG = 4.0, 1.5, 9.0

#: What programs on a soft mount may be told, over either transport.
TOLD = {errno.EHOSTDOWN, errno.EAGAIN, errno.EIO, errno.ECONNABORTED}


@pytest.fixture(params=["quic", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def silence(net: Network) -> Iterator[None]:
    """Whatever is sent is lost."""
    net.link.impair(Impairment(loss_percent=100))
    try:
        yield
    finally:
        net.link.impair(None)


def instances(debug_data: Callable[[], str]) -> list[str]:
    """How often each connection was made."""
    return re.findall(r"Instance: (\d+)", debug_data())


class Writer:
    """Writes one block after the other to a file until it is told to stop; remembers errors, those of fsync() apart."""

    def __init__(self, path: Path) -> None:
        self.written, self.errors, self.unflushed = 0, list[int](), list[int]()
        self._path, self._stop = path, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._path.open("wb", buffering=0) as file:
                    file.write(b"%d" % self.written)
                    self._flush(file.fileno())
            except OSError as error:
                self.errors.append(error.errno or 0)
                time.sleep(0.2)
            else:
                self.written += 1

    def _flush(self, descriptor: int) -> None:
        try:
            os.fsync(descriptor)
        except OSError as error:
            self.unflushed.append(error.errno or 0)

    def wait_for_more(self) -> None:
        """Until it has got on."""
        before, deadline = self.written, time.monotonic() + 60
        while self.written <= before:
            assert time.monotonic() < deadline, self.errors
            time.sleep(0.05)


def test_short_one_is_not_noticed(scripted: Scripted, transport: str, net: Network, debug_data) -> None:
    scripted.start(idle_timeout=IDLE)
    with scripted.mounted(transport, "soft", "cache=none") as point, Writer(point / "file") as writer:
        writer.wait_for_more()
        before = instances(debug_data)
        with silence(net):
            time.sleep(SHORT)
        writer.wait_for_more()
        assert instances(debug_data) == before
        assert writer.errors == writer.unflushed == []


@pytest.mark.timeout(180)
def test_long_one(scripted: Scripted, transport: str, net: Network, debug_data) -> None:
    """A soft mount may say so, a hard one waits; both go on with new connections.

    Only an fsync() whose file went with the connection says so on a hard mount as well: see test_script.py.
    """
    scripted.start(idle_timeout=IDLE)
    options = ("echo_interval=1", "cache=none", "nosharesock")
    with (
        scripted.mounted(transport, "soft", *options) as soft,
        scripted.mounted(transport, "hard", *options) as hard,
        Writer(soft / "soft") as giving_up,
        Writer(hard / "hard") as waiting,
    ):
        giving_up.wait_for_more()
        waiting.wait_for_more()
        before = instances(debug_data)
        with silence(net):
            time.sleep(LONG)
        giving_up.wait_for_more()
        waiting.wait_for_more()
        assert {*giving_up.errors, *giving_up.unflushed} <= TOLD | {errno.EBADF}
        assert waiting.errors == []
        assert set(waiting.unflushed) <= {errno.EBADF}
        assert all(new > old for new, old in zip(instances(debug_data), before, strict=True))
        put_again(soft / "after", b"works")
        assert scripted.path("after").read_bytes() == b"works"
