# SPDX-License-Identifier: GPL-2.0-or-later
"""Netlink messages, and the kernel of whatever machine this is."""

from __future__ import annotations

import errno
import struct

import pytest

from kquic import netlink
from kquic.netlink import Message, Netlink, NetlinkError


def test_pack() -> None:
    assert netlink.pack(20, 5, 7, b"body") == struct.pack("=IHHII", 20, 20, 5, 7, 0) + b"body"


def test_messages_of_a_datagram() -> None:
    datagram = netlink.pack(20, 0, 1, b"three").ljust(24, b"\0") + netlink.pack(3, 0, 1, b"")
    assert list(netlink.messages(datagram)) == [Message(20, 1, b"three"), Message(3, 1, b"")]


@pytest.mark.parametrize("datagram", [b"", bytes(15), struct.pack("=IHHII", 15, 2, 0, 1, 0), bytes(20)])
def test_what_is_no_message(datagram: bytes) -> None:
    assert list(netlink.messages(datagram)) == []


def test_a_message_longer_than_its_datagram() -> None:
    assert list(netlink.messages(struct.pack("=IHHII", 24, 2, 0, 1, 0) + bytes(4))) == []


def test_attributes() -> None:
    data = netlink.attribute(0x8003, b"abcde") + netlink.u32(4, 99)
    assert len(data) == 20
    assert list(netlink.attributes(data)) == [(3, b"abcde"), (4, struct.pack("=I", 99))]


@pytest.mark.parametrize("data", [b"\4\0\1", struct.pack("=HH", 3, 1), struct.pack("=HH", 9, 1) + bytes(4)])
def test_what_is_no_attribute(data: bytes) -> None:
    assert list(netlink.attributes(data)) == []


def test_ends() -> None:
    assert Message(2, 1, struct.pack("=i", 0)).end
    assert Message(3, 1, b"").end
    assert not Message(20, 1, struct.pack("=i", -1)).end
    for kind in (2, 3):
        with pytest.raises(NetlinkError) as refused:
            assert Message(kind, 1, struct.pack("=i", -errno.ENOENT)).end
        assert refused.value.code == errno.ENOENT


def test_the_kernel_knows_its_families_and_no_others() -> None:
    def ask(name: bytes) -> list[bytes]:
        question = bytes((3, 1, 0, 0)) + netlink.attribute(2, name + b"\0")
        with Netlink(netlink.GENERIC) as opened:
            return list(opened.ask(16, question))

    (answer,) = ask(b"nlctrl")
    assert dict(netlink.attributes(answer[4:]))[1] == struct.pack("=H", 16)
    with pytest.raises(NetlinkError) as refused:
        ask(b"no-such-family")
    assert refused.value.code == errno.ENOENT
