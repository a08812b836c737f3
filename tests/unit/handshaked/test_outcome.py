# SPDX-License-Identifier: GPL-2.0-or-later
"""The errno that a kernel user is told."""

from __future__ import annotations

import errno

import pytest

from kquic.handshaked.keyring import KeyringError
from kquic.handshaked.outcome import status_of
from kquic.handshaked.policy import NoMaterial
from kquic.tls import (
    Alert,
    CertificateRefused,
    HandshakeError,
    HandshakeTimeout,
    PeerClosed,
    SocketFailed,
    UnknownPskIdentity,
)

CASES = [
    (CertificateRefused(("it has expired",), "CN=x", Alert.CERTIFICATE_EXPIRED), errno.EACCES),
    (HandshakeError("bad", Alert.DECODE_ERROR), errno.EACCES),
    (HandshakeError("none in common", Alert.NO_APPLICATION_PROTOCOL), errno.ENOPROTOOPT),
    (UnknownPskIdentity("joe", Alert.UNKNOWN_PSK_IDENTITY), errno.EKEYREJECTED),
    (HandshakeTimeout("slow"), errno.ETIMEDOUT),
    (SocketFailed(errno.ECONNREFUSED, "no"), errno.ECONNREFUSED),
    (SocketFailed(errno.EHOSTUNREACH, "no"), errno.EHOSTUNREACH),
    (PeerClosed(0x100 + Alert.UNKNOWN_CA), errno.EACCES),
    (PeerClosed(0x100 + Alert.NO_APPLICATION_PROTOCOL), errno.ENOPROTOOPT),
    (PeerClosed(0), errno.EPIPE),
    (PeerClosed(2), errno.ECONNREFUSED),
    (PeerClosed(0x11), errno.EPROTONOSUPPORT),
    (PeerClosed(0xA), errno.EPROTO),
    (NoMaterial("none"), errno.ENOKEY),
    (KeyringError("key 5: Key has expired"), errno.ENOKEY),
    (OSError(errno.ENOTCONN, "gone"), errno.ENOTCONN),
    (OSError("no number"), errno.EIO),
    (RuntimeError("bug"), errno.EIO),
]


@pytest.mark.parametrize(("error", "status"), CASES)
def test_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_peers_alert_is_named() -> None:
    assert "unknown_ca" in str(PeerClosed(0x130, "who are you"))
    assert "who are you" in str(PeerClosed(0x130, "who are you"))
