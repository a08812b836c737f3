# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls as they are: lengths, flags and buffers that Python would not let through."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
from contextlib import suppress

from kquic.sock import IPPROTO_QUIC

_libc = ctypes.CDLL(None, use_errno=True)
LARGEST = 1 << 17


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(_IoVec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


_LENGTH = ctypes.c_uint32
_PATTERN = bytes(range(251)) * (LARGEST // 251 + 1)


def setsockopt(fd: int, level: int, option: int, data: bytes, length: int | None = None) -> int:
    """Any option; a length other than that of the data, if given."""
    return int(_libc.setsockopt(fd, level, option, data, len(data) if length is None else ctypes.c_uint32(length)))


def getsockopt(fd: int, level: int, option: int, data: bytes, size: int) -> bytes | None:
    """Any option, the buffer preset; None for an error."""
    room = ctypes.create_string_buffer(data, max(1, len(data), min(abs(size), 8192)))
    length = _LENGTH(size & 0xFFFFFFFF if size < 0 else min(size, len(room)))
    if _libc.getsockopt(fd, level, option, room, ctypes.byref(length)) < 0:
        return None
    return room.raw[: length.value]


def _header(data: ctypes.Array[ctypes.c_char], size: int, control: ctypes.Array[ctypes.c_char], used: int) -> _MsgHdr:
    vector = (_IoVec * 1)(_IoVec(ctypes.addressof(data), size))
    return _MsgHdr(None, 0, vector, 1, ctypes.addressof(control) if used else None, used, 0)


def sendmsg(fd: int, size: int, control: bytes, flags: int, data: bytes | None = None) -> int:
    """So many bytes with this control buffer."""
    body = _PATTERN[: min(abs(size), LARGEST)] if data is None else data
    buffer = ctypes.create_string_buffer(body, max(1, len(body)))
    room = ctypes.create_string_buffer(control, max(1, len(control)))
    header = _header(buffer, len(body), room, len(control))
    return int(_libc.sendmsg(fd, ctypes.byref(header), flags | socket.MSG_NOSIGNAL))


def recvmsg(fd: int, size: int, control: int, flags: int) -> int:
    """Into buffers of these sizes."""
    size, control = min(abs(size), LARGEST), min(abs(control), 4096)
    buffer, room = ctypes.create_string_buffer(max(1, size)), ctypes.create_string_buffer(max(1, control))
    header = _header(buffer, size, room, control)
    return int(_libc.recvmsg(fd, ctypes.byref(header), flags))


def bind(fd: int, address: bytes) -> int:
    """Any address."""
    return int(_libc.bind(fd, address, len(address)))


def connect(fd: int, address: bytes) -> int:
    """Any address."""
    return int(_libc.connect(fd, address, len(address)))


def listen(fd: int, backlog: int) -> int:
    """Any backlog."""
    return int(_libc.listen(fd, ctypes.c_int(backlog)))


def shutdown(fd: int, how: int) -> int:
    """Any direction."""
    return int(_libc.shutdown(fd, ctypes.c_int(how)))


def accept(fd: int) -> int:
    """The new descriptor, or -1."""
    return int(_libc.accept4(fd, None, None, socket.SOCK_CLOEXEC))


def new_socket(family: int, kind: int) -> int:
    """A QUIC socket, or -1."""
    return int(_libc.socket(family, kind, IPPROTO_QUIC))


def ioctl(fd: int, request: int) -> None:
    """A request that fills in a number."""
    if fd >= 0:
        with suppress(OSError):
            fcntl.ioctl(fd, request & 0xFFFFFFFF, bytes(64))


def poll(fd: int) -> None:
    """Everything, at once."""
    watch = select.poll()
    watch.register(fd, 0x7FFF)
    watch.poll(0)


def names(fd: int) -> None:
    """Both addresses."""
    room, length = ctypes.create_string_buffer(128), _LENGTH(128)
    _libc.getsockname(fd, room, ctypes.byref(length))
    _libc.getpeername(fd, room, ctypes.byref(length))


def splice(fd: int, size: int) -> None:
    """Pages of a pipe into the socket."""
    out, into = os.pipe()
    try:
        os.write(into, _PATTERN[: min(abs(size), 16384)])
        _libc.splice(out, None, fd, None, ctypes.c_size_t(16384), 2)
    finally:
        os.close(out)
        os.close(into)
