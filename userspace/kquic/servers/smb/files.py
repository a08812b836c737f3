# SPDX-License-Identifier: GPL-2.0-or-later
"""Open files and directories of a share, with byte-range locks."""

from __future__ import annotations

import errno
import fnmatch
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from smbprotocol.header import NtStatus
from smbprotocol.open import CreateAction, CreateDisposition, CreateOptions, FilePipePrinterAccessMask

from .info import Facts, unix_ns
from .wire import RELATED_FILE, Refused

_STATUS = {
    errno.ENOENT: NtStatus.STATUS_OBJECT_NAME_NOT_FOUND,
    errno.EEXIST: NtStatus.STATUS_OBJECT_NAME_COLLISION,
    errno.ENOTEMPTY: NtStatus.STATUS_DIRECTORY_NOT_EMPTY,
    errno.EISDIR: NtStatus.STATUS_FILE_IS_A_DIRECTORY,
    errno.ENOTDIR: NtStatus.STATUS_NOT_A_DIRECTORY,
    errno.EACCES: NtStatus.STATUS_ACCESS_DENIED,
    errno.EPERM: NtStatus.STATUS_ACCESS_DENIED,
    errno.ENOSPC: NtStatus.STATUS_DISK_FULL,
    errno.ENAMETOOLONG: NtStatus.STATUS_OBJECT_NAME_INVALID,
}
LOCK_NOT_GRANTED = 0xC000_0055
FILE_LOCK_CONFLICT = 0xC000_0054
RANGE_NOT_LOCKED = 0xC000_007E

_WRITING = (
    FilePipePrinterAccessMask.FILE_WRITE_DATA
    | FilePipePrinterAccessMask.FILE_APPEND_DATA
    | FilePipePrinterAccessMask.GENERIC_WRITE
    | FilePipePrinterAccessMask.GENERIC_ALL
    | FilePipePrinterAccessMask.MAXIMUM_ALLOWED
)
_TRUNCATING = (
    CreateDisposition.FILE_SUPERSEDE,
    CreateDisposition.FILE_OVERWRITE,
    CreateDisposition.FILE_OVERWRITE_IF,
)
_EXISTING = (CreateDisposition.FILE_OPEN, CreateDisposition.FILE_OVERWRITE)
_NEVER_SET = (0, 0xFFFF_FFFF_FFFF_FFFF)


@contextmanager
def statuses() -> Iterator[None]:
    """Turns errors of the system into statuses of SMB."""
    try:
        yield
    except OSError as error:
        raise Refused(_STATUS.get(error.errno or 0, NtStatus.STATUS_UNSUCCESSFUL)) from error


@dataclass(frozen=True, slots=True)
class Range:
    """A locked range of bytes."""

    owner: bytes
    offset: int
    length: int
    exclusive: bool

    def overlaps(self, offset: int, length: int) -> bool:
        """Whether it has bytes of another range."""
        return offset < self.offset + self.length and self.offset < offset + length


@dataclass(slots=True)
class OpenFile:
    """What CREATE opened."""

    id: bytes
    name: str
    path: Path
    fd: int
    directory: bool
    delete_on_close: bool = False
    listing: list[str] | None = None
    lease_key: bytes | None = None

    def facts(self) -> Facts:
        """What stat() says."""
        with statuses():
            return Facts.of(os.fstat(self.fd))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a CREATE request wants."""

    name: str
    access: int
    disposition: int
    options: int

    def wants(self, option: int) -> bool:
        """Whether an option is set."""
        return bool(self.options & option)


@dataclass
class Share:
    """A directory, and what is open in it for all connections."""

    root: Path
    opened: dict[bytes, OpenFile] = field(default_factory=dict)
    _locks: dict[int, list[Range]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _count: int = 0

    def path(self, name: str) -> Path:
        """Where a name lies."""
        parts = [word for word in name.split("\\") if word]
        if any(word in ("..", ".") or "/" in word or "\0" in word for word in parts):
            raise Refused(NtStatus.STATUS_OBJECT_NAME_INVALID)
        return self.root.joinpath(*parts)

    def create(self, wish: Wish) -> tuple[OpenFile, int]:
        """Open or make a file; the file, and what was done."""
        path = self.path(wish.name)
        with self._lock, statuses():
            existed = os.path.lexists(path)
            if existed and wish.disposition == CreateDisposition.FILE_CREATE:
                raise Refused(NtStatus.STATUS_OBJECT_NAME_COLLISION)
            if not existed and wish.disposition in _EXISTING:
                known = path.parent.is_dir()
                raise Refused(NtStatus.STATUS_OBJECT_NAME_NOT_FOUND if known else NtStatus.STATUS_OBJECT_PATH_NOT_FOUND)
            fd, directory = self._open(path, wish, existed)
            self._count += 1
            opened = OpenFile(struct.pack("<QQ", self._count, os.getpid()), wish.name, path, fd, directory)
            opened.delete_on_close = wish.wants(CreateOptions.FILE_DELETE_ON_CLOSE)
            self.opened[opened.id] = opened
        if not existed:
            return opened, CreateAction.FILE_CREATED
        truncated = wish.disposition in _TRUNCATING
        return opened, CreateAction.FILE_OVERWRITTEN if truncated else CreateAction.FILE_OPENED

    @staticmethod
    def _open(path: Path, wish: Wish, existed: bool) -> tuple[int, bool]:
        if not existed and wish.wants(CreateOptions.FILE_DIRECTORY_FILE):
            path.mkdir()
        if path.is_dir():
            if wish.wants(CreateOptions.FILE_NON_DIRECTORY_FILE):
                raise Refused(NtStatus.STATUS_FILE_IS_A_DIRECTORY)
            return os.open(path, os.O_RDONLY | os.O_DIRECTORY), True
        if wish.wants(CreateOptions.FILE_DIRECTORY_FILE):
            raise Refused(NtStatus.STATUS_NOT_A_DIRECTORY)
        writing = bool(wish.access & _WRITING) or not existed or wish.disposition in _TRUNCATING
        flags = os.O_RDWR if writing else os.O_RDONLY
        flags |= 0 if existed else os.O_CREAT | os.O_EXCL
        flags |= os.O_TRUNC if existed and wish.disposition in _TRUNCATING else 0
        return os.open(path, flags, 0o644), False

    def get(self, file_id: bytes, last: bytes | None) -> OpenFile:
        """An open file; in a compound, the one of the request before."""
        with self._lock:
            found = self.opened.get(last if file_id == RELATED_FILE and last else file_id)
        if found is None:
            raise Refused(NtStatus.STATUS_FILE_CLOSED)
        return found

    def close(self, opened: OpenFile) -> None:
        """Close it, and delete it if that was wanted."""
        with self._lock:
            if self.opened.pop(opened.id, None) is None:
                return
            index = os.fstat(opened.fd).st_ino
            self._locks[index] = [held for held in self._locks.get(index, []) if held.owner != opened.id]
            os.close(opened.fd)
            if opened.delete_on_close and not any(other.path == opened.path for other in self.opened.values()):
                with suppress(OSError):
                    opened.path.rmdir() if opened.directory else opened.path.unlink()

    def close_all(self, ids: set[bytes]) -> None:
        """Close what a client that has gone had open."""
        with self._lock:
            for opened in [self.opened[file_id] for file_id in ids if file_id in self.opened]:
                self.close(opened)

    def others(self, opened: OpenFile) -> list[OpenFile]:
        """Who else has the same file open, under another lease."""
        with self._lock:
            return [
                other
                for other in self.opened.values()
                if other.path == opened.path and other is not opened and other.lease_key != opened.lease_key
            ]

    # Data

    def read(self, opened: OpenFile, offset: int, length: int) -> bytes:
        """Bytes of a file."""
        self._check(opened, offset, length, writing=False)
        with statuses():
            data = os.pread(opened.fd, length, offset)
        if not data and length:
            raise Refused(NtStatus.STATUS_END_OF_FILE)
        return data

    def write(self, opened: OpenFile, offset: int, data: bytes) -> int:
        """Bytes into a file."""
        self._check(opened, offset, len(data), writing=True)
        with statuses():
            return os.pwrite(opened.fd, data, offset)

    def _check(self, opened: OpenFile, offset: int, length: int, *, writing: bool) -> None:
        if opened.directory:
            raise Refused(NtStatus.STATUS_INVALID_DEVICE_REQUEST)
        with self._lock:
            for held in self._locks.get(os.fstat(opened.fd).st_ino, []):
                if held.owner != opened.id and held.overlaps(offset, length) and (writing or held.exclusive):
                    raise Refused(FILE_LOCK_CONFLICT)

    # Locks

    def lock(self, opened: OpenFile, offset: int, length: int, *, exclusive: bool) -> None:
        """Lock a range, or be refused."""
        wanted = Range(opened.id, offset, length, exclusive)
        with self._lock:
            ranges = self._locks.setdefault(os.fstat(opened.fd).st_ino, [])
            if any(held.overlaps(offset, length) and (exclusive or held.exclusive) for held in ranges):
                raise Refused(LOCK_NOT_GRANTED)
            ranges.append(wanted)

    def unlock(self, opened: OpenFile, offset: int, length: int) -> None:
        """Give a range back."""
        with self._lock:
            ranges = self._locks.get(os.fstat(opened.fd).st_ino, [])
            for held in ranges:
                if (held.owner, held.offset, held.length) == (opened.id, offset, length):
                    ranges.remove(held)
                    return
        raise Refused(RANGE_NOT_LOCKED)

    # Names and attributes

    def names(self, opened: OpenFile, pattern: str, *, again: bool) -> list[str]:
        """What a directory still has to list; the caller takes names off its end."""
        if not opened.directory:
            raise Refused(NtStatus.STATUS_INVALID_PARAMETER)
        if opened.listing is None or again:
            with statuses():
                found = [".", "..", *sorted(path.name for path in opened.path.iterdir())]
            opened.listing = [name for name in reversed(found) if fnmatch.fnmatchcase(name, pattern)]
            if not opened.listing:
                raise Refused(NtStatus.STATUS_NO_SUCH_FILE)
        return opened.listing

    def rename(self, opened: OpenFile, name: str, *, replace: bool) -> None:
        """Give it another name."""
        target = self.path(name)
        with self._lock, statuses():
            if os.path.lexists(target) and not replace:
                raise Refused(NtStatus.STATUS_OBJECT_NAME_COLLISION)
            opened.path.rename(target)
            opened.path, opened.name = target, name

    def link(self, opened: OpenFile, name: str, *, replace: bool) -> None:
        """Give it one more name."""
        target = self.path(name)
        with self._lock, statuses():
            if replace:
                target.unlink(missing_ok=True)
            target.hardlink_to(opened.path)

    def delete_later(self, opened: OpenFile, *, delete: bool) -> None:
        """Delete it when it is closed."""
        if delete and opened.directory and any(opened.path.iterdir()):
            raise Refused(NtStatus.STATUS_DIRECTORY_NOT_EMPTY)
        opened.delete_on_close = delete

    @staticmethod
    def set_times(opened: OpenFile, accessed: int, written: int) -> None:
        """Set the times that are not to stay."""
        with statuses():
            found = os.fstat(opened.fd)
            old = (found.st_atime_ns, found.st_mtime_ns)
            wanted = [
                before if value in _NEVER_SET else unix_ns(value)
                for before, value in zip(old, (accessed, written), strict=True)
            ]
            os.utime(opened.fd, ns=(wanted[0], wanted[1]))
