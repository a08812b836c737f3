# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done on a connection while the clock runs."""

from __future__ import annotations

import os
import threading
import time

from .ends import Ends

BLOCK = 64 << 10


def bulk(ends: Ends, total: int) -> float:
    """Client to server, `total` bytes in writes of 64 KiB: bytes per second, until the last one is read."""
    block = memoryview(os.urandom(BLOCK))
    start = time.perf_counter()
    sender = threading.Thread(target=_send, args=(ends.client, block, total))
    sender.start()
    _receive(ends.server, total)
    took = time.perf_counter() - start
    sender.join()
    return total / took


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
    server = threading.Thread(target=_answer, args=(ends.server, rounds, size))
    server.start()
    message = os.urandom(size)
    start = time.perf_counter()
    for _ in range(rounds):
        os.write(ends.client, message)
        _receive(ends.client, size)
    took = time.perf_counter() - start
    server.join()
    return rounds / took


def _answer(fd: int, rounds: int, size: int) -> None:
    message = os.urandom(size)
    for _ in range(rounds):
        _receive(fd, size)
        os.write(fd, message)
