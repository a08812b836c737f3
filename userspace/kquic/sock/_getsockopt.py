# SPDX-License-Identifier: GPL-2.0-or-later
"""getsockopt() as C has it: the buffer goes in with its content, and may be 4096 bytes.

Python's own hands the kernel an uninitialised buffer of at most 1024 bytes;
several QUIC options read their input there and some are larger.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket

from ._abi import SOL_QUIC, SockOpt

_libc = ctypes.CDLL(None, use_errno=True)


def getsockopt(sock: socket.socket, option: SockOpt, buffer: bytes) -> bytes:
    """Get an option of level SOL_QUIC; `buffer` is what the kernel finds there."""
    room = ctypes.create_string_buffer(buffer, len(buffer))
    length = ctypes.c_uint32(len(buffer))
    while _libc.getsockopt(sock.fileno(), SOL_QUIC, option, room, ctypes.byref(length)) < 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return room.raw[: length.value]
