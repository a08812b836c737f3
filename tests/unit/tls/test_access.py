# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of clients that a server admits."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from kquic.sock import CertificateRequest
from kquic.tls import (
    AccessList,
    Alert,
    CertificateRefused,
    ClientSettings,
    CredentialsError,
    KeyPair,
    ServerSettings,
    X509Credentials,
)
from kquic.tls.testca import Identity, TestCA


@pytest.fixture(scope="module")
def known(ca: TestCA) -> Identity:
    return ca.client("known.test")


@pytest.fixture(scope="module")
def other(ca: TestCA) -> Identity:
    return ca.client("other.test")


def digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def colons(der: bytes) -> str:
    return hashlib.sha256(der).digest().hex(":").upper()


def objection(text: str, *chain: Identity) -> str | None:
    return AccessList.parse(text).objection([identity.cert_der for identity in chain])


@pytest.mark.parametrize("written", [digest, colons])
def test_certificate_by_its_digest(known: Identity, other: Identity, written: Any) -> None:
    text = f"# laptops\n\nallow sha256 {written(known.cert_der)}\n"
    assert objection(text, known) is None
    assert objection(text, other) == "it is not in the list of clients"


def test_all_of_an_issuer_but_one(ca: TestCA, known: Identity, other: Identity) -> None:
    issuer = ca.root.cert.subject.rfc4514_string()
    text = f"deny sha256 {digest(other.cert_der)}\nallow issuer {issuer}\n"
    assert objection(text, known) is None
    assert objection(text, other) == "the list of clients denies it"
    assert objection(text.replace(issuer, "CN=another"), known) == "it is not in the list of clients"


def test_deny_goes_for_the_whole_chain_and_allow_does_not(ca: TestCA, known: Identity) -> None:
    root = digest(ca.root.cert_der)
    good = f"allow sha256 {digest(known.cert_der)}\n"
    assert objection(good, known, ca.root) is None
    assert objection(f"{good}deny sha256 {root}\n", known, ca.root) == "the list of clients denies it"
    assert objection(f"allow sha256 {root}\n", known, ca.root) == "it is not in the list of clients"


def test_empty_list_admits_nobody(known: Identity) -> None:
    assert objection("", known) == "it is not in the list of clients"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("allow", "allow or deny, sha256 or issuer, and a value"),
        ("allow sha256", "allow or deny, sha256 or issuer, and a value"),
        ("permit sha256 00", "not a rule: permit sha256"),
        ("allow subject CN=me", "not a rule: allow subject"),
        ("allow sha256 00:11", "a SHA-256 digest has 32 bytes, not 2"),
        ("deny sha256 zz", "non-hexadecimal"),
        ("allow issuer nonsense", ""),
    ],
)
def test_bad_lines_are_named(line: str, words: str) -> None:
    with pytest.raises(CredentialsError, match=f"^line 2: .*{words}"):
        AccessList.parse(f"# first\n{line}\n")


@pytest.mark.parametrize("listed", [True, False])
def test_handshake(talk: Any, ca: TestCA, server_id: Identity, known: Identity, other: Identity, listed: bool) -> None:
    who = known if listed else other
    server = ServerSettings(
        X509Credentials(ca.cert_pem, KeyPair(server_id.cert_pem, server_id.key_pem)),
        ("smb",),
        CertificateRequest.REQUIRE,
        access=AccessList.parse(f"allow sha256 {digest(known.cert_der)}"),
    )
    client = ClientSettings(X509Credentials(ca.cert_pem, KeyPair(who.cert_pem, who.key_pem)), "server.test", ("smb",))
    if listed:
        assert talk(client, server).server.tls.complete
        return
    with pytest.raises(CertificateRefused, match="it is not in the list of clients") as refused:
        talk(client, server)
    assert refused.value.alert == Alert.ACCESS_DENIED


@pytest.mark.parametrize("more", [{"request": CertificateRequest.REQUEST}, {"ticket_key": bytes(64)}])
def test_list_needs_a_certificate_each_time(ca: TestCA, more: dict[str, Any]) -> None:
    given = {"request": CertificateRequest.REQUIRE, **more}
    with pytest.raises(ValueError, match="each time"):
        ServerSettings(X509Credentials(ca.cert_pem), access=AccessList(()), **given)
