# SPDX-License-Identifier: GPL-2.0-or-later
"""Netlink on plain sockets: as much of it as the agent and the tools need, with any version of Python's libraries."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from kquic.errors import KquicError

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 2, 3
SOL_NETLINK, ADD_MEMBERSHIP = 270, 1
SOCK_DIAG, GENERIC = 4, 16
#: More than the kernel puts into one datagram.
LARGEST = 1 << 17

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_CODE = struct.Struct("=i")
#: Of an attribute's type: nested, network byte order.
_KIND = 0x3FFF


class NetlinkError(KquicError):
    """The kernel's answer is an errno."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{os.strerror(code)} (errno {code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """A message without its header's length."""

    kind: int
    sequence: int
    body: bytes

    @property
    def end(self) -> bool:
        """Whether it is the last one of an answer; raises what it reports."""
        if self.kind not in (ERROR, DONE):
            return False
        code = _CODE.unpack_from(self.body)[0] if len(self.body) >= _CODE.size else 0
        if code < 0:
            raise NetlinkError(-code)
        return True


def pack(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A message for the kernel."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages of a datagram."""
    while len(datagram) >= _HEADER.size:
        length, kind, _, sequence, _ = _HEADER.unpack_from(datagram)
        if length < _HEADER.size or length > len(datagram):
            return
        yield Message(kind, sequence, datagram[_HEADER.size : length])
        datagram = datagram[_aligned(length) :]


def attribute(kind: int, payload: bytes) -> bytes:
    """An attribute, padded."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(_aligned(length) - length)


def u32(kind: int, value: int) -> bytes:
    """An attribute that is a number."""
    return attribute(kind, struct.pack("=I", value & 0xFFFFFFFF))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and payloads, in their order."""
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size or length > len(data):
            return
        yield kind & _KIND, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def connected(protocol: int) -> socket.socket:
    """A socket of one netlink protocol, which hears the kernel only."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.bind((0, 0))
    sock.connect((0, 0))
    return sock


class Netlink:
    """A socket that asks and waits, to be entered as a context."""

    def __init__(self, protocol: int) -> None:
        self._sock, self._sequence = connected(protocol), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._sock.close()

    def ask(self, kind: int, body: bytes, flags: int = ACK) -> Iterator[bytes]:
        """Bodies of the answer, which an acknowledgment ends, or the end of a dump.

        Raises:
            NetlinkError: the kernel refuses.
        """
        self._sequence += 1
        self._sock.send(pack(kind, REQUEST | flags, self._sequence, body))
        while True:
            for message in messages(self._sock.recv(LARGEST)):
                if message.sequence != self._sequence:
                    continue
                if message.end:
                    return
                yield message.body
