# SPDX-License-Identifier: GPL-2.0-or-later
"""KCOV: which edges of net/quic a thread has walked, and the kernel's worker on behalf of its packets."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

DEVICE = "/sys/kernel/debug/kcov"
WORDS = 1 << 18
REMOTE_WORDS = 1 << 16
WORD = 8
# <linux/kcov.h>
INIT_TRACE = 0x80086301
ENABLE = 0x6364
REMOTE_ENABLE = 0x40186366
TRACE_PC = 0

Edges = frozenset[int]
NOTHING: Edges = frozenset()


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
FAILED = ctypes.c_void_p(-1).value


def _map(fd: int, size: int) -> memoryview:
    """Shared memory of a file that claims to be empty, which Python's own mmap believes."""
    address = _libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
    if address == FAILED:
        raise OSError(ctypes.get_errno(), "mmap")
    return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")


class Recorder:
    """Coverage of the thread that makes it or, if remote, of the kernel's workers for packets of that thread."""

    def __init__(self, *, remote: bool = False) -> None:
        self._fd = os.open(DEVICE, os.O_RDWR)
        fcntl.ioctl(self._fd, INIT_TRACE, WORDS)
        self._area = _map(self._fd, WORDS * WORD)
        if remote:
            fcntl.ioctl(self._fd, REMOTE_ENABLE, struct.pack("@IIIxxxxQ", TRACE_PC, REMOTE_WORDS, 0, 1))
        else:
            fcntl.ioctl(self._fd, ENABLE, TRACE_PC)

    def count(self) -> int:
        """Blocks walked through since `start`."""
        return int.from_bytes(self._area[:WORD], "little")

    def start(self) -> None:
        """Forget what was."""
        self._area[:WORD] = bytes(WORD)

    def edges(self) -> Edges:
        """The edges since then, as numbers."""
        return edges(bytes(self._area[WORD : WORD * (1 + self.count())]))


def edges(blocks: bytes) -> Edges:
    """Pairs of one block's address and the next one's; the last one is alone.

    Address i is mixed with twice address i + 1, for all i at once: shifted by 63 bits, each word is twice the next.
    """
    row = int.from_bytes(blocks, "little")
    mixed = row ^ (row >> 63)
    return frozenset(memoryview(mixed.to_bytes(len(blocks), "little")).cast("Q"))


def available() -> bool:
    """Whether the kernel has KCOV, and tells what net/quic does."""
    return Path(DEVICE).exists()


class Courier:
    """A thread that writes packets whose way leads through a worker, so that the worker's coverage is known.

    A thread can have its own coverage recorded or that of workers for it, not both.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._todo: SimpleQueue[bytes] = SimpleQueue()
        self._done: SimpleQueue[Recorder | None] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()
        self.covers = self._done.get()

    def _work(self) -> None:
        self._done.put(Recorder(remote=True) if available() else None)
        while True:
            with suppress(OSError):
                os.write(self._fd, self._todo.get())
            self._done.put(None)

    def write(self, frame: bytes) -> None:
        """Have it written, and wait for that."""
        self._todo.put(frame)
        self._done.get()


def union(parts: Iterable[Edges]) -> Edges:
    """All edges of some."""
    return NOTHING.union(*parts)
