# SPDX-License-Identifier: GPL-2.0-or-later
"""What was seen on the wire: a capture of tcpdump, as far as it can be read without keys."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .link import PORT

V2 = 0x6B3343CF
_KINDS = ("initial", "0rtt", "handshake", "retry")
_KINDS_V2 = ("retry", "initial", "0rtt", "handshake")


@dataclass(frozen=True, slots=True)
class Part:
    """One packet of a datagram (RFC 9000, 12.2)."""

    kind: str
    version: int = 0
    token: bool = False


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram; `client` is the address and port that the server sees."""

    from_client: bool
    client: tuple[str, int]
    size: int
    ecn: int
    parts: tuple[Part, ...]

    def has(self, kind: str) -> bool:
        """Whether a packet of a kind is in it."""
        return any(part.kind == kind for part in self.parts)


def read(path: Path) -> list[Datagram]:
    """The QUIC datagrams of a capture file, Ethernet, in order."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    frames, offset = [], 24
    while offset + 16 <= len(data):
        (captured,) = struct.unpack_from(f"{order}8xI", data, offset)
        frames.append(data[offset + 16 : offset + 16 + captured])
        offset += 16 + captured
    return [found for frame in frames if (found := _datagram(frame))]


def _datagram(frame: bytes) -> Datagram | None:
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x0800:
        start, ecn, protocol = 14 + 4 * (frame[14] & 15), frame[15] & 3, frame[23]
        hosts = frame[26:30], frame[30:34]
    elif kind == 0x86DD:
        start, ecn, protocol = 54, frame[15] >> 4 & 3, frame[20]
        hosts = frame[22:38], frame[38:54]
    else:
        return None
    if protocol != 17 or len(frame) < start + 9:
        return None
    source, target, length = struct.unpack_from("!HHH", frame, start)
    if PORT not in (source, target):
        return None
    from_client = target == PORT
    client = (str(ipaddress.ip_address(hosts[0 if from_client else 1])), source if from_client else target)
    payload = frame[start + 8 : start + length]
    return Datagram(from_client, client, length - 8, ecn, tuple(_parts(payload)))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    size = 1 << (data[at] >> 6)
    return int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size


def _parts(data: bytes) -> Iterator[Part]:
    """The packets of a datagram, up to what makes no sense: cases damage packets."""
    try:
        while data:
            part, data = _part(data)
            yield part
    except IndexError:
        return


def _part(data: bytes) -> tuple[Part, bytes]:
    if not data[0] & 0x80:
        return Part("1rtt"), b""
    version = int.from_bytes(data[1:5], "big")
    if not version:
        return Part("negotiation"), b""
    kind = (_KINDS_V2 if version == V2 else _KINDS)[data[0] >> 4 & 3]
    if kind == "retry":
        return Part(kind, version), b""
    at = 6 + data[5]
    at += 1 + data[at]
    token = 0
    if kind == "initial":
        token, at = _varint(data, at)
        at += token
    length, at = _varint(data, at)
    return Part(kind, version, bool(token)), data[at + length :]
