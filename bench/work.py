# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done on a connection while the clock runs.

Each end is a process of its own: two threads of one process would wait for each other on User-Mode Linux,
where one address space runs on one processor at a time, and for Python's interpreter lock anywhere.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from .ends import Ends

BLOCK = 64 << 10


def bulk(ends: Ends, total: int) -> float:
    """Client to server, `total` bytes in writes of 64 KiB: bytes per second, from the first one read to the last.

    What is before that is the making of a process, 40 ms of it in the lab.
    """
    block = memoryview(os.urandom(BLOCK))
    with beside(lambda: _send(ends.client, block, total)):
        first = len(os.read(ends.server, 1))
        start = time.perf_counter()
        _receive(ends.server, total - first)
        took = time.perf_counter() - start
    return (total - first) / took


def bulk_for(ends: Ends, seconds: float) -> float:
    """The same for that time, whatever it is enough for: bytes per second, slow start included."""
    block = memoryview(os.urandom(BLOCK))
    buffer = bytearray(256 << 10)
    total, took = 0, 0.0
    start = time.perf_counter()
    with meanwhile(lambda: _send(ends.client, block, sys.maxsize)):
        while took < seconds:
            got = os.readv(ends.server, [buffer])
            if not got:
                raise EOFError("the sender has gone")
            total += got
            took = time.perf_counter() - start
    return total / took


def bulk_several(connections: list[Ends], total: int) -> float:
    """The same on several connections at a time, `total` bytes in sum."""
    block = memoryview(os.urandom(BLOCK))
    each = total // len(connections)
    start = time.perf_counter()
    with ExitStack() as running:
        for ends in connections:
            running.enter_context(beside(partial(_send, ends.client, block, each)))
            running.enter_context(beside(partial(_receive, ends.server, each)))
    return each * len(connections) / (time.perf_counter() - start)


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:
        print(f"bench: {error}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Another process does `work`, which has no end, as long as the context lasts."""
    child = _fork(work)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Another process does `work` to its end."""
    child = _fork(work)
    try:
        yield
    finally:
        _, status = os.waitpid(child, 0)
    if status:
        raise ChildProcessError(f"the other end failed with status {status}")


def _send(fd: int, block: memoryview, total: int) -> None:
    left = total
    while left:
        left -= os.write(fd, block[: min(left, BLOCK)])


def _receive(fd: int, total: int) -> None:
    buffer = bytearray(256 << 10)
    left = total
    while left:
        got = os.readv(fd, [buffer])
        if not got:
            raise EOFError(f"{left} bytes are missing")
        left -= got


def request_response(ends: Ends, rounds: int, size: int = 1024) -> float:
    """Requests and responses of `size` bytes, one at a time: round trips per second."""
    message = os.urandom(size)
    with beside(lambda: _answer(ends.server, rounds, size)):
        start = time.perf_counter()
        for _ in range(rounds):
            os.write(ends.client, message)
            _receive(ends.client, size)
        took = time.perf_counter() - start
    return rounds / took


def _answer(fd: int, rounds: int, size: int) -> None:
    message = os.urandom(size)
    for _ in range(rounds):
        _receive(fd, size)
        os.write(fd, message)
