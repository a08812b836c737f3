# SPDX-License-Identifier: GPL-2.0-or-later
"""Every number and structure of kquic.sock against the kernel's header."""

from __future__ import annotations

import re
from dataclasses import fields
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

from kquic.sock import _abi

HEADER = Path(__file__).parents[3] / "net/quic/include/uapi/linux/quic.h"

TYPES = """
typedef uint8_t __u8; typedef uint16_t __u16; typedef uint32_t __u32;
typedef uint64_t __u64; typedef int64_t __s64;
"""

STRUCTS: dict[str, type[_abi.Record]] = {
    "quic_handshake_info": _abi.HandshakeInfo,
    "quic_stream_info": _abi.StreamInfo,
    "quic_transport_param": _abi.TransportParams,
    "quic_config": _abi.Config,
    "quic_crypto_secret": _abi.CryptoSecret,
    "quic_errinfo": _abi.ErrInfo,
    "quic_connection_id_info": _abi.ConnectionIdInfo,
    "quic_event_option": _abi.EventOption,
    "quic_stream_update": _abi.StreamUpdate,
    "quic_stream_max_data": _abi.StreamMaxData,
    "quic_connection_close": _abi.ConnectionClose,
}

ENUMS: dict[str, type[IntEnum] | type[IntFlag]] = {
    "QUIC_SOCKOPT_": _abi.SockOpt,
    "QUIC_CRYPTO_": _abi.CryptoLevel,
    "QUIC_CONG_ALG_": _abi.CongestionControl,
    "QUIC_EVENT_": _abi.EventType,
    "QUIC_STREAM_SEND_STATE_": _abi.SendState,
    "QUIC_STREAM_RECV_STATE_": _abi.RecvState,
    "QUIC_TRANSPORT_ERROR_": _abi.TransportError,
    "MSG_QUIC_STREAM_": _abi.StreamFlags,
}

CONSTANTS = {
    "IPPROTO_QUIC": _abi.IPPROTO_QUIC,
    "SOL_QUIC": _abi.SOL_QUIC,
    "QUIC_VERSION_V1": _abi.VERSION_V1,
    "QUIC_VERSION_V2": _abi.VERSION_V2,
    "QUIC_CRYPTO_SECRET_BUFFER_SIZE": _abi.CRYPTO_SECRET_BUFFER_SIZE,
    "QUIC_CLOSE_PHRASE_BUFFER_SIZE": _abi.CLOSE_PHRASE_BUFFER_SIZE,
    "QUIC_STREAM_TYPE_SERVER_MASK": _abi.STREAM_TYPE_SERVER_MASK,
    "QUIC_STREAM_TYPE_UNI_MASK": _abi.STREAM_TYPE_UNI_MASK,
    "QUIC_STREAM_TYPE_MASK": _abi.STREAM_TYPE_MASK,
    "MSG_QUIC_DATAGRAM": _abi.MSG_DATAGRAM,
    "MSG_QUIC_NOTIFICATION": _abi.MSG_NOTIFICATION,
    "QUIC_STREAM_INFO": _abi.CmsgType.STREAM_INFO,
    "QUIC_HANDSHAKE_INFO": _abi.CmsgType.HANDSHAKE_INFO,
}


def _numbers(text: str) -> dict[str, int]:
    """All constants of the header: #define with a number, and enumerators."""
    defines = re.findall(r"^#define\s+(\w+)[ \t]+(0x[0-9a-fA-F]+|\d+)\s*$", text, re.M)
    found = {name: int(value, 0) for name, value in defines}
    for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", text, re.S):
        value = -1
        for item in filter(None, (part.strip() for part in body.split(","))):
            name, _, given = (part.strip() for part in item.partition("="))
            value = int(given, 0) if given else value + 1
            found[name] = value
    return found


@pytest.fixture(scope="module")
def header() -> str:
    """The header without comments."""
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)


@pytest.fixture(scope="module")
def numbers(header: str) -> dict[str, int]:
    """Every constant of the header by name."""
    return _numbers(header)


@pytest.fixture(scope="module")
def ffi(header: str, numbers: dict[str, int]) -> FFI:
    """The header's structures, laid out as a C compiler would."""
    parser = FFI()
    code = re.sub(r"^\s*#.*$", "", header, flags=re.M)
    code = re.sub(r"\[(\w+)\]", lambda m: f"[{numbers.get(m[1], m[1])}]", code)
    parser.cdef(TYPES + code)
    return parser


@pytest.mark.parametrize("name", CONSTANTS)
def test_constant(name: str, numbers: dict[str, int]) -> None:
    assert numbers[name] == CONSTANTS[name]


@pytest.mark.parametrize("prefix", ENUMS)
def test_every_enumerator(prefix: str, numbers: dict[str, int]) -> None:
    ends = {"QUIC_CRYPTO_MAX", "QUIC_CONG_ALG_MAX", "QUIC_EVENT_MAX"}
    of_header = {
        name.removeprefix(prefix): value
        for name, value in numbers.items()
        if name.startswith(prefix) and name not in ends and not name.endswith("_BUFFER_SIZE")
    }
    assert of_header == {member.name: member.value for member in ENUMS[prefix]}


def test_no_constant_of_the_header_is_missing(numbers: dict[str, int]) -> None:
    known = tuple(ENUMS)
    assert [n for n in numbers if n not in CONSTANTS and not n.startswith(known)] == []


def test_no_structure_of_the_header_is_missing(header: str) -> None:
    assert set(re.findall(r"^struct (\w+) \{", header, re.M)) == set(STRUCTS)


def _sample(record: type[_abi.Record], ctype: Any) -> _abi.Record:
    """A record with a different value in every field."""
    values: list[int | bytes] = []
    for number, name in enumerate(_names(record), start=1):
        item = dict(ctype.fields)[name].type
        values.append(bytes(range(1, item.length + 1)) if item.kind == "array" else 0x11 * number)
    return record(*values)


def _names(record: type[_abi.Record]) -> list[str]:
    return [f.name for f in fields(record)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", STRUCTS)
def test_structure(name: str, ffi: FFI) -> None:
    record, ctype = STRUCTS[name], ffi.typeof(f"struct {name}")
    assert record.size() == ffi.sizeof(ctype)
    assert _names(record) == [n for n, _ in ctype.fields if n != "reserved"]
    sample = _sample(record, ctype)
    raw = ffi.from_buffer(f"struct {name} *", sample.pack())
    for field in _names(record):
        of_c = getattr(raw, field)
        value = of_c if isinstance(of_c, int) else bytes(ffi.buffer(of_c))
        assert value == getattr(sample, field), field
    assert record.unpack(sample.pack()) == sample


def test_short_structure_reads_as_zero() -> None:
    assert _abi.Config.unpack(_abi.Config(version=1).pack()[:24]).keepalive_probe_interval == 0


def test_secret_is_not_printed() -> None:
    assert "topsecret" not in repr(_abi.CryptoSecret(1, 2, 51, b"topsecret"))
