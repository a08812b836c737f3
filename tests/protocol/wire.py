# SPDX-License-Identifier: GPL-2.0-or-later
"""Initial packets by hand: what a client that is not a QUIC implementation may send, and what it is answered."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aioquic import tls
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import (
    QuicHeader,
    QuicPacketType,
    QuicTransportParameters,
    encode_quic_retry,
    encode_quic_version_negotiation,
    pull_ack_frame,
    pull_quic_header,
    push_quic_transport_parameters,
)

V1, V2 = 0x00000001, 0x6B3343CF
DATAGRAM = 1200
ACK, ACK_ECN = 2, 3
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
    #: Bits of the first byte that are turned around.
    first_bits: int = 0
    #: The Destination Connection ID that the Initial keys come from, if it is not dcid any more.
    key_cid: bytes = b""
    #: Where it sends from; 0 for anywhere.
    port: int = 0

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind(("", self.port))
        self.udp.connect(self.server)
        self.udp.settimeout(0.5)
        self._pn = 0

    def close(self) -> None:
        """Close the UDP socket."""
        self.udp.close()

    def _keys(self) -> CryptoPair:
        keys = CryptoPair()
        keys.setup_initial(self.key_cid or self.dcid, is_client=True, version=self.version)
        return keys

    def initial(self, frames: bytes, size: int = DATAGRAM) -> bytes:
        """An Initial packet, padded to a size."""
        first = 0xD0 if self.version == V2 else 0xC0
        header = bytes([(first | 1) ^ self.first_bits]) + self.version.to_bytes(4, "big")
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

    def skip(self) -> None:
        """Leave a packet number out."""
        self._pn += 1

    def answer(self) -> bytes | None:
        """The next datagram from the server, or None."""
        try:
            return self.udp.recv(65536)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def follow(self, datagram: bytes) -> None:
        """Take the connection ID that the server has chosen (RFC 9000, 7.2)."""
        self.key_cid, self.dcid = self.key_cid or self.dcid, self.header(datagram).source_cid

    def header(self, datagram: bytes) -> QuicHeader:
        """The header of the datagram's first packet."""
        return pull_quic_header(Buffer(data=datagram), host_cid_length=len(self.scid))

    def open(self, datagram: bytes) -> bytes:
        """The payload of the server's Initial packet; its number stays in opened_pn."""
        buf = Buffer(data=datagram)
        header = pull_quic_header(buf, host_cid_length=len(self.scid))
        assert header.packet_type == QuicPacketType.INITIAL
        _, payload, self.opened_pn = self._keys().decrypt_packet(datagram[: header.packet_length], buf.tell(), 0)
        return payload

    def closed_with(self) -> int | None:
        """The code of the server's CONNECTION_CLOSE, or None if nothing came."""
        datagram = self.answer()
        return None if datagram is None else close_code(self.open(datagram))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """CRYPTO frames that carry data in pieces."""
    for offset in range(0, len(data), size):
        yield crypto(data[offset : offset + size], offset)


def initial_packet(
    keys: CryptoPair, dcid: bytes, scid: bytes, frames: bytes, pn: int, *, token: bytes = b"", size: int = DATAGRAM
) -> bytes:
    """An Initial packet of version 1."""
    header = b"\xc3" + V1.to_bytes(4, "big") + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
    header += encode_uint_var(len(token)) + token
    frames += bytes(max(0, size - len(header) - 2 - 4 - 16 - len(frames)))
    header += (0x4000 | 4 + len(frames) + 16).to_bytes(2, "big") + pn.to_bytes(4, "big")
    sealed: bytes = keys.encrypt_packet(header, frames, pn)
    return sealed


class RawServer:
    """A server that has seen nothing but a client's first Initial, over a plain UDP socket."""

    scid = b"server00"

    def __init__(self) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.settimeout(5.0)
        self.pn = 0

    def close(self) -> None:
        """Close the UDP socket."""
        self.udp.close()

    def hear(self, timeout: float = 5.0) -> QuicHeader | None:
        """The header of the client's next packet, or None."""
        self.udp.settimeout(timeout)
        try:
            self.datagram, self.client = self.udp.recvfrom(65536)
        except TimeoutError:
            return None
        return pull_quic_header(Buffer(data=self.datagram), host_cid_length=8)

    def begin(self) -> None:
        """Take the client's first packet."""
        first = self.hear()
        assert first is not None
        assert first.packet_type == QuicPacketType.INITIAL
        self.odcid, self.cid = first.destination_cid, first.source_cid
        self.keys_of(self.odcid)

    def keys_of(self, cid: bytes) -> None:
        """Take the keys that belong to a connection ID of ours, the client's own choice or that of a Retry."""
        self.keys = CryptoPair()
        self.keys.setup_initial(cid, is_client=False, version=V1)

    def _opened(self) -> tuple[bytes, int]:
        buf = Buffer(data=self.datagram)
        header = pull_quic_header(buf, host_cid_length=8)
        assert header.packet_type == QuicPacketType.INITIAL
        _, frames, number = self.keys.decrypt_packet(self.datagram[: header.packet_length], buf.tell(), 0)
        return frames, number

    def open(self) -> bytes:
        """The frames of the client's Initial that was heard last, without the padding behind them."""
        return self._opened()[0].rstrip(b"\0")

    def number(self) -> int:
        """The packet number of the client's Initial that was heard last."""
        return self._opened()[1]

    def acknowledged(self) -> list[int]:
        """The packet numbers of the ACK frame that the Initial that was heard last begins with, if it does."""
        frames = Buffer(data=self._opened()[0])
        if frames.pull_uint8() not in (ACK, ACK_ECN):
            return []
        return [number for numbers in pull_ack_frame(frames)[0] for number in numbers]

    def send(self, frames: bytes, **options: Any) -> None:
        """Send an Initial."""
        self.udp.sendto(initial_packet(self.keys, self.cid, self.scid, frames, self.pn, **options), self.client)
        self.pn += 1

    def retry(self, token: bytes = b"a token", scid: bytes = b"retried0", odcid: bytes | None = None) -> None:
        """Send a Retry."""
        odcid = self.odcid if odcid is None else odcid
        packet = encode_quic_retry(
            version=V1,
            source_cid=scid,
            destination_cid=self.cid,
            original_destination_cid=odcid,
            retry_token=token,
        )
        self.udp.sendto(packet, self.client)

    def negotiate(self, *versions: int, scid: bytes | None = None, dcid: bytes | None = None) -> None:
        """Send Version Negotiation."""
        packet = encode_quic_version_negotiation(
            source_cid=self.odcid if scid is None else scid,
            destination_cid=self.cid if dcid is None else dcid,
            supported_versions=list(versions),
        )
        self.udp.sendto(packet, self.client)
