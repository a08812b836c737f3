# SPDX-License-Identifier: GPL-2.0-or-later
"""Initial packets by hand: what a client that is not a QUIC implementation may send, and what it is answered."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

from aioquic import tls
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import (
    QuicHeader,
    QuicPacketType,
    QuicTransportParameters,
    pull_quic_header,
    push_quic_transport_parameters,
)

V1, V2 = 0x00000001, 0x6B3343CF
DATAGRAM = 1200
TRANSPORT_PARAMETERS, PADDING_EXTENSION = 0x39, 21


def client_hello(alpn: tuple[str, ...] = (), padding: int = 0) -> bytes:
    """A TLS ClientHello that offers protocols, made longer by the padding extension."""
    params = Buffer(capacity=256)
    push_quic_transport_parameters(params, QuicTransportParameters(initial_source_connection_id=b"client00"))
    context = tls.Context(is_client=True, alpn_protocols=list(alpn) or None, verify_mode=ssl.CERT_NONE)
    context.handshake_extensions = [(TRANSPORT_PARAMETERS, params.data)]
    if padding:
        context.handshake_extensions.append((PADDING_EXTENSION, bytes(padding)))
    out = {epoch: Buffer(capacity=65536) for epoch in tls.Epoch}
    context.handle_message(b"", out)
    return out[tls.Epoch.INITIAL].data


def crypto(data: bytes, offset: int = 0) -> bytes:
    """A CRYPTO frame."""
    return b"\x06" + encode_uint_var(offset) + encode_uint_var(len(data)) + data


def close_code(payload: bytes) -> int | None:
    """The error code of the CONNECTION_CLOSE that a packet consists of."""
    buf = Buffer(data=payload)
    return buf.pull_uint_var() if buf.pull_uint8() == 0x1C else None


@dataclass
class RawClient:
    """A client's connection attempt over a plain UDP socket."""

    server: tuple[str, int]
    version: int = V1
    dcid: bytes = field(default_factory=lambda: os.urandom(8))
    scid: bytes = b"client00"
    token: bytes = b""

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.connect(self.server)
        self.udp.settimeout(0.5)
        self._pn = 0

    def close(self) -> None:
        """Close the UDP socket."""
        self.udp.close()

    def _keys(self) -> CryptoPair:
        keys = CryptoPair()
        keys.setup_initial(self.dcid, is_client=True, version=self.version)
        return keys

    def initial(self, frames: bytes, size: int = DATAGRAM) -> bytes:
        """An Initial packet, padded to a size."""
        first = 0xD0 if self.version == V2 else 0xC0
        header = bytes([first | 1]) + self.version.to_bytes(4, "big")
        header += bytes([len(self.dcid)]) + self.dcid + bytes([len(self.scid)]) + self.scid
        header += encode_uint_var(len(self.token)) + self.token
        rest = size - len(header) - 2
        frames += bytes(max(0, rest - 2 - 16 - len(frames)))
        header += (0x4000 | 2 + len(frames) + 16).to_bytes(2, "big") + self._pn.to_bytes(2, "big")
        packet: bytes = self._keys().encrypt_packet(header, frames, self._pn)
        self._pn += 1
        return packet

    def send(self, frames: bytes, size: int = DATAGRAM) -> None:
        """Send one Initial in a datagram."""
        self.udp.send(self.initial(frames, size))

    def answer(self) -> bytes | None:
        """The next datagram from the server, or None."""
        try:
            return self.udp.recv(65536)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def header(self, datagram: bytes) -> QuicHeader:
        """The header of the datagram's first packet."""
        return pull_quic_header(Buffer(data=datagram), host_cid_length=len(self.scid))

    def open(self, datagram: bytes) -> bytes:
        """The payload of the server's Initial packet."""
        buf = Buffer(data=datagram)
        header = pull_quic_header(buf, host_cid_length=len(self.scid))
        assert header.packet_type == QuicPacketType.INITIAL
        payload: bytes = self._keys().decrypt_packet(datagram[: header.packet_length], buf.tell(), 0)[1]
        return payload

    def closed_with(self) -> int | None:
        """The code of the server's CONNECTION_CLOSE, or None if nothing came."""
        datagram = self.answer()
        return None if datagram is None else close_code(self.open(datagram))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """CRYPTO frames that carry data in pieces."""
    for offset in range(0, len(data), size):
        yield crypto(data[offset : offset + size], offset)
