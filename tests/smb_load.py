# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that write to a mount without end, and know what must not be lost."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

SIZE = 96 << 10


def content(number: int) -> bytes:
    """What file `number` holds, of a size of its own."""
    block = hashlib.sha256(number.to_bytes(8)).digest()
    return (block * (SIZE // len(block)))[: SIZE - number % 5000]


class Load:
    """Threads that write one file after the other, each with fsync().

    A mount may answer with errors while it has no connection; what fsync() has confirmed has to be on the server.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        self._folder = folder
        self._confirmed: list[int] = []
        self.errors: list[OSError] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(first, threads)) for first in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a program hangs"

    def _run(self, number: int, step: int) -> None:
        while not self._stopping.is_set():
            try:
                with (self._folder / f"load{number}").open("wb") as file:
                    file.write(content(number))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                self.errors.append(error)
                self._stopping.wait(0.05)
            else:
                self._confirmed.append(number)
            number += step

    def wait_for_more(self, files: int = 6, timeout: float = 90.0) -> None:
        """Wait until so many more files are confirmed."""
        wanted, deadline = len(self._confirmed) + files, time.monotonic() + timeout
        while len(self._confirmed) < wanted:
            assert time.monotonic() < deadline, f"no progress; errors: {self.errors[-3:]}"
            time.sleep(0.02)

    def check(self, served: Path) -> None:
        """Compare every confirmed file with what the server has."""
        assert self._confirmed
        lost = [n for n in self._confirmed if (served / f"load{n}").read_bytes() != content(n)]
        assert not lost, "confirmed by fsync(), and not there"
