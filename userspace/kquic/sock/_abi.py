# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers and structures of the kernel's QUIC socket interface.

The one place that knows them; tests/unit/sock/test_abi.py compares every one
with net/quic/include/uapi/linux/quic.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from typing import ClassVar, Self

IPPROTO_QUIC = 261
SOL_QUIC = 288

VERSION_V1 = 0x00000001
VERSION_V2 = 0x6B3343CF

CRYPTO_SECRET_BUFFER_SIZE = 48
CLOSE_PHRASE_BUFFER_SIZE = 64

STREAM_TYPE_SERVER_MASK = 0x01
STREAM_TYPE_UNI_MASK = 0x02
STREAM_TYPE_MASK = 0x03

TRANSPORT_PARAMETERS_EXTENSION = 0x39


class CmsgType(IntEnum):
    """Kinds of ancillary data at level SOL_QUIC."""

    STREAM_INFO = 0
    HANDSHAKE_INFO = 1


class StreamFlags(IntFlag):
    """Flags of a stream operation."""

    NEW = 0x400
    FIN = 0x200
    UNI = 0x800
    DONTWAIT = 0x10000
    SNDBLOCK = 0x2000


MSG_DATAGRAM = 0x1000
MSG_NOTIFICATION = 0x8000


class CryptoLevel(IntEnum):
    """Encryption levels (RFC 9001, 2.1) as the kernel numbers them."""

    APP = 0
    INITIAL = 1
    HANDSHAKE = 2
    EARLY = 3


class Cipher(IntEnum):
    """Packet protection, numbered as in <linux/tls.h>."""

    AES_GCM_128 = 51
    AES_GCM_256 = 52
    AES_CCM_128 = 53
    CHACHA20_POLY1305 = 54


class SockOpt(IntEnum):
    """Socket options at level SOL_QUIC."""

    EVENT = 0
    STREAM_OPEN = 1
    STREAM_RESET = 2
    STREAM_STOP_SENDING = 3
    CONNECTION_ID = 4
    CONNECTION_CLOSE = 5
    CONNECTION_MIGRATION = 6
    KEY_UPDATE = 7
    TRANSPORT_PARAM = 8
    CONFIG = 9
    TOKEN = 10
    ALPN = 11
    SESSION_TICKET = 12
    CRYPTO_SECRET = 13
    TRANSPORT_PARAM_EXT = 14


class CongestionControl(IntEnum):
    """Congestion controllers that CONFIG can name."""

    RENO = 0
    CUBIC = 1


class EventType(IntEnum):
    """Kinds of notification."""

    NONE = 0
    STREAM_UPDATE = 1
    STREAM_MAX_DATA = 2
    STREAM_MAX_STREAM = 3
    CONNECTION_ID = 4
    CONNECTION_CLOSE = 5
    CONNECTION_MIGRATION = 6
    KEY_UPDATE = 7
    NEW_TOKEN = 8
    NEW_SESSION_TICKET = 9


class SendState(IntEnum):
    """States of a stream's sending part (RFC 9000, 3.1)."""

    READY = 0
    SEND = 1
    SENT = 2
    RECVD = 3
    RESET_SENT = 4
    RESET_RECVD = 5


class RecvState(IntEnum):
    """States of a stream's receiving part (RFC 9000, 3.2)."""

    RECV = 6
    SIZE_KNOWN = 7
    RECVD = 8
    READ = 9
    RESET_RECVD = 10
    RESET_READ = 11


class TransportError(IntEnum):
    """Transport error codes (RFC 9000, 20.1); a TLS alert is CRYPTO plus its number."""

    NONE = 0x0
    INTERNAL = 0x1
    CONNECTION_REFUSED = 0x2
    FLOW_CONTROL = 0x3
    STREAM_LIMIT = 0x4
    STREAM_STATE = 0x5
    FINAL_SIZE = 0x6
    FRAME_ENCODING = 0x7
    TRANSPORT_PARAM = 0x8
    CONNECTION_ID_LIMIT = 0x9
    PROTOCOL_VIOLATION = 0xA
    INVALID_TOKEN = 0xB
    APPLICATION = 0xC
    CRYPTO_BUF_EXCEEDED = 0xD
    KEY_UPDATE = 0xE
    AEAD_LIMIT_REACHED = 0xF
    NO_VIABLE_PATH = 0x10
    VERSION_NEGOTIATION = 0x11
    CRYPTO = 0x100


class CertificateRequest(IntEnum):
    """What CONFIG's certificate_request asks of the handshake."""

    IGNORE = 0
    REQUEST = 1
    REQUIRE = 2
    NO_AUTH = 3


class Record:
    """A C structure as a frozen dataclass: `pack()`, `unpack()`, `SIZE`.

    A subclass names its layout with `struct` characters in field order; native
    alignment applies, padding is written as zero.
    """

    __slots__ = ()
    LAYOUT: ClassVar[Struct]
    __match_args__: ClassVar[tuple[str, ...]]

    @classmethod
    def size(cls) -> int:
        """Size of the C structure in bytes."""
        return cls.LAYOUT.size

    def pack(self) -> bytes:
        """The bytes that the kernel expects."""
        return self.LAYOUT.pack(*[getattr(self, name) for name in self.__match_args__])

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read the structure from the start of `data`; a missing tail is zero."""
        return cls(*cls.LAYOUT.unpack(data[: cls.size()].ljust(cls.size(), b"\0")))


@dataclass(frozen=True, slots=True)
class HandshakeInfo(Record):
    """struct quic_handshake_info: which level CRYPTO bytes belong to."""

    LAYOUT: ClassVar[Struct] = Struct("@B")
    crypto_level: int = 0


@dataclass(frozen=True, slots=True)
class StreamInfo(Record):
    """struct quic_stream_info: a stream id and flags."""

    LAYOUT: ClassVar[Struct] = Struct("@qI0q")
    stream_id: int = -1
    stream_flags: int = 0


@dataclass(frozen=True, slots=True)
class TransportParams(Record):
    """struct quic_transport_param; in `set`, zero means "leave as it is"."""

    LAYOUT: ClassVar[Struct] = Struct("@8B2H2I2H4Q")
    remote: int = 0
    disable_active_migration: int = 0
    grease_quic_bit: int = 0
    stateless_reset: int = 0
    disable_1rtt_encryption: int = 0
    disable_compatible_version: int = 0
    active_connection_id_limit: int = 0
    ack_delay_exponent: int = 0
    max_datagram_frame_size: int = 0
    max_udp_payload_size: int = 0
    max_idle_timeout: int = 0
    max_ack_delay: int = 0
    max_streams_bidi: int = 0
    max_streams_uni: int = 0
    max_data: int = 0
    max_stream_data_bidi_local: int = 0
    max_stream_data_bidi_remote: int = 0
    max_stream_data_uni: int = 0


@dataclass(frozen=True, slots=True)
class Config(Record):
    """struct quic_config; in `set`, zero means "leave as it is"."""

    LAYOUT: ClassVar[Struct] = Struct("@4I5B3xI")
    version: int = 0
    plpmtud_probe_interval: int = 0
    initial_smoothed_rtt: int = 0
    payload_cipher_type: int = 0
    congestion_control_algo: int = 0
    validate_peer_address: int = 0
    stream_data_nodelay: int = 0
    receive_session_ticket: int = 0
    certificate_request: int = 0
    keepalive_probe_interval: int = 0


@dataclass(frozen=True, slots=True)
class CryptoSecret(Record):
    """struct quic_crypto_secret: one traffic secret for one direction."""

    LAYOUT: ClassVar[Struct] = Struct("@BB2xI48s")
    send: int
    level: int
    type: int
    secret: bytes

    def __repr__(self) -> str:
        return f"CryptoSecret(send={self.send}, level={self.level}, type={self.type}, secret=...)"


@dataclass(frozen=True, slots=True)
class ErrInfo(Record):
    """struct quic_errinfo: an application error code for a stream."""

    LAYOUT: ClassVar[Struct] = Struct("@qI0q")
    stream_id: int
    errcode: int


@dataclass(frozen=True, slots=True)
class ConnectionIdInfo(Record):
    """struct quic_connection_id_info: ids in use and to retire."""

    LAYOUT: ClassVar[Struct] = Struct("@B3xII")
    dest: int = 0
    active: int = 0
    prior_to: int = 0


@dataclass(frozen=True, slots=True)
class EventOption(Record):
    """struct quic_event_option: switch one kind of event."""

    LAYOUT: ClassVar[Struct] = Struct("@BB")
    type: int
    on: int = 0


@dataclass(frozen=True, slots=True)
class StreamUpdate(Record):
    """struct quic_stream_update: a stream changed its state."""

    LAYOUT: ClassVar[Struct] = Struct("@qB3xIQ")
    id: int
    state: int
    errcode: int = 0
    finalsz: int = 0


@dataclass(frozen=True, slots=True)
class StreamMaxData(Record):
    """struct quic_stream_max_data: the peer raised a stream's credit."""

    LAYOUT: ClassVar[Struct] = Struct("@qQ")
    id: int
    max_data: int


@dataclass(frozen=True, slots=True)
class ConnectionClose(Record):
    """struct quic_connection_close: why a connection ends."""

    LAYOUT: ClassVar[Struct] = Struct("@IB3x64s")
    errcode: int = 0
    frame: int = 0
    phrase: bytes = b""

    @property
    def text(self) -> str:
        """The reason phrase, up to its NUL, as text."""
        return self.phrase.split(b"\0", 1)[0].decode("utf-8", "replace")
