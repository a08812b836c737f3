# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel user is told of a handshake: an errno, and who the peer is."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from kquic.sock import TransportError
from kquic.tls import (
    Alert,
    CertificateRefused,
    CredentialsError,
    HandshakeError,
    HandshakeTimeout,
    PeerClosed,
    SocketFailed,
    UnknownPskIdentity,
)

from .keyring import KeyringError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a handshake. `status` is 0 or a positive errno."""

    status: int
    text: str
    remote_auth: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the connection is established."""
        return self.status == 0


_CLOSE_CODES = {
    TransportError.NONE: errno.EPIPE,
    TransportError.CONNECTION_REFUSED: errno.ECONNREFUSED,
    TransportError.VERSION_NEGOTIATION: errno.EPROTONOSUPPORT,
}


def status_of(error: BaseException) -> int:
    """The errno for a failure."""
    match error:
        case SocketFailed():
            return error.errno
        case HandshakeTimeout():
            return errno.ETIMEDOUT
        case UnknownPskIdentity():
            return errno.EKEYREJECTED
        case CertificateRefused():
            return errno.EACCES
        case HandshakeError():
            return _status_of_alert(error.alert)
        case PeerClosed():
            return _status_of_close(error)
        case CredentialsError() | KeyringError():
            return errno.ENOKEY
        case OSError(errno=int(code)) if code > 0:
            return code
        case _:
            return errno.EIO


def _status_of_close(error: PeerClosed) -> int:
    if error.alert is not None:
        return _status_of_alert(error.alert)
    return _CLOSE_CODES.get(error.errcode, errno.EPROTO)  # type: ignore[call-overload,no-any-return]


def _status_of_alert(alert: Alert) -> int:
    """No common ALPN means: nobody there speaks what we want. The rest is access denied."""
    return errno.ENOPROTOOPT if alert == Alert.NO_APPLICATION_PROTOCOL else errno.EACCES
