# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests about files: a function for each command, from the bytes of a request to the body of its response."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from smbprotocol.create_contexts import CreateContextName, LeaseState
from smbprotocol.file_info import FileInformationClass, InfoType
from smbprotocol.header import Commands, NtStatus
from smbprotocol.open import CloseFlags, LockFlags, QueryDirectoryFlags, RequestedOplockLevel

from . import info
from .files import OpenFile, Share, Wish, statuses
from .session import MAX_IO
from .wire import HEADER_SIZE, Refused, empty_body, part, read, text

LEASE_OPLOCK = RequestedOplockLevel.SMB2_OPLOCK_LEVEL_LEASE
LEASE_SIZE = (32, 52)


@dataclass
class Leases:
    """Leases of a server: who holds which, and whom to tell.

    `tell` sends a break for (key, state now, state then) to the connection that holds the lease.
    """

    grant: int = 0
    held: dict[bytes, int] = field(default_factory=dict)
    tell: dict[bytes, Callable[[bytes, int, int], None]] = field(default_factory=dict)

    def break_(self, key: bytes, state: int = 0) -> None:
        """Take a lease back, down to `state`."""
        now = self.held.get(key, 0)
        if now & ~state and key in self.tell:
            self.tell[key](key, now, state)


@dataclass
class Place:
    """Where a request is carried out: a share, on behalf of a connection."""

    share: Share
    leases: Leases
    tell: Callable[[bytes, int, int], None]
    last_id: bytes | None = None

    def file(self, file_id: bytes) -> OpenFile:
        """The open file that a request is about."""
        return self.share.get(file_id, self.last_id)


def create(place: Place, request: bytes) -> bytes:
    """CREATE."""
    fixed = read("<HBBIQQIIIIIHHII", request)
    _, _, oplock, _, _, _, access, _, _, disposition, options, at, length, contexts_at, contexts_size = fixed
    wish = Wish(text(part(request, at, length)), access, disposition, options)
    opened, action = place.share.create(wish)
    place.last_id = opened.id
    wanted = create_contexts(part(request, contexts_at, contexts_size)) if contexts_size else {}
    lease = _lease(place, opened, wanted) if oplock == LEASE_OPLOCK else b""
    for other in place.share.others(opened):
        if other.lease_key is not None:
            place.leases.break_(other.lease_key, LeaseState.SMB2_LEASE_READ_CACHING)
    facts = opened.facts()
    head = struct.pack("<HBBI", 89, LEASE_OPLOCK if lease else 0, 0, action)
    where = (HEADER_SIZE + 88, len(lease)) if lease else (0, 0)
    return head + facts.open_fields() + bytes(4) + opened.id + struct.pack("<II", *where) + lease


def create_contexts(data: bytes) -> dict[bytes, bytes]:
    """The contexts of CREATE, by name."""
    found: dict[bytes, bytes] = {}
    while len(data) >= 16:
        following, name_at, name_size, _, data_at, size = struct.unpack_from("<IHHHHI", data)
        found[data[name_at : name_at + name_size]] = data[data_at : data_at + size]
        if not following:
            break
        data = data[following:]
    return found


def _lease(place: Place, opened: OpenFile, contexts: dict[bytes, bytes]) -> bytes:
    """Grant a lease, if nobody else has the file open; the context of the response."""
    wanted = contexts.get(CreateContextName.SMB2_CREATE_REQUEST_LEASE, b"")
    if len(wanted) not in LEASE_SIZE or opened.directory:
        return b""
    key, asked = wanted[:16], int.from_bytes(wanted[16:20], "little")
    opened.lease_key = key
    limit = place.leases.grant & (LeaseState.SMB2_LEASE_READ_CACHING if place.share.others(opened) else 0xF)
    place.leases.held[key] = asked & limit
    place.leases.tell[key] = place.tell
    granted = key + struct.pack("<I", asked & limit) + bytes(12) + wanted[32:]
    return struct.pack("<IHHHHI4s4x", 0, 16, 4, 0, 24, len(granted), b"RqLs") + granted


def close(place: Place, request: bytes) -> bytes:
    """CLOSE."""
    _, flags, _, file_id = read("<HHI16s", request)
    opened = place.file(file_id)
    told = opened.facts().open_fields() if flags & CloseFlags.SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB else bytes(52)
    place.share.close(opened)
    return struct.pack("<HHI", 60, flags, 0) + told


def flush(place: Place, request: bytes) -> bytes:
    """FLUSH."""
    _, _, _, file_id = read("<HHI16s", request)
    with statuses():
        os.fsync(place.file(file_id).fd)
    return empty_body()


def read_file(place: Place, request: bytes) -> bytes:
    """READ."""
    _, _, _, length, offset, file_id, least, *_ = read("<HBBIQ16sIIIHH", request)
    if length > MAX_IO:
        raise Refused(NtStatus.STATUS_INVALID_PARAMETER)
    data = place.share.read(place.file(file_id), offset, length)
    if len(data) < least:
        raise Refused(NtStatus.STATUS_END_OF_FILE)
    return struct.pack("<HBBIII", 17, HEADER_SIZE + 16, 0, len(data), 0, 0) + data


def write_file(place: Place, request: bytes) -> bytes:
    """WRITE."""
    _, at, length, offset, file_id, *_ = read("<HHIQ16sIIHHI", request)
    done = place.share.write(place.file(file_id), offset, part(request, at, length))
    return struct.pack("<HHIIHH", 17, 0, done, 0, 0, 0)


def lock(place: Place, request: bytes) -> bytes:
    """LOCK. A client that would wait is refused, and asks again."""
    _, count, _, file_id = read("<HHI16s", request)
    opened = place.file(file_id)
    ranges = part(request, HEADER_SIZE + 24, 24 * count)
    for offset, length, flags, _ in struct.iter_unpack("<QQII", ranges):
        if flags & LockFlags.SMB2_LOCKFLAG_UNLOCK:
            place.share.unlock(opened, offset, length)
        else:
            exclusive = bool(flags & LockFlags.SMB2_LOCKFLAG_EXCLUSIVE_LOCK)
            place.share.lock(opened, offset, length, exclusive=exclusive)
    return empty_body()


def query_directory(place: Place, request: bytes) -> bytes:
    """QUERY_DIRECTORY."""
    _, kind, flags, _, file_id, at, length, room = read("<HBBI16sHHI", request)
    opened = place.file(file_id)
    again = bool(flags & (QueryDirectoryFlags.SMB2_RESTART_SCANS | QueryDirectoryFlags.SMB2_REOPEN))
    names = place.share.names(opened, text(part(request, at, length)) or "*", again=again)
    single = bool(flags & QueryDirectoryFlags.SMB2_RETURN_SINGLE_ENTRY)
    entries: list[bytes] = []
    while names and not (single and entries):
        entry = _entry(kind, opened, names[-1])
        if entry and len(info.chain([*entries, entry])) > min(room, MAX_IO):
            break
        names.pop()
        entries += [entry] if entry else []
    if not entries:
        raise Refused(NtStatus.STATUS_NO_MORE_FILES)
    return _output(info.chain(entries))


def _entry(kind: int, opened: OpenFile, name: str) -> bytes:
    """An entry of a listing; nothing if the file has gone meanwhile."""
    try:
        found = (opened.path / name).stat(follow_symlinks=False)
    except FileNotFoundError:
        return b""
    return info.directory_entry(kind, name, info.Facts.of(found))


def _output(data: bytes) -> bytes:
    return struct.pack("<HHI", 9, HEADER_SIZE + 8, len(data)) + data


def query_info(place: Place, request: bytes) -> bytes:
    """QUERY_INFO."""
    _, about, kind, room, _, _, _, _, _, file_id = read("<HBBIHHIII16s", request)
    opened = place.file(file_id)
    if about == InfoType.SMB2_0_INFO_FILE:
        if kind == FileInformationClass.FILE_FULL_EA_INFORMATION:
            raise Refused(NtStatus.STATUS_NO_EAS_ON_FILE)
        data = info.file_info(kind, opened.facts(), opened.name)
    elif about == InfoType.SMB2_0_INFO_FILESYSTEM:
        with statuses():
            data = info.fs_info(kind, os.statvfs(opened.path))
    else:
        raise Refused(NtStatus.STATUS_NOT_SUPPORTED)
    return _output(data[:room])


def set_info(place: Place, request: bytes) -> bytes:
    """SET_INFO."""
    _, about, kind, length, at, _, _, file_id = read("<HBBIHHI16s", request)
    opened, data = place.file(file_id), part(request, at, length)
    change = _CHANGES.get(kind) if about == InfoType.SMB2_0_INFO_FILE else None
    if change is None:
        raise Refused(NtStatus.STATUS_NOT_SUPPORTED)
    try:
        change(place.share, opened, data)
    except struct.error as error:
        raise Refused(NtStatus.STATUS_INFO_LENGTH_MISMATCH) from error
    return struct.pack("<H", 2)


def _set_basic(share: Share, opened: OpenFile, data: bytes) -> None:
    _, accessed, written, *_ = struct.unpack_from("<4QI", data)
    share.set_times(opened, accessed, written)


def _new_name(data: bytes) -> tuple[str, bool]:
    replace, _, length = struct.unpack_from("<B7xQI", data)
    return text(data[20 : 20 + length]), bool(replace)


def _rename(share: Share, opened: OpenFile, data: bytes) -> None:
    name, replace = _new_name(data)
    share.rename(opened, name, replace=replace)


def _link(share: Share, opened: OpenFile, data: bytes) -> None:
    name, replace = _new_name(data)
    share.link(opened, name, replace=replace)


def _dispose(share: Share, opened: OpenFile, data: bytes) -> None:
    share.delete_later(opened, delete=bool(data[:1].strip(b"\0")))


def _set_size(_: Share, opened: OpenFile, data: bytes) -> None:
    (size,) = struct.unpack_from("<Q", data)
    with statuses():
        os.ftruncate(opened.fd, size)


_CHANGES: dict[int, Callable[[Share, OpenFile, bytes], None]] = {
    FileInformationClass.FILE_BASIC_INFORMATION: _set_basic,
    FileInformationClass.FILE_RENAME_INFORMATION: _rename,
    FileInformationClass.FILE_LINK_INFORMATION: _link,
    FileInformationClass.FILE_DISPOSITION_INFORMATION: _dispose,
    FileInformationClass.FILE_END_OF_FILE_INFORMATION: _set_size,
    FileInformationClass.FILE_ALLOCATION_INFORMATION: lambda *_: None,
}


def acknowledge_break(place: Place, request: bytes) -> bytes:
    """The client's answer to a lease break."""
    _, _, _, key, state, _ = read("<HHI16sIQ", request)
    place.leases.held[key] = state
    return struct.pack("<HHI16sIQ", 36, 0, 0, key, state, 0)


HANDLERS: dict[int, Callable[[Place, bytes], bytes]] = {
    Commands.SMB2_CREATE: create,
    Commands.SMB2_CLOSE: close,
    Commands.SMB2_FLUSH: flush,
    Commands.SMB2_READ: read_file,
    Commands.SMB2_WRITE: write_file,
    Commands.SMB2_LOCK: lock,
    Commands.SMB2_QUERY_DIRECTORY: query_directory,
    Commands.SMB2_QUERY_INFO: query_info,
    Commands.SMB2_SET_INFO: set_info,
    Commands.SMB2_OPLOCK_BREAK: acknowledge_break,
}
