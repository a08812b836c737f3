# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic ss` prints, from messages as the kernel sends them."""

from __future__ import annotations

import json
import socket
import struct

import pytest

from kquic.diag import info, netlink, table
from kquic.diag.query import Query, State
from kquic.diag.socket import Socket


def attribute(kind: int, payload: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def message(
    family: int, state: int, src: str, dst: str, *attributes: bytes, ports: tuple[int, int] = (443, 0)
) -> Socket:
    def raw(address: str) -> bytes:
        return socket.inet_pton(family, address).ljust(16, b"\0")

    body = struct.pack("=BBBB", family, state, 1, 2) + struct.pack(">HH", *ports) + raw(src) + raw(dst)
    body += struct.pack("=IQ", 0, 0xABC) + struct.pack("=5I", 250, 10, 20, 1000, 4242) + b"".join(attributes)
    return netlink.parse(body)


def connection(ssthresh: int = info.NO_SSTHRESH) -> bytes:
    numbers = {"version": 1, "cipher": 51, "flags": 0x7, "smoothed_rtt": 1234, "rttvar": 500, "min_rtt": 1000}
    numbers |= {"cwnd": 14720, "ssthresh": ssthresh, "pkts_lost": 5, "pkts_spurious": 2}
    numbers |= {"bytes_sent": 3 << 20, "bytes_received": 999}
    data = b"".join(struct.pack("=" + kind, numbers.get(name, 0)) for name, kind in info._NUMBERS)
    data += struct.pack("=QQII", 7, 100, 3, 0) + bytes(72)
    return attribute(2, data + struct.pack("=BBB5x128s", 2, 4, 3, b"smb"))


def test_connection() -> None:
    found = message(socket.AF_INET, 1, "10.0.0.2", "10.0.0.1", connection(), ports=(50000, 443))
    assert table.row(found, numeric=True) == (
        "ESTAB", "10.0.0.2:50000", "10.0.0.1:443", "smb", "1", "AES128-GCM", "3", "14K", "1.23", "3", "3.0M", "999",
    )  # fmt: skip


def test_listener_on_the_wildcard() -> None:
    found = message(socket.AF_INET6, 10, "::", "::")
    assert table.row(found, numeric=True)[:3] == ("LISTEN", "*:443", "*:*")
    assert table.as_data(found)["peer"] is None


def test_v6_and_mapped_addresses() -> None:
    found = message(socket.AF_INET6, 1, "fd00::1", "::ffff:10.0.0.2", ports=(443, 7))
    assert table.row(found, numeric=True)[1:3] == ("[fd00::1]:443", "10.0.0.2:7")


def test_columns_are_aligned_and_details_follow() -> None:
    rows = [
        message(socket.AF_INET, 1, "10.0.0.2", "10.0.0.1", connection()),
        message(socket.AF_INET, 10, "0.0.0.0", "0.0.0.0"),
    ]
    plain = table.render(rows, numeric=True, more=False).splitlines()
    assert len(plain) == 3
    column = plain[0].index("Local")
    assert [line[column - 1] for line in plain] == [" "] * 3
    full = table.render(rows, numeric=True, more=True)
    assert "rtt:1.234ms/0.5ms minrtt:1ms" in full
    assert "timer:(loss,250ms,2)" in full
    assert "client-bidi:3/7/100" in full
    assert "server complete confirmed" in full


def test_json_holds_what_the_table_rounds() -> None:
    data = json.loads(json.dumps(table.as_data(message(socket.AF_INET, 1, "1.2.3.4", "4.3.2.1", connection()))))
    assert (data["state"], data["cwnd"], data["cipher"], data["alpn"]) == ("established", 14720, "AES128-GCM", ["smb"])
    assert data["ssthresh"] is None
    assert data["streams"][0] == {"opened": 7, "max": 100, "open": 3}
    assert table.as_data(message(socket.AF_INET, 1, "1.2.3.4", "4.3.2.1", connection(9000)))["ssthresh"] == 9000


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1000, "1.0K"), (10240, "10K"), (1 << 20, "1.0M"), (5 << 40, "5.0T")]
)
def test_amount(number: int, text: str) -> None:
    assert table.amount(number) == text


def test_state_mask() -> None:
    assert Query((State.LISTENING, State.ESTABLISHED, State.LISTENING)).state_mask == 1 << 10 | 1 << 1


def test_request_names_the_protocol_in_an_attribute() -> None:
    identity = struct.pack("!HH", 443, 0) + bytes(44)
    body = netlink._ask(socket.AF_INET6, 2, identity)
    assert body[:8] == struct.pack("=BBBBI", socket.AF_INET6, 261 & 0xFF, 0x4A, 0, 2)
    assert body[8:10] == b"\x01\xbb"
    assert body[56:] == attribute(3, struct.pack("=I", 261))
