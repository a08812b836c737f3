# SPDX-License-Identifier: GPL-2.0-or-later
"""What a client asks about files, directories and the file system, as [MS-FSCC] lays it out."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass

from smbprotocol.file_info import FileAttributes, FileInformationClass, FileSystemInformationClass
from smbprotocol.header import NtStatus

from .wire import Refused, pad

_EPOCH = 116_444_736_000_000_000
_SERIAL = 0x5155_4943
_CASE_SENSITIVE, _CASE_PRESERVED, _UNICODE, _SPARSE = 0x1, 0x2, 0x4, 0x40
_DISK_DEVICE, _MOUNTED = 0x7, 0x20
BLOCK = 4096

FILE_FS_SECTOR_SIZE = 11
FILE_NETWORK_OPEN = 34
FILE_ATTRIBUTE_TAG = 35


def filetime(ns: int) -> int:
    """A time of Unix as Windows counts."""
    return ns // 100 + _EPOCH


def unix_ns(value: int) -> int:
    """And back."""
    return (value - _EPOCH) * 100


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file's stat() says, in SMB's words."""

    times: tuple[int, int, int, int]
    size: int
    allocated: int
    attributes: int
    directory: bool
    index: int
    links: int

    @classmethod
    def of(cls, found: os.stat_result) -> Facts:
        """From stat()."""
        directory = stat.S_ISDIR(found.st_mode)
        attributes = FileAttributes.FILE_ATTRIBUTE_DIRECTORY if directory else FileAttributes.FILE_ATTRIBUTE_ARCHIVE
        created = filetime(min(found.st_mtime_ns, found.st_ctime_ns))
        times = (created, filetime(found.st_atime_ns), filetime(found.st_mtime_ns), filetime(found.st_ctime_ns))
        size, allocated = (0, 0) if directory else (found.st_size, found.st_blocks * 512)
        return cls(times, size, allocated, attributes, directory, found.st_ino, found.st_nlink)

    def open_fields(self) -> bytes:
        """Times, sizes and attributes as in responses to CREATE and CLOSE."""
        return struct.pack("<6QI", *self.times, self.allocated, self.size, self.attributes)


def _basic(facts: Facts) -> bytes:
    return struct.pack("<4QII", *facts.times, facts.attributes, 0)


def _standard(facts: Facts) -> bytes:
    return struct.pack("<QQIBBH", facts.allocated, facts.size, facts.links, 0, facts.directory, 0)


def _internal(facts: Facts) -> bytes:
    return struct.pack("<Q", facts.index)


def _network_open(facts: Facts) -> bytes:
    return facts.open_fields() + bytes(4)


def _tag(facts: Facts) -> bytes:
    return struct.pack("<II", facts.attributes, 0)


def _stream(facts: Facts) -> bytes:
    name = "::$DATA".encode("utf-16-le")
    return b"" if facts.directory else struct.pack("<IIQQ", 0, len(name), facts.size, facts.allocated) + name


_FILE: dict[int, Callable[[Facts], bytes]] = {
    FileInformationClass.FILE_BASIC_INFORMATION: _basic,
    FileInformationClass.FILE_STANDARD_INFORMATION: _standard,
    FileInformationClass.FILE_INTERNAL_INFORMATION: _internal,
    FileInformationClass.FILE_EA_INFORMATION: lambda facts: bytes(4),
    FileInformationClass.FILE_POSITION_INFORMATION: lambda facts: bytes(8),
    FileInformationClass.FILE_STREAM_INFORMATION: _stream,
    FILE_NETWORK_OPEN: _network_open,
    FILE_ATTRIBUTE_TAG: _tag,
}


def file_info(kind: int, facts: Facts, name: str) -> bytes:
    """The answer to QUERY_INFO about a file."""
    if kind == FileInformationClass.FILE_ALL_INFORMATION:
        path = ("\\" + name).encode("utf-16-le")
        rest = struct.pack("<IIQIII", 0, 0x1F01FF, 0, 0, 0, len(path)) + path
        return _basic(facts) + _standard(facts) + _internal(facts) + rest
    if kind not in _FILE:
        raise Refused(NtStatus.STATUS_INVALID_INFO_CLASS)
    return _FILE[kind](facts)


def _fs_volume(found: os.statvfs_result) -> bytes:
    label = "kquic".encode("utf-16-le")
    return struct.pack("<QIIBB", 0, _SERIAL, len(label), 0, 0) + label


def _fs_size(found: os.statvfs_result) -> bytes:
    return struct.pack("<QQII", found.f_blocks, found.f_bavail, 1, found.f_frsize)


def _fs_full_size(found: os.statvfs_result) -> bytes:
    return struct.pack("<QQQII", found.f_blocks, found.f_bavail, found.f_bfree, 1, found.f_frsize)


def _fs_attributes(found: os.statvfs_result) -> bytes:
    name = "NTFS".encode("utf-16-le")
    features = _CASE_SENSITIVE | _CASE_PRESERVED | _UNICODE | _SPARSE
    return struct.pack("<III", features, found.f_namemax, len(name)) + name


_FS: dict[int, Callable[[os.statvfs_result], bytes]] = {
    FileSystemInformationClass.FILE_FS_VOLUME_INFORMATION: _fs_volume,
    FileSystemInformationClass.FILE_FS_SIZE_INFORMATION: _fs_size,
    FileSystemInformationClass.FILE_FS_DEVICE_INFORMATION: lambda _: struct.pack("<II", _DISK_DEVICE, _MOUNTED),
    FileSystemInformationClass.FILE_FS_ATTRIBUTE_INFORMATION: _fs_attributes,
    FileSystemInformationClass.FILE_FS_FULL_SIZE_INFORMATION: _fs_full_size,
    FileSystemInformationClass.FILE_FS_OBJECT_ID_INFORMATION: lambda _: bytes(64),
    FILE_FS_SECTOR_SIZE: lambda _: struct.pack("<7I", 512, BLOCK, BLOCK, BLOCK, 3, 0, 0),
}


def fs_info(kind: int, found: os.statvfs_result) -> bytes:
    """The answer to QUERY_INFO about the file system."""
    if kind not in _FS:
        raise Refused(NtStatus.STATUS_INVALID_INFO_CLASS)
    return _FS[kind](found)


# What stands between the length of the name and the name, by class of QUERY_DIRECTORY.
_ENTRY: dict[int, Callable[[Facts], bytes]] = {
    FileInformationClass.FILE_DIRECTORY_INFORMATION: lambda facts: b"",
    FileInformationClass.FILE_FULL_DIRECTORY_INFORMATION: lambda facts: bytes(4),
    FileInformationClass.FILE_BOTH_DIRECTORY_INFORMATION: lambda facts: bytes(30),
    FileInformationClass.FILE_ID_BOTH_DIRECTORY_INFORMATION: lambda facts: bytes(32) + _internal(facts),
    FileInformationClass.FILE_ID_FULL_DIRECTORY_INFORMATION: lambda facts: bytes(8) + _internal(facts),
}


def directory_entry(kind: int, name: str, facts: Facts) -> bytes:
    """One entry of a directory; its offset of the next one is 0."""
    encoded = name.encode("utf-16-le")
    if kind == FileInformationClass.FILE_NAMES_INFORMATION:
        return struct.pack("<III", 0, 0, len(encoded)) + encoded
    if kind not in _ENTRY:
        raise Refused(NtStatus.STATUS_INVALID_INFO_CLASS)
    sizes = (facts.size, facts.allocated, facts.attributes, len(encoded))
    return struct.pack("<II4QQQII", 0, 0, *facts.times, *sizes) + _ENTRY[kind](facts) + encoded


def chain(entries: list[bytes]) -> bytes:
    """Entries one behind the other, each with the offset of the next."""
    padded = [pad(entry) for entry in entries[:-1]] + entries[-1:]
    linked = [struct.pack("<I", len(entry)) + entry[4:] for entry in padded[:-1]] + padded[-1:]
    return b"".join(linked)
