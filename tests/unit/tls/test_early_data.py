# SPDX-License-Identifier: GPL-2.0-or-later
"""0-RTT between two handshakes joined in memory: who offers, who accepts, what is replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kquic.sock import Cipher, CryptoLevel, TransportParams
from kquic.tls import (
    AntiReplay,
    ClientSettings,
    CredentialsError,
    Handshake,
    InstallSecret,
    KeyPair,
    SavedSession,
    SendCrypto,
    ServerSettings,
    X509Credentials,
)
from kquic.tls.testca import Identity, TestCA
from kquic.tls.ticket import early_data_size, offered_ticket, ticket

TICKET_KEY = bytes(range(64))
EARLY = CryptoLevel.EARLY


@pytest.fixture(scope="module")
def mine(ca: TestCA) -> ClientSettings:
    """A client that offers no 0-RTT."""
    return ClientSettings(X509Credentials(ca.cert_pem), "server.test", ("smb",))


@pytest.fixture(scope="module")
def theirs(ca: TestCA, server_id: Identity) -> ServerSettings:
    """A server with tickets, without 0-RTT."""
    own = KeyPair(server_id.cert_pem, server_id.key_pem)
    return ServerSettings(X509Credentials(ca.cert_pem, own), ("smb",), ticket_key=TICKET_KEY)


def early_secrets(side: Any) -> list[InstallSecret]:
    return [a for a in side.actions if isinstance(a, InstallSecret) and a.level == EARLY]


def session(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> bytes:
    return bytes(talk(mine, theirs).client.tls.session_data())


@pytest.mark.parametrize("cipher", [Cipher.AES_GCM_128, Cipher.AES_GCM_256, Cipher.CHACHA20_POLY1305])
def test_accepted(talk: Any, mine: ClientSettings, theirs: ServerSettings, cipher: Cipher) -> None:
    accepting, wanting = replace(theirs, early_data=AntiReplay()), replace(mine, cipher=cipher)
    first = talk(wanting, accepting)
    assert first.client.tls.allows_early_data
    data = first.client.tls.session_data()
    again = talk(replace(wanting, session_data=data, early_data=True), accepting)
    assert again.client.tls.result.early_data
    assert again.server.tls.result.early_data
    [sent] = [s for s in early_secrets(again.client) if s.send]
    [received] = [s for s in early_secrets(again.server) if not s.send]
    assert (sent.secret, sent.cipher) == (received.secret, received.cipher)
    assert sent.cipher == cipher


def test_not_accepted_unless_asked_for(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    """A ticket of a server that took 0-RTT, brought to one that does not."""
    data = session(talk, mine, replace(theirs, early_data=AntiReplay()))
    again = talk(replace(mine, session_data=data, early_data=True), theirs)
    assert again.client.tls.result.resumed
    assert not again.client.tls.result.early_data
    assert not again.server.tls.result.early_data
    assert not early_secrets(again.server)


def test_ticket_does_not_allow_it_unless_asked_for(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    assert not talk(mine, theirs).client.tls.allows_early_data


def test_replayed_hello_gets_no_early_data(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    accepting = replace(theirs, early_data=AntiReplay())
    data = session(talk, mine, accepting)
    again = talk(replace(mine, session_data=data, early_data=True), accepting)
    [hello] = [a for a in again.client.actions if isinstance(a, SendCrypto) and a.level == CryptoLevel.INITIAL]
    attacker = Handshake(accepting, again.server.parameters)
    assert not [a for a in attacker.receive(hello.level, hello.data) if a.level == EARLY]


def test_full_memory_costs_early_data_only(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    accepting = replace(theirs, early_data=AntiReplay(capacity=0))
    data = session(talk, mine, accepting)
    again = talk(replace(mine, session_data=data, early_data=True), accepting)
    assert again.client.tls.result.resumed
    assert not again.client.tls.result.early_data


def test_tickets_of_many_clients(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    """One who comes back takes nothing from the others."""
    accepting = replace(theirs, early_data=AntiReplay())
    for data in [session(talk, mine, accepting) for _ in range(4)]:
        again = talk(replace(mine, session_data=data, early_data=True), accepting)
        assert again.client.tls.result.early_data


def test_ticket_brings_it_once(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    """RFC 8446, 8.1; a client that comes again with it resumes its session."""
    accepting = replace(theirs, early_data=AntiReplay())
    coming = replace(mine, session_data=session(talk, mine, accepting), early_data=True)
    results = [talk(coming, accepting).client.tls.result for _ in range(2)]
    assert [result.early_data for result in results] == [True, False]
    assert all(result.resumed for result in results)


def test_ticket_of_another_process(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    data = session(talk, mine, replace(theirs, early_data=AntiReplay()))
    again = talk(replace(mine, session_data=data, early_data=True), replace(theirs, early_data=AntiReplay()))
    assert again.client.tls.result.resumed
    assert not again.client.tls.result.early_data


def test_hello_in_pieces(talk: Any, mine: ClientSettings, theirs: ServerSettings) -> None:
    accepting = replace(theirs, early_data=AntiReplay())
    coming = replace(mine, session_data=session(talk, mine, accepting), early_data=True)
    first = talk(coming, theirs)
    [hello] = [a for a in first.client.actions if isinstance(a, SendCrypto) and a.level == CryptoLevel.INITIAL]
    server = Handshake(accepting, first.server.parameters)
    actions = [a for byte in hello.data for a in server.receive(hello.level, bytes([byte]))]
    assert [a for a in actions if isinstance(a, InstallSecret) and a.level == EARLY]


class TestAntiReplay:
    def test_each_ticket_once(self) -> None:
        guard = AntiReplay()
        guard.issued(b"one")
        with guard.offered(b"one"):
            assert guard.spend()
            assert not guard.spend()
        with guard.offered(b"two"):
            assert not guard.spend()
        with guard.offered(None):
            assert not guard.spend()

    def test_oldest_are_forgotten(self) -> None:
        guard = AntiReplay(capacity=2)
        for name in (b"one", b"two", b"three"):
            guard.issued(name)
        with guard.offered(b"one"):
            assert not guard.spend()
        with guard.offered(b"three"):
            assert guard.spend()


class TestTicket:
    """NewSessionTicket messages by hand."""

    HEAD = bytes([4, 0, 0, 0]) + bytes(8) + b"\x02ab" + b"\x00\x03tkt"

    @pytest.mark.parametrize(
        ("extensions", "size"),
        [
            (b"", None),
            (b"\x00\x2a\x00\x04\xff\xff\xff\xff", 0xFFFFFFFF),
            (b"\x0a\x0a\x00\x01x\x00\x2a\x00\x04\x00\x00\x40\x00", 0x4000),
            (b"\x0a\x0a\x00\x01x", None),
            (b"\x00\x2a\x00\x04\xff", None),
        ],
    )
    def test_extensions(self, extensions: bytes, size: int | None) -> None:
        assert early_data_size(self.HEAD + len(extensions).to_bytes(2, "big") + extensions) == size

    def test_cut_off(self) -> None:
        whole = self.HEAD + b"\x00\x08\x00\x2a\x00\x04\xff\xff\xff\xff"
        assert all(early_data_size(whole[:end]) is None for end in range(len(whole)))

    def test_ticket(self) -> None:
        assert ticket(self.HEAD + b"\0\0") == b"tkt"
        assert ticket(self.HEAD[:-1]) == b""


class TestHello:
    """The tickets that a ClientHello brings."""

    KEYS = b"\x00\x0d" + b"\x00\x03one" + bytes(4) + b"\x00\x02xy"
    EXTENSIONS = b"\x0a\x0a\x00\x01x" + b"\x00\x29" + len(KEYS).to_bytes(2, "big") + KEYS
    FIXED = bytes(38) + b"\x02id" + b"\x00\x02\x13\x01" + b"\x01\x00"
    WHOLE = FIXED + len(EXTENSIONS).to_bytes(2, "big") + EXTENSIONS

    def test_first_one(self) -> None:
        assert offered_ticket(self.WHOLE) == b"one"

    def test_none(self) -> None:
        assert offered_ticket(self.FIXED + b"\x00\x05\x0a\x0a\x00\x01x") is None

    def test_cut_off(self) -> None:
        assert all(offered_ticket(self.WHOLE[:end]) is None for end in range(len(self.WHOLE)))


class TestSavedSession:
    def test_there_and_back(self) -> None:
        saved = SavedSession(b"\x00data", TransportParams(max_data=5), 1, b"token", early_data=True)
        assert SavedSession.from_bytes(saved.to_bytes()) == saved

    @pytest.mark.parametrize("stored", [b"", b"{}", b"[]", b'{"data": 5}', b"\xff\xfe"])
    def test_garbage(self, stored: bytes) -> None:
        with pytest.raises(CredentialsError):
            SavedSession.from_bytes(stored)
