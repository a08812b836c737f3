# SPDX-License-Identifier: GPL-2.0-or-later
"""Work on the files of a mount: each operation once, random ones that know what is right, and fio that verifies."""

from __future__ import annotations

import errno
import mmap
import os
import random
from collections.abc import Callable
from pathlib import Path

KIB = 1 << 10
MIB = 1 << 20

#: Parallel jobs that write, and then verify what is there.
FIO = (
    "fio --name=verify --rw=randwrite --bs=4k-64k --size=2m --numjobs=3 --ioengine=psync --direct=1 "
    "--verify=crc32c --do_verify=1 --verify_fatal=1 --verify_state_save=0 --end_fsync=1"
)


def sparse(folder: Path) -> object:
    with (folder / "sparse").open("w+b") as file:
        file.truncate(3 * MIB)
        file.seek(5 * MIB)
        file.write(b"end")
        file.flush()
        return (
            os.fstat(file.fileno()).st_size,
            os.pread(file.fileno(), 10, 4 * MIB),
            os.pread(file.fileno(), 9, 5 * MIB),
        )


def mapped(folder: Path) -> object:
    path = folder / "mapped"
    path.write_bytes(bytes(64 * KIB))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[5000:5005] = b"hello"
        view.flush()
    return path.read_bytes()[4999:5006]


def direct(folder: Path) -> object:
    fd = os.open(folder / "direct", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    try:
        with mmap.mmap(-1, 16 * KIB) as page:
            page[:] = b"\x5a" * len(page)
            written = os.write(fd, page)
            page[:] = bytes(len(page))
            return written, os.preadv(fd, [page], 0), bytes(page[:4])
    finally:
        os.close(fd)


def renamed_over_open(folder: Path) -> object:
    (folder / "old").write_bytes(b"old")
    (folder / "new").write_bytes(b"new")
    with (folder / "old").open("rb") as file:
        (folder / "new").rename(folder / "old")
        return file.read(), (folder / "old").read_bytes()


def unlinked_while_open(folder: Path) -> object:
    path = folder / "unlinked"
    path.write_bytes(b"still here")
    with path.open("rb") as file:
        path.unlink()
        return file.read(), path.exists()


def linked(folder: Path) -> object:
    (folder / "one").write_bytes(b"1")
    (folder / "two").hardlink_to(folder / "one")
    return (folder / "two").read_bytes()


def symlinked(folder: Path) -> object:
    (folder / "link").symlink_to("target")
    return str((folder / "link").readlink())


def attributed(folder: Path) -> object:
    (folder / "attributed").write_bytes(b"")
    os.setxattr(folder / "attributed", "user.colour", b"blue")
    return os.getxattr(folder / "attributed", "user.colour"), os.listxattr(folder / "attributed")


def appended(folder: Path) -> object:
    for word in (b"one ", b"two ", b"three"):
        with (folder / "appended").open("ab") as file:
            file.write(word)
    return (folder / "appended").read_bytes()


def many(folder: Path) -> object:
    (folder / "many").mkdir()
    for number in range(120):
        (folder / "many" / f"a name of some length, so that a listing takes several answers {number}").touch()
    return len(list((folder / "many").iterdir()))


def timed(folder: Path) -> object:
    (folder / "timed").write_bytes(b"")
    os.utime(folder / "timed", (1_000_000_000, 1_100_000_000))
    return (folder / "timed").stat().st_mtime


def exclusive_twice(folder: Path) -> object:
    (folder / "exclusive").open("x").close()
    return (folder / "exclusive").open("x").close()


def full_removed(folder: Path) -> object:
    (folder / "full" / "inner").mkdir(parents=True)
    return (folder / "full").rmdir()


def opened_directory(folder: Path) -> object:
    (folder / "directory").mkdir()
    return (folder / "directory").write_bytes(b"")


WORK: tuple[Callable[[Path], object], ...] = (
    sparse,
    mapped,
    direct,
    renamed_over_open,
    unlinked_while_open,
    linked,
    symlinked,
    attributed,
    appended,
    many,
    timed,
    exclusive_twice,
    full_removed,
    opened_directory,
    lambda folder: (folder / "missing").read_bytes(),
    lambda folder: (folder / ("x" * 300)).write_bytes(b""),
)


def outcomes(folder: Path) -> list[object]:
    """What each piece of work gave: a value, or the name of an error."""
    found: list[object] = []
    for work in WORK:
        try:
            found.append(work(folder))
        except OSError as error:
            found.append(errno.errorcode[error.errno or 0])
    return found


class Exerciser:
    """Random work on a file, of which a copy in memory knows the right contents."""

    def __init__(self, path: Path, seed: int, size: int) -> None:
        self._path, self._random, self._size = path, random.Random(seed), size
        self._work = [self._write, self._write, self._read, self._read, self._cut, self._map, self._reopen]
        self.right = bytearray()
        self._fd = -1

    def run(self, steps: int) -> None:
        """So many operations; each read is compared."""
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT)
        try:
            for _ in range(steps):
                self._random.choice(self._work)()
            os.fsync(self._fd)
        finally:
            os.close(self._fd)

    def _place(self) -> tuple[int, int]:
        return self._random.randrange(self._size), self._random.randrange(1, 64 * KIB)

    def _write(self) -> None:
        offset, length = self._place()
        data = self._random.randbytes(length)
        os.pwrite(self._fd, data, offset)
        self._put(offset, data)

    def _put(self, offset: int, data: bytes) -> None:
        self.right.extend(bytes(max(0, offset + len(data) - len(self.right))))
        self.right[offset : offset + len(data)] = data

    def _read(self) -> None:
        offset, length = self._place()
        assert os.pread(self._fd, length, offset) == self.right[offset : offset + length]

    def _cut(self) -> None:
        size = self._random.randrange(self._size)
        os.ftruncate(self._fd, size)
        self.right = self.right[:size] + bytes(max(0, size - len(self.right)))

    def _map(self) -> None:
        if not self.right:
            return
        offset = self._random.randrange(len(self.right))
        data = self._random.randbytes(min(4 * KIB, len(self.right) - offset))
        with mmap.mmap(self._fd, len(self.right)) as view:
            view[offset : offset + len(data)] = data
        self._put(offset, data)

    def _reopen(self) -> None:
        os.close(self._fd)
        self._fd = os.open(self._path, os.O_RDWR)
