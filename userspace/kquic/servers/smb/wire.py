# SPDX-License-Identifier: GPL-2.0-or-later
"""SMB2 messages: the header, compounds, error responses, and structures of one line.

[MS-SMB2] 2.2. smbprotocol has the numbers; its structures are those of a client, which writes requests in the order
that it likes. A server is told offsets and has to follow them, so that the requests are read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smbprotocol.header import Commands, NtStatus

SMB2_ID = b"\xfeSMB"
TRANSFORM_ID = b"\xfdSMB"
HEADER_SIZE = 64

FLAG_RESPONSE = 0x1
FLAG_RELATED = 0x4
FLAG_SIGNED = 0x8

NO_MESSAGE = 0xFFFF_FFFF_FFFF_FFFF
"""Message ID of what the server says unasked."""
RELATED_FILE = b"\xff" * 16

_HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
_ERROR = struct.Struct("<HBBIB")


class Malformed(Exception):
    """A message that is not SMB2, or that ends too early."""


class Refused(Exception):
    """A request that is answered with a status."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"status {status:#010x}")


@dataclass(slots=True)
class Header:
    """The header of a message, synchronous form."""

    command: int
    message_id: int = 0
    credit_charge: int = 0
    status: int = 0
    credits: int = 0
    flags: int = 0
    next_command: int = 0
    process_id: int = 0
    tree_id: int = 0
    session_id: int = 0
    signature: bytes = bytes(16)

    def pack(self) -> bytes:
        """The 64 bytes."""
        return _HEADER.pack(
            SMB2_ID,
            HEADER_SIZE,
            self.credit_charge,
            self.status,
            self.command,
            self.credits,
            self.flags,
            self.next_command,
            self.message_id,
            self.process_id,
            self.tree_id,
            self.session_id,
            self.signature,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Header:
        """Read it from the begin of a message."""
        if len(data) < HEADER_SIZE:
            raise Malformed("no whole header")
        known, size, charge, status, command, granted, flags, following, message, *rest = _HEADER.unpack_from(data)
        if known != SMB2_ID or size != HEADER_SIZE:
            raise Malformed("not an SMB2 header")
        return cls(command, message, charge, status, granted, flags, following, *rest)

    def answer(self, status: int = NtStatus.STATUS_SUCCESS) -> Header:
        """The header of the response."""
        return Header(
            self.command,
            self.message_id,
            self.credit_charge,
            status,
            max(1, min(self.credits, 512)),
            FLAG_RESPONSE,
            0,
            self.process_id,
            self.tree_id,
            self.session_id,
        )


def split(message: bytes) -> Iterator[tuple[Header, bytes]]:
    """The requests of a message, each with all its bytes."""
    while True:
        header = Header.unpack(message)
        end = header.next_command or len(message)
        if end < HEADER_SIZE or end > len(message):
            raise Malformed("the next command is outside of the message")
        yield header, message[:end]
        if not header.next_command:
            return
        message = message[end:]


def read(layout: str, request: bytes) -> tuple[Any, ...]:
    """The fixed part of a request's body."""
    try:
        return struct.unpack_from(layout, request, HEADER_SIZE)
    except struct.error as error:
        raise Refused(NtStatus.STATUS_INVALID_PARAMETER) from error


def part(request: bytes, offset: int, length: int) -> bytes:
    """Bytes that a request names by offset and length."""
    if length and (offset < HEADER_SIZE or offset + length > len(request)):
        raise Refused(NtStatus.STATUS_INVALID_PARAMETER)
    return request[offset : offset + length]


def text(data: bytes) -> str:
    """A string of a message."""
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Refused(NtStatus.STATUS_OBJECT_NAME_INVALID) from error


def error_body() -> bytes:
    """The body of a response that has only a status."""
    return _ERROR.pack(9, 0, 0, 0, 0)


def empty_body() -> bytes:
    """The body of a response that has nothing to say: FLUSH, LOCK, ECHO, LOGOFF, TREE_DISCONNECT."""
    return struct.pack("<HH", 4, 0)


def pad(data: bytes, boundary: int = 8) -> bytes:
    """With zeros up to a boundary."""
    return data + bytes(-len(data) % boundary)


def name_of(command: int) -> str:
    """A command's name for the log."""
    for name, value in vars(Commands).items():
        if value == command and name.startswith("SMB2_"):
            return str(name[5:]).lower()
    return f"command {command}"
