# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done on a connection while the clock runs.

Each end is a process of its own: two threads of one process would wait for each other on User-Mode Linux,
where one address space runs on one processor at a time, and for Python's interpreter lock anywhere.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from .ends import Ends

BLOCK = 64 << 10


def bulk(ends: Ends, total: int) -> float:
    """Client to server, `total` bytes in writes of 64 KiB: bytes per second, until the last one is read."""
    block = memoryview(os.urandom(BLOCK))
    start = time.perf_counter()
    with beside(lambda: _send(ends.client, block, total)):
        _receive(ends.server, total)
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


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Another process does `work` meanwhile."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            print(f"bench: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
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
