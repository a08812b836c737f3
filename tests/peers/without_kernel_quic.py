# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a program for which the kernel has no QUIC: socket() with IPPROTO_QUIC gives EPROTONOSUPPORT.

without_kernel_quic.py COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
SYSCALL_NUMBER, THIRD_ARGUMENT = 0, 32  # offsets in struct seccomp_data
SYS_SOCKET, IPPROTO_QUIC = 41, 261  # x86-64

PROGRAM = [
    (LOAD, 0, 0, SYSCALL_NUMBER),
    (JUMP_EQUAL, 0, 3, SYS_SOCKET),
    (LOAD, 0, 0, THIRD_ARGUMENT),
    (JUMP_EQUAL, 0, 1, IPPROTO_QUIC),
    (RETURN, 0, 0, RET_ERRNO | errno.EPROTONOSUPPORT),
    (RETURN, 0, 0, RET_ALLOW),
]


def main() -> None:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in PROGRAM)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(PROGRAM), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
