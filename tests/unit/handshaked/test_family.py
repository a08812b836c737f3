# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of the netlink family, byte for byte."""

from __future__ import annotations

import struct

import pytest

from kquic.handshaked.family import (
    AuthMode,
    MessageType,
    Request,
    accept_request,
    done_request,
    parse_family,
    parse_request,
)


def attribute(kind: int, payload: bytes) -> bytes:
    padding = bytes(-len(payload) % 4)
    return struct.pack("=HH", 4 + len(payload), kind) + payload + padding


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def parse(*attributes: bytes) -> Request:
    return parse_request(struct.pack("=BBH", 2, 1, 0) + b"".join(attributes))


def test_accept_request_names_the_class() -> None:
    assert accept_request() == struct.pack("=BBH", 2, 1, 0) + u32(2, 1)


def test_done_request() -> None:
    expected = struct.pack("=BBH", 3, 1, 0) + u32(1, 13) + u32(2, 7) + u32(3, 11) + u32(3, 12)
    assert done_request(7, 13, [11, 12]) == expected


def test_family_and_its_groups() -> None:
    groups = attribute(1, attribute(1, b"none\0") + u32(2, 8)) + attribute(2, attribute(1, b"tlshd\0") + u32(2, 9))
    answer = attribute(1, struct.pack("=H", 33)) + attribute(2, b"handshake\0") + attribute(7, groups)
    assert parse_family(struct.pack("=BBH", 1, 2, 0) + answer) == (33, {"none": 8, "tlshd": 9})


def test_client_request_with_everything() -> None:
    pair = attribute(7, u32(1, 21) + u32(2, 22))
    found = parse(
        u32(1, 9),
        u32(3, 1),
        attribute(8, b"server.test\0"),
        u32(4, 5000),
        u32(9, 99),
        u32(5, 3),
        pair,
        attribute(7, u32(1, 31) + u32(2, 32)),
    )
    assert found == Request(
        sockfd=9,
        message_type=MessageType.CLIENT_HELLO,
        auth_mode=AuthMode.X509,
        timeout_ms=5000,
        peer_name="server.test",
        certificates=((21, 22), (31, 32)),
        keyring=99,
    )
    assert not found.is_server


def test_server_request_with_the_least() -> None:
    found = parse(u32(1, 9), u32(3, 2), u32(5, 3))
    assert found == Request(9, MessageType.SERVER_HELLO, AuthMode.X509)
    assert found.is_server


def test_psk_identities_keep_their_order() -> None:
    found = parse(u32(1, 9), u32(3, 1), u32(5, 2), u32(6, 5), u32(6, 4), u32(6, 6))
    assert found.peer_identities == (5, 4, 6)


def test_nested_flag_on_the_certificate() -> None:
    found = parse(u32(1, 9), u32(3, 1), u32(5, 3), attribute(0x8007, u32(1, 21) + u32(2, 22)))
    assert found.certificates == ((21, 22),)


@pytest.mark.parametrize("attributes", [[u32(1, 9), u32(3, 7), u32(5, 3)], [u32(1, 9), u32(3, 1)]])
def test_unknown_kind(attributes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        parse(*attributes)
