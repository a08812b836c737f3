# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses as Python and as the kernel write them."""

from __future__ import annotations

import ctypes
import socket

import pytest

from kquic.sock import _address


class SockaddrIn(ctypes.Structure):
    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint8 * 2),
        ("address", ctypes.c_uint8 * 4),
        ("zero", ctypes.c_uint8 * 8),
    )


class SockaddrIn6(ctypes.Structure):
    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint8 * 2),
        ("flow", ctypes.c_uint32),
        ("address", ctypes.c_uint8 * 16),
        ("scope", ctypes.c_uint32),
    )


def test_sockaddr_in() -> None:
    raw = SockaddrIn.from_buffer_copy(_address.sockaddr("192.0.2.1", 0x1234))
    assert raw.family == socket.AF_INET
    assert bytes(raw.port) == b"\x12\x34"
    assert bytes(raw.address) == socket.inet_aton("192.0.2.1")
    assert bytes(raw.zero) == bytes(8)


@pytest.mark.parametrize(("host", "scope"), [("fe80::1%lo", 1), ("fe80::1%7", 7), ("fe80::1", 0)])
def test_sockaddr_in6(host: str, scope: int) -> None:
    raw = SockaddrIn6.from_buffer_copy(_address.sockaddr(host, 443))
    assert raw.family == socket.AF_INET6
    assert bytes(raw.port) == b"\x01\xbb"
    assert bytes(raw.address) == socket.inet_pton(socket.AF_INET6, "fe80::1")
    assert raw.scope == scope


@pytest.mark.parametrize(
    ("family", "host", "expected"),
    [
        (socket.AF_INET, "192.0.2.1", ("192.0.2.1", 1)),
        (socket.AF_INET6, "192.0.2.1", ("::ffff:192.0.2.1", 1, 0, 0)),
        (socket.AF_INET6, "2001:db8::1", ("2001:db8::1", 1, 0, 0)),
        (socket.AF_INET6, "fe80::1%lo", ("fe80::1", 1, 0, 1)),
    ],
)
def test_shape_for_a_socket(family: int, host: str, expected: _address.Address) -> None:
    assert _address.for_family(family, host, 1) == expected


def test_resolve_address() -> None:
    assert _address.resolve("192.0.2.1", 443) == [(socket.AF_INET, ("192.0.2.1", 443))]
