# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong in a handshake, each kind with the alert that the peer is told."""

from __future__ import annotations

from kquic.errors import KquicError
from kquic.sock import TransportError

from .alerts import Alert


class TlsError(KquicError):
    """Base of the errors of kquic.tls."""


class TlsUnavailable(TlsError):
    """GnuTLS is not installed, or too old for QUIC."""


class CredentialsError(TlsError):
    """A certificate, key, trust store or PSK could not be loaded."""


class HandshakeError(TlsError):
    """The handshake failed on this side; `alert` is what the peer is told."""

    def __init__(self, message: str, alert: Alert = Alert.INTERNAL_ERROR) -> None:
        super().__init__(message)
        self.alert = alert

    @property
    def errcode(self) -> int:
        """The code of the CONNECTION_CLOSE that tells the peer."""
        return self.alert.errcode


class ProtocolViolation(HandshakeError):
    """TLS has no word for it, but RFC 9001 forbids it."""

    @property
    def errcode(self) -> int:
        """PROTOCOL_VIOLATION (RFC 9000, 20.1)."""
        return TransportError.PROTOCOL_VIOLATION


class CertificateRefused(HandshakeError):
    """The peer's certificate was refused; `reasons` says why, one item each."""

    def __init__(self, reasons: tuple[str, ...], subject: str, alert: Alert) -> None:
        self.reasons, self.subject = reasons, subject
        who = f"certificate of {subject}" if subject else "certificate"
        super().__init__(f"{who}: {'; '.join(reasons)}", alert)


class UnknownPskIdentity(HandshakeError):
    """The client named a pre-shared key that the server does not have."""


class PeerClosed(TlsError):
    """The connection was closed under the handshake; `errcode` is of CONNECTION_CLOSE."""

    def __init__(self, errcode: int, phrase: str = "") -> None:
        self.errcode, self.phrase = errcode, phrase
        self.alert = Alert.from_errcode(errcode)
        why = f"alert {self.alert.label}" if self.alert is not None else f"error {errcode:#x}"
        super().__init__(f"the peer closed the connection: {why}{f' ({phrase})' if phrase else ''}")


class HandshakeTimeout(TlsError):
    """The peer did not finish the handshake in time."""


class SocketFailed(TlsError):
    """The socket failed during the handshake; `errno` is the kernel's."""

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(message)
        self.errno = errno
