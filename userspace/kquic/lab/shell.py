# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic lab shell`: the user's terminal connected to one of the guest's."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from kquic.errors import LabError
from kquic.lab import guest
from kquic.lab.guest import Job, Result
from kquic.lab.machine import Machine, Process


def run(machine: Machine, job: Job) -> Result:
    """Boot, connect the terminal until the shell ends, judge."""
    if not sys.stdin.isatty():
        raise LabError("kquic lab shell needs a terminal; kquic lab run -- CMD does not")
    job.prepare(machine, "terminal")
    start = time.monotonic()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8))
    with Process(machine, job.links(), terminal=theirs) as process, _raw():
        os.close(theirs)
        listener = guest.listen(process, job.folder / "console")
        _relay(process, ours)
        process.kill()
        listener.join(10)
    os.close(ours)
    return guest.judge(machine, job, time.monotonic() - start, timed_out=False)


@contextmanager
def _raw() -> Iterator[None]:
    """The terminal passes every key on; set back whatever happens."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _relay(process: Process, terminal: int) -> None:
    """Carry bytes both ways until the machine ends."""
    while process.child.poll() is None:
        ready, _, _ = select.select([0, terminal], [], [], 0.2)
        for source, target in ((0, terminal), (terminal, 1)):
            if source in ready and not _carry(source, target):
                return


def _carry(source: int, target: int) -> bool:
    try:
        data = os.read(source, 65536)
    except OSError:
        return False
    while data:
        data = data[os.write(target, data) :]
    return True
