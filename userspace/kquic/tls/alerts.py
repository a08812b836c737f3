# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS alerts (RFC 8446, 6) and the QUIC error codes they become (RFC 9001, 4.8)."""

from __future__ import annotations

from enum import IntEnum

CRYPTO_ERROR = 0x100


class Alert(IntEnum):
    """TLS 1.3 alert descriptions."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    UNRECOGNIZED_NAME = 112
    BAD_CERTIFICATE_STATUS_RESPONSE = 113
    UNKNOWN_PSK_IDENTITY = 115
    CERTIFICATE_REQUIRED = 116
    NO_APPLICATION_PROTOCOL = 120

    @classmethod
    def of(cls, number: int) -> Alert:
        """The alert with this number; internal_error for one that TLS 1.3 does not know."""
        try:
            return cls(number)
        except ValueError:
            return cls.INTERNAL_ERROR

    @classmethod
    def from_errcode(cls, errcode: int) -> Alert | None:
        """The alert behind a CONNECTION_CLOSE error code, if it is one."""
        number = errcode - CRYPTO_ERROR
        return cls(number) if number in cls._value2member_map_ else None

    @property
    def errcode(self) -> int:
        """The QUIC error code that carries this alert."""
        return CRYPTO_ERROR + self

    @property
    def label(self) -> str:
        """The name as RFC 8446 writes it."""
        return self.name.lower()
