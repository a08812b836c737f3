# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 handshakes for QUIC by GnuTLS: without a socket, or on a kernel socket."""

from __future__ import annotations

from .access import AccessList
from .actions import Action, HandshakeResult, InstallSecret, Parameters, SendCrypto
from .alerts import Alert
from .credentials import (
    ClientCredentials,
    KeyPair,
    KeyUrls,
    PskClientCredentials,
    PskServerCredentials,
    ServerCredentials,
    Trust,
    X509Credentials,
)
from .driver import (
    KernelHandshake,
    client_handshake,
    client_handshake_async,
    run,
    run_async,
    server_handshake,
    server_handshake_async,
    wait_for_ticket,
)
from .errors import (
    CertificateRefused,
    CredentialsError,
    HandshakeError,
    HandshakeTimeout,
    PeerClosed,
    ProtocolViolation,
    SocketFailed,
    TlsError,
    TlsUnavailable,
    UnknownPskIdentity,
)
from .handshake import Handshake
from .keylog import KeyLog
from .replay import AntiReplay
from .resumption import SavedSession, offer_session, save_session, session_config
from .settings import ClientSettings, ServerSettings, Settings

__all__ = [
    "AccessList",
    "Action",
    "Alert",
    "AntiReplay",
    "CertificateRefused",
    "ClientCredentials",
    "ClientSettings",
    "CredentialsError",
    "Handshake",
    "HandshakeError",
    "HandshakeResult",
    "HandshakeTimeout",
    "InstallSecret",
    "KernelHandshake",
    "KeyLog",
    "KeyPair",
    "KeyUrls",
    "Parameters",
    "PeerClosed",
    "ProtocolViolation",
    "PskClientCredentials",
    "PskServerCredentials",
    "SavedSession",
    "SendCrypto",
    "ServerCredentials",
    "ServerSettings",
    "Settings",
    "SocketFailed",
    "TlsError",
    "TlsUnavailable",
    "Trust",
    "UnknownPskIdentity",
    "X509Credentials",
    "client_handshake",
    "client_handshake_async",
    "offer_session",
    "run",
    "run_async",
    "save_session",
    "server_handshake",
    "server_handshake_async",
    "session_config",
    "wait_for_ticket",
]
