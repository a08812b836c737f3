# SPDX-License-Identifier: GPL-2.0-or-later
"""The descriptions for syzkaller against the kernel's header, which another test compares with kquic.sock."""

from __future__ import annotations

import re
import socket
from dataclasses import fields
from pathlib import Path

import pytest

from kquic.sock import _abi
from kquic.sock._options import OPTIONS

REPO = Path(__file__).parents[3]
TEXT = re.sub(r"#.*", "", (REPO / "tests/syzkaller/socket_quic.txt").read_text())
CONSTANTS = dict(
    line.split(" = ")
    for line in (REPO / "tests/syzkaller/socket_quic.txt.const").read_text().splitlines()
    if " = " in line
)
HEADER = (REPO / "net/quic/include/uapi/linux/quic.h").read_text()
STRUCTS = {
    "quic_handshake_info": _abi.HandshakeInfo,
    "quic_stream_info": _abi.StreamInfo,
    "quic_transport_param": _abi.TransportParams,
    "quic_config": _abi.Config,
    "quic_crypto_secret": _abi.CryptoSecret,
    "quic_errinfo": _abi.ErrInfo,
    "quic_connection_id_info": _abi.ConnectionIdInfo,
    "quic_event_option": _abi.EventOption,
    "quic_connection_close": _abi.ConnectionClose,
}
SIZES = {"bool8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "quic_stream_id": 8}


def defined() -> dict[str, int]:
    """Every number in the header."""
    found = {name: int(value, 0) for name, value in re.findall(r"^#define\s+(\w+)\s+(0x\w+|\d+)\b", HEADER, re.M)}
    for body in re.findall(r"enum \w* ?\{(.*?)\};", HEADER, re.S):
        number = 0
        for entry in re.sub(r"/\*.*?\*/", "", body, flags=re.S).split(","):
            name, _, value = entry.strip().partition("=")
            number = int(value, 0) if value.strip() else number
            found[name.strip()] = number
            number += 1
    return found


def test_constants_are_the_kernels() -> None:
    known = defined()
    ours = {name: int(value) for name, value in CONSTANTS.items() if "QUIC" in name}
    assert ours
    assert ours == {name: known[name] for name in ours}


@pytest.mark.parametrize("name", ["AF_INET", "AF_INET6", "SOCK_STREAM", "SOCK_DGRAM", "MSG_PEEK", "MSG_DONTWAIT"])
def test_constants_are_the_c_librarys(name: str) -> None:
    assert int(CONSTANTS[name]) == getattr(socket, name)


def test_every_constant_that_is_used_has_a_value() -> None:
    used = set(
        re.findall(
            r"\b(?:MSG|QUIC|TLS|SIOC|AF|SOCK|SOL|IPPROTO)_?[A-Z0-9_]+\b", re.sub(r"^\w+\$\w+", "", TEXT, flags=re.M)
        )
    )
    assert used == {name for name in CONSTANTS if not name.startswith(("__NR", "arches"))}


def test_every_option_is_described() -> None:
    for option in OPTIONS.values():
        name = f"QUIC_SOCKOPT_{option.number.name}"
        assert (f"\nsetsockopt${name}(" in TEXT) == option.can_set, name
        assert (f"\ngetsockopt${name}(" in TEXT) == option.can_get, name


def size(kind: str) -> int:
    """Bytes of a field."""
    if array := re.fullmatch(r"array\[(?:const\[0, )?int8\]?, (\w+)\]", kind):
        return int(CONSTANTS.get(array[1], array[1]))
    if inner := re.fullmatch(r"(?:flags|const)\[\w+, (\w+)\]", kind):
        return SIZES[inner[1]]
    return SIZES[re.sub(r"\[.*", "", kind)]


@pytest.mark.parametrize("name", list(STRUCTS))
def test_structures_have_the_kernels_layout(name: str) -> None:
    body = re.search(rf"^{name} {{\n(.*?)^}}", TEXT, re.S | re.M)
    assert body
    at, names = 0, []
    for line in body[1].strip().splitlines():
        field, kind = line.split(maxsplit=1)
        width = size(kind)
        unit = 1 if kind.startswith("array") else width
        at = -(-at // unit) * unit
        at += width
        names.append(field)
    record = STRUCTS[name]
    assert at == record.size()
    assert [field for field in names if field not in ("pad", "reserved")] == [field.name for field in fields(record)]
