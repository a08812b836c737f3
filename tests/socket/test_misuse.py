# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls as only C can make them: NULL, addresses that nothing is at, lengths that are wrong."""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Iterator

import pytest

from kquic.sock import IPPROTO_QUIC
from kquic.sock._abi import SOL_QUIC, SockOpt
from states import STATES

NULL, NOWHERE = 0, 0x10
SETTABLE = [option for option in SockOpt if option is not SockOpt.STREAM_OPEN]
SET_ONLY = (
    SockOpt.STREAM_RESET,
    SockOpt.STREAM_STOP_SENDING,
    SockOpt.CONNECTION_MIGRATION,
    SockOpt.KEY_UPDATE,
    SockOpt.CRYPTO_SECRET,
)
GETTABLE = [option for option in SockOpt if option not in SET_ONLY]
STATES_TRIED = ("fresh", "listening", "accepted", "client", "shut")

libc = ctypes.CDLL(None, use_errno=True)
for name in ("setsockopt", "getsockopt", "bind", "connect", "accept", "getsockname", "sendmsg", "recvmsg", "recvfrom"):
    getattr(libc, name).argtypes = None


def errno_of(result: int) -> str:
    """Of a call of the C library."""
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "0"


def set_option(sock: socket.socket, option: int, pointer: int, length: int) -> str:
    """setsockopt() with a raw pointer."""
    return errno_of(libc.setsockopt(sock.fileno(), SOL_QUIC, option, ctypes.c_void_p(pointer), ctypes.c_uint(length)))


def get_option(sock: socket.socket, option: int, pointer: int, length: int | None) -> str:
    """getsockopt() with a raw pointer; without a length its pointer is NULL."""
    room = ctypes.c_int(0 if length is None else length)
    where = None if length is None else ctypes.byref(room)
    return errno_of(libc.getsockopt(sock.fileno(), SOL_QUIC, option, ctypes.c_void_p(pointer), where))


@pytest.fixture
def sock(state: str) -> Iterator[socket.socket]:
    """A socket in a state, that never waits."""
    with STATES[state]() as made:
        made.setblocking(False)
        yield made


@pytest.mark.parametrize("state", STATES_TRIED)
class TestOptions:
    """Every option, pointer and length in turn; the memory-checking kernel looks on."""

    @pytest.mark.parametrize("option", SETTABLE)
    def test_set_lengths(self, sock: socket.socket, option: SockOpt) -> None:
        """Every length is taken or refused, and never read beyond."""
        data = ctypes.create_string_buffer(4097)
        for length in (*range(130), 255, 256, 257, 511, 512, 513, 4095, 4096):
            set_option(sock, option, ctypes.addressof(data), length)
        for length in (4097, 0x7FFFFFFF, 0xFFFFFFFF):
            assert set_option(sock, option, ctypes.addressof(data), length) == "EINVAL"

    def test_set_from_nowhere(self, sock: socket.socket) -> None:
        assert {set_option(sock, option, NOWHERE, 8) for option in SETTABLE} - {"0"} == {"EFAULT"}

    def test_get_without_a_length(self, sock: socket.socket) -> None:
        assert {get_option(sock, option, NOWHERE, None) for option in GETTABLE} == {"EFAULT"}

    def test_get_with_a_negative_length(self, sock: socket.socket) -> None:
        assert {get_option(sock, option, NOWHERE, -1) for option in GETTABLE} == {"EINVAL"}

    def test_get_to_nowhere(self, sock: socket.socket) -> None:
        answers = {get_option(sock, option, NOWHERE, 4096) for option in GETTABLE}
        assert "EFAULT" in answers
        assert answers <= {"EFAULT", "EINVAL", "EPIPE", "0"}

    @pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 27, 55, 63, 71, 72, 119, 4096])
    def test_get_lengths(self, sock: socket.socket, length: int) -> None:
        """What lies behind the buffer stays as it was."""
        for option in GETTABLE:
            room = ctypes.create_string_buffer(b"\xa5" * (length + 8), length + 8)
            if option is SockOpt.STREAM_OPEN and length > 8:
                ctypes.memset(ctypes.addressof(room) + 8, 0, length - 8)
            get_option(sock, option, ctypes.addressof(room), length)
            assert room.raw[length:] == b"\xa5" * 8, option


@pytest.mark.parametrize("state", STATES_TRIED)
class TestCalls:
    """Pointers of the calls."""

    def test_addresses(self, sock: socket.socket) -> None:
        number = sock.fileno()
        for call in (libc.bind, libc.connect):
            assert errno_of(call(number, ctypes.c_void_p(NOWHERE), 16)) == "EFAULT"
            for length in (0, 1, 15, 129):
                room = ctypes.create_string_buffer(b"\x02\x00" + bytes(200), 202)
                assert errno_of(call(number, room, length)) == "EINVAL"
        length = ctypes.c_int(-1)
        room = ctypes.create_string_buffer(128)
        assert errno_of(libc.getsockname(number, room, ctypes.byref(length))) == "EINVAL"
        length = ctypes.c_int(16)
        assert errno_of(libc.getsockname(number, ctypes.c_void_p(NOWHERE), ctypes.byref(length))) == "EFAULT"

    def test_messages(self, sock: socket.socket) -> None:
        number = sock.fileno()
        assert errno_of(libc.sendmsg(number, ctypes.c_void_p(NOWHERE), 0x4000)) == "EFAULT"
        assert errno_of(libc.recvmsg(number, ctypes.c_void_p(NOWHERE), 0x40)) == "EFAULT"

    def test_unreadable_data(self, sock: socket.socket, state: str) -> None:
        """Nothing is sent of what cannot be read, and the stream stays usable."""
        flags = 0x400 | 0x4000 | 0x40
        answer = errno_of(libc.send(sock.fileno(), ctypes.c_void_p(NOWHERE), 100, flags))
        if state in ("client", "server"):
            assert answer == "EFAULT"
            assert sock.send(b"x", 0x4000) == 1
        else:
            assert answer in ("EPIPE", "EINVAL")

    def test_unwritable_buffer(self, sock: socket.socket, state: str) -> None:
        """What could not be handed out is still there."""
        answer = errno_of(libc.recv(sock.fileno(), ctypes.c_void_p(NOWHERE), 100, 0x40))
        if state == "accepted":
            assert answer == "EFAULT"
            assert sock.recv(4096, 0x40)
        else:
            assert answer in ("EAGAIN", "ENOTCONN")

    @pytest.mark.parametrize("length", [1, 12, 16, 17, 20, 31, 33])
    def test_ancillary_lengths(self, sock: socket.socket, state: str, length: int) -> None:
        """A header that claims more than there is, or less than itself, is malformed."""

        class Header(ctypes.Structure):
            _fields_ = (("len", ctypes.c_size_t), ("level", ctypes.c_int), ("kind", ctypes.c_int))

        class Vector(ctypes.Structure):
            _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))

        class Message(ctypes.Structure):
            _fields_ = (
                ("name", ctypes.c_void_p),
                ("namelen", ctypes.c_uint),
                ("iov", ctypes.c_void_p),
                ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p),
                ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int),
            )

        control = ctypes.create_string_buffer(bytes(Header(length, SOL_QUIC, 0)) + bytes(16), 32)
        data = ctypes.create_string_buffer(b"x", 1)
        vector = Vector(ctypes.addressof(data), 1)
        message = Message(None, 0, ctypes.addressof(vector), 1, ctypes.addressof(control), 32, 0)
        answer = errno_of(libc.sendmsg(sock.fileno(), ctypes.byref(message), 0x4040))
        if length <= 16 or length > 32:  # behind one of 16 comes an empty header
            assert answer == "EINVAL"
        elif state in ("client", "server", "connecting", "accepted"):
            assert answer == "EINVAL"  # stream 0 is not open
        else:
            assert answer == "EPIPE"


def test_levels() -> None:
    """SOL_QUIC means nothing to other sockets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(OSError) as caught:
        udp.setsockopt(SOL_QUIC, SockOpt.CONFIG, bytes(28))
    assert caught.value.errno in (errno.ENOPROTOOPT, errno.EOPNOTSUPP)
    assert IPPROTO_QUIC == 261
