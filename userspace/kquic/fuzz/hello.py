# SPDX-License-Identifier: GPL-2.0-or-later
"""A ClientHello, as far as the kernel reads it: its extensions for ALPN and the server's name."""

from __future__ import annotations


def _vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _vector(2, data)


def client_hello(*protocols: bytes, name: bytes = b"server.test") -> bytes:
    """TLS 1.3's (RFC 8446, 4.1.2)."""
    body = b"\x03\x03" + bytes(32) + _vector(1, b"") + _vector(2, b"\x13\x01") + _vector(1, b"\0")
    extensions = _extension(0, _vector(2, b"\0" + _vector(2, name)))
    extensions += _extension(43, _vector(1, b"\x03\x04"))
    if protocols:
        extensions += _extension(16, _vector(2, b"".join(_vector(1, each) for each in protocols)))
    body += _vector(2, extensions)
    return b"\x01" + _vector(3, body)


CLIENT_HELLO = client_hello(b"data")
