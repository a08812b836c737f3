# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done on a mounted folder while the clock runs, whatever file system it is."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import Array, c_ulong
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from kquic.lab.topology import Network

from .compare import Way

FILE_SIZE = 64 << 20
SERVED = "served"
"""A file of that size that the server has."""
_BLOCK = 1 << 20
_FIO = "fio --name=bench --direct=1 --ioengine=psync --group_reporting --output-format=json --randrepeat=0"
_SMALL = 400
"""Requests of each job that makes small ones."""
JOBS = 4


@dataclass(frozen=True, slots=True)
class Mounted:
    """A share or an export that is mounted at `folder`, with nothing of it cached."""

    folder: Path

    def write(self) -> float:
        """A new file, until fsync() returns: bytes per second."""
        block = os.urandom(_BLOCK)
        began = time.perf_counter()
        with (self.folder / "written").open("wb", buffering=0) as file:
            for _ in range(FILE_SIZE // _BLOCK):
                file.write(block)
            os.fsync(file.fileno())
        return FILE_SIZE / (time.perf_counter() - began)

    def read(self) -> float:
        """The file that the server has, which the client has not cached: bytes per second."""
        buffer = bytearray(_BLOCK)
        left = FILE_SIZE
        began = time.perf_counter()
        with (self.folder / SERVED).open("rb", buffering=0) as file:
            while got := file.readinto(buffer):
                left -= got
        if left:
            raise EOFError(f"{left} bytes are missing")
        return FILE_SIZE / (time.perf_counter() - began)

    def read_jobs(self) -> float:
        """Parts of that file by several jobs at a time: bytes per second."""
        return self._fio("read", "256k", f"--size={FILE_SIZE // JOBS}", f"--offset_increment={FILE_SIZE // JOBS}")[0]

    def read_jobs_for(self, seconds: int) -> float:
        """Again and again for that time, past the cache: bytes per second. An answer has 256 KiB, to have many."""
        return self._fio("read", "256k", f"--size={FILE_SIZE}", f"--runtime={seconds}", "--time_based")[0]

    def read_small(self, each: int = _SMALL) -> float:
        """4 KiB from anywhere in it, `each` times by several jobs, past the cache: reads per second."""
        return self._fio("randread", "4k", f"--size={FILE_SIZE}", f"--number_ios={each}")[1]

    def write_small(self) -> float:
        """4 KiB to anywhere in a file of its size, by several jobs, past the cache: writes per second."""
        return self._fio("randwrite", "4k", f"--size={FILE_SIZE}", f"--number_ios={_SMALL}", name="random")[1]

    def _fio(self, kind: str, block: str, *more: str, name: str = SERVED) -> tuple[float, float]:
        """What fio has done in a second: bytes, requests."""
        path = self.folder / name
        if not path.exists():
            path.write_bytes(bytes(FILE_SIZE))
        argv = [*_FIO.split(), f"--filename={path}", f"--rw={kind}", f"--bs={block}", f"--numjobs={JOBS}", *more]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300)
        result = json.loads(done.stdout)["jobs"][0][kind.removeprefix("rand")]
        return float(result["bw_bytes"]), float(result["iops"])

    def change(self, files: int = 200) -> float:
        """Small files created, looked at and removed: files per second."""
        began = time.perf_counter()
        for number in range(files):
            _change(self.folder / f"small{number}")
        return files / (time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Processes that create, look at and remove small files, and how many each has done."""

    done: Array[c_ulong]

    def change(self, seconds: float) -> float:
        """What all together do in that time: files per second."""
        before, began = sum(self.done), time.perf_counter()
        time.sleep(seconds)
        return (sum(self.done) - before) / (time.perf_counter() - began)


@contextmanager
def at_work(way: Way[Mounted], jobs: int, net: Network) -> Iterator[Jobs]:
    """So many of them at a time on one mount, each in a folder of its own: a folder is changed by one at a time."""
    fork = get_context("fork")
    done, over = fork.RawArray("L", jobs), fork.RawValue("i", 0)

    def work(number: int, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        while not over.value:
            _change(folder / "small")
            done[number] += 1

    with way(net) as mounted:
        workers = [fork.Process(target=work, args=(each, mounted.folder / f"job{each}")) for each in range(jobs)]
        for worker in workers:
            worker.start()
        try:
            while not all(done) and all(worker.is_alive() for worker in workers):
                time.sleep(0.1)
            yield Jobs(done)
        finally:
            over.value = 1
            for worker in workers:
                worker.join()
        if failed := sum(worker.exitcode != 0 for worker in workers):
            raise ChildProcessError(f"{failed} of {jobs} jobs have failed")


def _change(path: Path) -> None:
    path.write_bytes(b"x" * 100)
    path.stat()
    path.unlink()
