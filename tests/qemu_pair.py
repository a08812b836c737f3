# SPDX-License-Identifier: GPL-2.0-or-later
"""The two machines of tests/qemu, and the guest of the lab beside them."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from kquic.install.guestlink import Guest
from kquic.lab import guest
from kquic.lab.guest import Job, Result
from kquic.lab.machine import Machine, Process

LIMIT = 600.0
KEYS = """\
mkdir -p /run/pki
mount /dev/vdb /run/pki
install -m 600 /run/pki/*.pem /run/pki/*.key /etc/kquic/
cp -p /etc/ssl/certs/ca-certificates.crt /var/tmp/
cat /run/pki/ca.pem >>/etc/ssl/certs/ca-certificates.crt
umount /run/pki
"""
AGENT = """\
[authenticate.client]
x509.truststore = /etc/kquic/ca.pem

[authenticate.server]
x509.certificate = /etc/kquic/server.pem
x509.private_key = /etc/kquic/server.key
"""
SET_UP = f"""\
{KEYS}cat >/etc/kquic/handshaked.conf <<'END'
{AGENT}END
systemctl restart kquic-handshaked
"""
"""The keys of a test authority, and an agent that uses them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and a client, joined by a cable."""

    server: Guest
    client: Guest


@dataclass
class Lab:
    """A guest of the lab while it runs; it is talked to by files of its job."""

    machine: Machine
    job: Job
    _output: io.BytesIO = field(default_factory=io.BytesIO, init=False)
    _processes: list[Process] = field(default_factory=list, init=False)
    _ended: list[Result] = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _run(self) -> None:
        self._ended.append(guest.run(self.machine, self.job, self._output, self._output, self._processes.append))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the machine itself."""
        os.kill(self._processes[0].child.pid, number)

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._output.getvalue().decode(errors="replace")

    def wait_for(self, name: str) -> str:
        """Until it has left a file of that name; returns what is in it."""
        path, deadline = self.job.files / name, time.monotonic() + LIMIT
        while not path.exists():
            assert not self._ended, f"{self._ended[0]}\n{self.output}"
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        return path.read_text()

    def tell(self, name: str) -> None:
        """Leave a file for it."""
        (self.job.files / name).touch()

    def end(self) -> Result:
        """Have it end; its verdict, in which the kernel has a word."""
        self.tell("end")
        self._thread.join(LIMIT)
        assert self._ended, self.output
        return self._ended[0]
