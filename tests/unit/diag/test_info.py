# SPDX-License-Identifier: GPL-2.0-or-later
"""struct quic_diag_info as Python reads it, against the kernel's header."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

from kquic.diag import info
from kquic.diag.info import Flag, Info, StreamCounts

HEADER = Path(__file__).parents[3] / "net/quic/include/uapi/linux/quic_diag.h"
TYPES = "typedef uint8_t __u8; typedef uint32_t __u32; typedef uint64_t __u64;"


@pytest.fixture(scope="module")
def header() -> str:
    """The header without comments."""
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)


@pytest.fixture(scope="module")
def ffi(header: str) -> FFI:
    """The header's structures, laid out as a C compiler would."""
    code = re.sub(r"^\s*#.*$", "", header, flags=re.M).replace("QUIC_DIAG_ALPN_MAX", str(info.ALPN_MAX))
    parser = FFI()
    parser.cdef(TYPES + code)
    return parser


def filled(ffi: FFI) -> Any:
    """A structure with another value in every field."""
    raw = ffi.new("struct quic_diag_info *")
    for number, (name, field) in enumerate(ffi.typeof("struct quic_diag_info").fields, start=3):
        if field.type.kind == "primitive":
            setattr(raw, name, number)
    for kind in range(4):
        raw.streams[kind] = {"opened": 100 + kind, "max": 200 + kind, "open": 50 + kind}
    raw.alpn_len = 8
    ffi.memmove(raw.alpn, b"smb,echo", 8)
    return raw


def test_every_field_is_where_the_header_has_it(ffi: FFI) -> None:
    raw = filled(ffi)
    found = Info.unpack(bytes(ffi.buffer(raw)))
    fields = [name for name, _ in ffi.typeof("struct quic_diag_info").fields]
    special = {"flags", "streams", "local_cids", "peer_cids", "alpn_len", "pad", "alpn"}
    assert list(found.numbers) == [name for name in fields if name not in special]
    for name, value in found.numbers.items():
        assert value == getattr(raw, name), name
    assert found.flags == raw.flags
    assert (found.local_cids, found.peer_cids) == (raw.local_cids, raw.peer_cids)
    assert found.streams == tuple(StreamCounts(100 + kind, 200 + kind, 50 + kind) for kind in range(4))
    assert found.alpn == ("smb", "echo")
    assert ffi.sizeof("struct quic_diag_info") == info.SIZE


def test_flags(header: str) -> None:
    defined = re.findall(r"#define QUIC_DIAG_(\w+)\s+0x([0-9a-f]+)\s", header)
    assert {name: int(value, 16) for name, value in defined} == {flag.name: flag.value for flag in Flag}


def test_a_kernel_that_knows_less_or_more(ffi: FFI) -> None:
    data = bytes(ffi.buffer(filled(ffi)))
    older = Info.unpack(data[:8])
    assert (older["version"], older["cwnd"], older.alpn) == (3, 0, ())
    assert Info.unpack(data + bytes(64)) == Info.unpack(data)


def test_a_flag_of_a_newer_kernel_is_left_out(ffi: FFI) -> None:
    raw = filled(ffi)
    raw.flags = 0x80000001
    assert Info.unpack(bytes(ffi.buffer(raw))).flags == Flag.SERVER
