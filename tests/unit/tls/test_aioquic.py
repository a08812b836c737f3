# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes with an independent TLS for QUIC: aioquic's, without a network."""

from __future__ import annotations

from typing import Any

import pytest
from aioquic import tls
from aioquic.buffer import Buffer
from cryptography import x509

from kquic.sock import Cipher, CryptoLevel
from kquic.tls import (
    Alert,
    CertificateRefused,
    ClientSettings,
    Handshake,
    InstallSecret,
    KeyPair,
    SendCrypto,
    ServerSettings,
    X509Credentials,
)
from kquic.tls.testca import Identity, TestCA

LEVELS = {
    tls.Epoch.INITIAL: CryptoLevel.INITIAL,
    tls.Epoch.HANDSHAKE: CryptoLevel.HANDSHAKE,
    tls.Epoch.ONE_RTT: CryptoLevel.APP,
}
SUITES = {
    Cipher.AES_GCM_128: tls.CipherSuite.AES_128_GCM_SHA256,
    Cipher.AES_GCM_256: tls.CipherSuite.AES_256_GCM_SHA384,
    Cipher.CHACHA20_POLY1305: tls.CipherSuite.CHACHA20_POLY1305_SHA256,
}
OURS, THEIRS = b"\x01our parameters", b"\x02their parameters"

Secrets = dict[tuple[CryptoLevel, bool], bytes]


class Aioquic:
    """aioquic's TLS with its output and its secrets collected."""

    def __init__(self, *, is_client: bool, **settings: Any) -> None:
        self.context = tls.Context(is_client=is_client, alpn_protocols=["smb"], **settings)
        kind = tls.ExtensionType.QUIC_TRANSPORT_PARAMETERS
        self.context.handshake_extensions = [(kind, THEIRS)]
        self.context.update_traffic_key_cb = self._key
        self.secrets: Secrets = {}
        self.buffers = {epoch: Buffer(capacity=16384) for epoch in LEVELS}

    def _key(self, direction: tls.Direction, epoch: tls.Epoch, _: Any, secret: bytes) -> None:
        self.secrets[LEVELS[epoch], direction == tls.Direction.ENCRYPT] = secret

    def feed(self, data: bytes) -> list[SendCrypto]:
        """Give it bytes; what it has to send."""
        self.context.handle_message(data, self.buffers)
        sent = [SendCrypto(LEVELS[e], b.data) for e, b in self.buffers.items() if b.data]
        self.buffers = {epoch: Buffer(capacity=16384) for epoch in LEVELS}
        return sent

    @property
    def peer_parameters(self) -> bytes:
        """What it received as transport parameters."""
        kind = tls.ExtensionType.QUIC_TRANSPORT_PARAMETERS
        return bytes(dict(self.context.received_extensions or [])[kind])


class Ours:
    """Our parameters for the handshake."""

    peer: bytes | None = None

    def local(self) -> bytes:
        return OURS

    def received(self, extension: bytes) -> None:
        self.peer = extension


def exchange(ours: Handshake, theirs: Aioquic) -> Secrets:
    """Run the handshake, whoever begins; our secrets."""
    secrets: Secrets = {}
    to_them = ours.start()
    to_us = theirs.feed(b"") if ours.is_server else []
    while to_them or to_us:
        for action in to_them:
            if isinstance(action, InstallSecret):
                secrets[action.level, action.send] = action.secret
        messages = [a for a in to_them if isinstance(a, SendCrypto)]
        to_them = []
        for message in messages:
            to_us += theirs.feed(message.data)
        for message in to_us:
            to_them += ours.receive(message.level, message.data)
        to_us = []
    return secrets


def check(ours: Handshake, theirs: Aioquic, secrets: Secrets, parameters: Ours) -> None:
    assert ours.complete
    assert ours.result.alpn == theirs.context.alpn_negotiated == "smb"
    assert parameters.peer == THEIRS
    assert theirs.peer_parameters == OURS
    assert len(secrets) == 4
    assert secrets == {(level, not send): s for (level, send), s in theirs.secrets.items()}


def aioquic_server(identity: Identity) -> Aioquic:
    theirs = Aioquic(is_client=False)
    theirs.context.certificate = identity.cert
    theirs.context.certificate_private_key = identity.key
    return theirs


def aioquic_client(ca: TestCA, suite: tls.CipherSuite | None = None) -> Aioquic:
    return Aioquic(
        is_client=True,
        server_name="server.test",
        cadata=ca.cert_pem,
        cipher_suites=[suite] if suite else None,
    )


def our_client(ca: TestCA, parameters: Ours, cipher: Cipher | None = None) -> Handshake:
    credentials = X509Credentials(ca.cert_pem)
    settings = ClientSettings(credentials, "server.test", ("smb",), cipher=cipher)
    return Handshake(settings, parameters)


def our_server(identity: Identity, parameters: Ours) -> Handshake:
    credentials = X509Credentials(identity.cert_pem, KeyPair(identity.cert_pem, identity.key_pem))
    return Handshake(ServerSettings(credentials, ("smb",)), parameters)


@pytest.mark.parametrize("cipher", SUITES)
def test_our_client(ca: TestCA, server_id: Identity, cipher: Cipher) -> None:
    parameters, theirs = Ours(), aioquic_server(server_id)
    ours = our_client(ca, parameters, cipher)
    check(ours, theirs, exchange(ours, theirs), parameters)
    assert ours.result.cipher == cipher
    assert ours.result.peer_chain == (server_id.cert_der,)


@pytest.mark.parametrize("cipher", SUITES)
def test_our_server(ca: TestCA, server_id: Identity, cipher: Cipher) -> None:
    parameters, theirs = Ours(), aioquic_client(ca, SUITES[cipher])
    ours = our_server(server_id, parameters)
    check(ours, theirs, exchange(ours, theirs), parameters)
    assert ours.result.server_name == "server.test"
    assert ours.result.cipher == cipher


def test_our_client_refuses_their_expired_certificate(ca: TestCA) -> None:
    with pytest.raises(CertificateRefused) as refused:
        exchange(our_client(ca, Ours()), aioquic_server(ca.expired("server.test")))
    assert refused.value.alert == Alert.CERTIFICATE_EXPIRED


def test_their_client_refuses_our_foreign_certificate(ca: TestCA) -> None:
    stranger = TestCA.create().server("server.test")
    assert stranger.cert.issuer != x509.load_pem_x509_certificate(ca.cert_pem).subject
    with pytest.raises(tls.AlertBadCertificate):
        exchange(our_server(stranger, Ours()), aioquic_client(ca))
