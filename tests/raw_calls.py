# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the C library as they are: addresses, control buffers and lengths that Python does not let through."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)
STORAGE = 128  # sizeof(struct sockaddr_storage)
STREAM_SPACE = socket.CMSG_SPACE(16)  # room for one struct quic_stream_info
HANDSHAKE_SPACE = socket.CMSG_SPACE(1)  # room for one struct quic_handshake_info


class IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(IoVec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class MMsgHdr(ctypes.Structure):
    _fields_ = (("hdr", MsgHdr), ("len", ctypes.c_uint32))


@dataclass(frozen=True)
class Received:
    """What recvmsg() leaves behind."""

    data: bytes
    flags: int
    control: bytes
    namelen: int = 0


def sockaddr_in(host: str, port: int) -> bytes:
    """A struct sockaddr_in."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


def sockaddr_in6(host: str, port: int, scope: int = 0) -> bytes:
    """A struct sockaddr_in6."""
    address = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + address + struct.pack("=I", scope)


def errno_of(name: str, sock: socket.socket, address: bytes, length: int | None = None) -> int:
    """bind() or connect() with so many bytes said to be there; the errno, 0 for success."""
    buffer = ctypes.create_string_buffer(address, max(len(address), STORAGE))
    done = getattr(_libc, name)(sock.fileno(), buffer, len(address) if length is None else length)
    return ctypes.get_errno() if done < 0 else 0


def name_of(name: str, sock: socket.socket) -> bytes:
    """getsockname(), getpeername() or accept(): the address as it lies in memory.

    Of accept() the new socket is closed.
    """
    room = ctypes.create_string_buffer(b"\xaa" * STORAGE, STORAGE)
    length = ctypes.c_uint32(STORAGE)
    done = getattr(_libc, name)(sock.fileno(), room, ctypes.byref(length))
    if done < 0:
        raise OSError(ctypes.get_errno(), name)
    if name == "accept":
        os.close(done)
    return room.raw[: length.value]


def _vector(buffers: Sequence[ctypes.Array[ctypes.c_char]]) -> ctypes.Array[IoVec]:
    return (IoVec * len(buffers))(*(IoVec(ctypes.addressof(one), len(one)) for one in buffers))


def recvmsg(sock: socket.socket, size: int, control: int, flags: int = 0, stale: int = 0) -> Received:
    """recvmsg(); `stale` is what the caller left in msg_flags."""
    data = ctypes.create_string_buffer(max(size, 1))
    vector = (IoVec * 1)(IoVec(ctypes.addressof(data), size))
    room = ctypes.create_string_buffer(max(control, 1))
    name = ctypes.create_string_buffer(STORAGE)
    header = MsgHdr(ctypes.addressof(name), STORAGE, vector, 1, ctypes.addressof(room), control, stale)
    done = _libc.recvmsg(sock.fileno(), ctypes.byref(header), flags)
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, errno.errorcode[code])
    return Received(data.raw[:done], header.flags, room.raw[: header.controllen], header.namelen)


def sendmsg(sock: socket.socket, data: bytes, control: bytes, flags: int = 0) -> int:
    """sendmsg() with this control buffer, whatever is in it."""
    buffer = ctypes.create_string_buffer(data, len(data))
    room = ctypes.create_string_buffer(control, len(control))
    header = MsgHdr(None, 0, _vector([buffer]), 1, ctypes.addressof(room), len(control), 0)
    done = int(_libc.sendmsg(sock.fileno(), ctypes.byref(header), flags))
    if done < 0:
        raise OSError(ctypes.get_errno(), "sendmsg")
    return done


def send_from_nowhere(sock: socket.socket, size: int) -> int:
    """send() of memory that is not there."""
    done = int(_libc.send(sock.fileno(), ctypes.c_void_p(1), size, 0))
    if done < 0:
        raise OSError(ctypes.get_errno(), "send")
    return done


def sendmmsg(sock: socket.socket, messages: Sequence[bytes], flags: int = 0) -> list[int]:
    """sendmmsg(); how much was taken of each message."""
    buffers = [ctypes.create_string_buffer(one, len(one)) for one in messages]
    vectors = [_vector([one]) for one in buffers]
    headers = (MMsgHdr * len(messages))(*(MMsgHdr(MsgHdr(iov=one, iovlen=1)) for one in vectors))
    done = _libc.sendmmsg(sock.fileno(), headers, len(messages), flags)
    if done < 0:
        raise OSError(ctypes.get_errno(), "sendmmsg")
    return [header.len for header in headers[:done]]


def recvmmsg(sock: socket.socket, count: int, size: int, flags: int = 0) -> list[bytes]:
    """recvmmsg() without control buffers."""
    buffers = [ctypes.create_string_buffer(size) for _ in range(count)]
    vectors = [_vector([one]) for one in buffers]
    headers = (MMsgHdr * count)(*(MMsgHdr(MsgHdr(iov=one, iovlen=1)) for one in vectors))
    done = _libc.recvmmsg(sock.fileno(), headers, count, flags, None)
    if done < 0:
        raise OSError(ctypes.get_errno(), "recvmmsg")
    return [one.raw[: header.len] for one, header in zip(buffers, headers[:done], strict=False)]
