# SPDX-License-Identifier: GPL-2.0-or-later
"""Session data are good on the terms on which they were made, and not longer than the certificate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kquic.handshaked import sessions
from kquic.sock import Cipher
from kquic.tls import ClientSettings, KeyPair, PskClientCredentials, X509Credentials
from kquic.tls.testca import Identity, TestCA

DATA = b"session data"


@pytest.fixture(scope="module")
def ca() -> TestCA:
    return TestCA.create()


@pytest.fixture(scope="module")
def server(ca: TestCA) -> Identity:
    return ca.server("server.test")


@pytest.fixture
def settings(ca: TestCA) -> ClientSettings:
    return ClientSettings(X509Credentials(ca.cert_pem), "server.test", ("smb",))


@pytest.fixture
def packed(settings: ClientSettings, server: Identity) -> bytes:
    found = sessions.pack(DATA, settings, [server.cert_der])
    assert found is not None
    return found


def test_same_terms(packed: bytes, settings: ClientSettings, ca: TestCA) -> None:
    """Credentials that were loaded again from the same files are the same."""
    again = replace(settings, credentials=X509Credentials(ca.cert_pem))
    assert sessions.unpack(packed, again) == DATA


def test_other_terms(packed: bytes, settings: ClientSettings, ca: TestCA, server: Identity) -> None:
    mine = ca.client("me")
    pair = KeyPair(mine.cert_pem, mine.key_pem)
    others = (
        replace(settings, server_name="other.test"),
        replace(settings, alpn=("sunrpc",)),
        replace(settings, verify=False),
        replace(settings, cipher=Cipher.AES_GCM_256),
        replace(settings, ciphers=(Cipher.AES_GCM_256,)),
        replace(settings, credentials=X509Credentials(TestCA.create().cert_pem)),
        replace(settings, credentials=X509Credentials([ca.cert_pem, TestCA.create().cert_pem])),
        replace(settings, credentials=X509Credentials(ca.cert_pem, pair)),
        replace(settings, credentials=X509Credentials(ca.cert_pem, crl=ca.crl(server))),
        replace(settings, credentials=X509Credentials()),
        replace(settings, credentials=PskClientCredentials("joe", b"k" * 32)),
    )
    assert [sessions.unpack(packed, other) for other in others] == [None] * len(others)


def test_expired_certificate(settings: ClientSettings, ca: TestCA, server: Identity) -> None:
    packed = sessions.pack(DATA, settings, [server.cert_der, ca.expired("server.test").cert_der])
    assert packed is not None
    assert sessions.unpack(packed, settings) is None


def test_unreadable_certificate(settings: ClientSettings) -> None:
    packed = sessions.pack(DATA, settings, [b"nonsense"])
    assert packed is not None
    assert sessions.unpack(packed, settings) is None


def test_what_cannot_be_kept(settings: ClientSettings, server: Identity) -> None:
    assert sessions.pack(DATA, settings, []) is None
    assert sessions.pack(bytes(sessions.MAX_SIZE), settings, [server.cert_der]) is None
    psk = replace(settings, credentials=PskClientCredentials("joe", b"k" * 32))
    assert sessions.pack(DATA, psk, [server.cert_der]) is None


def test_what_somebody_else_has_left(packed: bytes, settings: ClientSettings) -> None:
    for stored in (b"", b"x" * 500, packed[:30], b"kqS0" + packed[4:]):
        assert sessions.unpack(stored, settings) is None
