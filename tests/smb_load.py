# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that writes to a mount without end, and knows what must not be lost.

It is a process of its own: whoever forks beside threads with open files waits for their flush().
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from kquic.lab.program import Program
from kquic.lab.topology import Host

SIZE = 96 << 10
CONFIRMED = "confirmed "


def content(number: int) -> bytes:
    """What file `number` holds, of a size of its own."""
    block = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return (block * (SIZE // len(block)))[: SIZE - number % 5000]


class Load:
    """Threads that write one file after the other, each with fsync().

    A mount may answer with errors while it has no connection; what fsync() has confirmed has to be on the server.
    """

    def __init__(self, host: Host, folder: Path, threads: int = 2) -> None:
        self._program = Program(host, [sys.executable, __file__, folder, str(threads)])

    def __enter__(self) -> Self:
        self._program.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._program.signal(signal.SIGTERM)
            self._program.finish()
        finally:
            self._program.stop()

    def _lines(self, first: str) -> list[str]:
        return [line.removeprefix(first) for line in self._program.output.splitlines() if line.startswith(first)]

    @property
    def errors(self) -> list[str]:
        """What open(), write() and fsync() have reported."""
        return self._lines("error ")

    def wait_for_more(self, files: int = 6, timeout: float = 90.0) -> None:
        """Wait until so many more files are confirmed."""
        wanted, deadline = len(self._lines(CONFIRMED)) + files, time.monotonic() + timeout
        while len(self._lines(CONFIRMED)) < wanted:
            assert time.monotonic() < deadline, f"no progress: {self._program.output[-500:]}"
            time.sleep(0.02)

    def check(self, served: Path) -> None:
        """Compare every confirmed file with what the server has."""
        confirmed = [int(number) for number in self._lines(CONFIRMED)]
        assert confirmed
        lost = [number for number in confirmed if (served / f"load{number}").read_bytes() != content(number)]
        assert not lost, "confirmed by fsync(), and not there"


def tell(line: str) -> None:
    """One line, whole, whatever other threads print."""
    os.write(1, f"{line}\n".encode())


def write_files(number: int, step: int, stopping: threading.Event) -> None:
    """One thread's files, in the current directory."""
    while not stopping.is_set():
        try:
            with Path(f"load{number}").open("wb") as file:
                file.write(content(number))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            tell(f"error {error}")
            stopping.wait(0.05)
        else:
            tell(f"{CONFIRMED}{number}")
        number += step


def main() -> None:
    """Write until SIGTERM, which is blocked in all threads and waited for.

    A handler might run in a thread that cifs has just let have signals again, and the main thread, waiting for the
    others, would not learn of it.
    """
    os.chdir(sys.argv[1])
    stopping, count = threading.Event(), int(sys.argv[2])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threads = [threading.Thread(target=write_files, args=(first, count, stopping)) for first in range(count)]
    for thread in threads:
        thread.start()
    signal.sigwait({signal.SIGTERM})
    stopping.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
