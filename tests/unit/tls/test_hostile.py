# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged handshake messages: refused with an alert, or waited on, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from kquic.sock import CertificateRequest, CryptoLevel
from kquic.tls import (
    ClientSettings,
    Handshake,
    HandshakeError,
    KeyPair,
    SendCrypto,
    ServerSettings,
    X509Credentials,
)
from kquic.tls.testca import Identity, TestCA

ROUNDS = 150


class Parameters:
    def local(self) -> bytes:
        return b"\x01parameters"

    def received(self, extension: bytes) -> None:
        del extension


@pytest.fixture(scope="module")
def settings(ca: TestCA, server_id: Identity) -> tuple[ClientSettings, ServerSettings]:
    pair = KeyPair(server_id.cert_pem, server_id.key_pem)
    return (
        ClientSettings(X509Credentials(ca.cert_pem), "server.test", ("smb",)),
        ServerSettings(X509Credentials(ca.cert_pem, pair), ("smb",), CertificateRequest.REQUIRE, ticket_key=bytes(64)),
    )


def crypto(actions: object) -> list[SendCrypto]:
    assert isinstance(actions, list)
    return [action for action in actions if isinstance(action, SendCrypto)]


def damaged(data: bytes, seed: int) -> bytes:
    """One to four bytes changed, a piece cut out, or a piece doubled."""
    dice = random.Random(seed)
    out = bytearray(data)
    kind, place = dice.randrange(3), dice.randrange(len(out))
    end = min(len(out), place + dice.randrange(1, 40))
    if kind == 0:
        for _ in range(dice.randrange(1, 5)):
            out[dice.randrange(len(out))] ^= dice.randrange(1, 256)
    elif kind == 1:
        del out[place:end]
    else:
        out[place:place] = out[place:end]
    return bytes(out)


def flights(settings: tuple[ClientSettings, ServerSettings]) -> Iterator[tuple[Handshake, Handshake]]:
    while True:
        yield Handshake(settings[0], Parameters()), Handshake(settings[1], Parameters())


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_server_and_a_damaged_client_hello(settings: tuple[ClientSettings, ServerSettings], seed: int) -> None:
    client, server = next(flights(settings))
    [hello] = crypto(client.start())
    try:
        server.receive(CryptoLevel.INITIAL, damaged(hello.data, seed))
    except HandshakeError as error:
        assert error.alert
    assert not server.complete


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_client_and_a_damaged_server_flight(settings: tuple[ClientSettings, ServerSettings], seed: int) -> None:
    client, server = next(flights(settings))
    [hello] = crypto(client.start())
    flight = crypto(server.receive(CryptoLevel.INITIAL, hello.data))
    target = seed % len(flight)
    try:
        for number, message in enumerate(flight):
            data = damaged(message.data, seed) if number == target else message.data
            client.receive(message.level, data)
    except HandshakeError as error:
        assert error.alert
    assert not client.complete


@pytest.mark.parametrize("level", CryptoLevel)
@pytest.mark.parametrize("data", [b"", b"\0", b"\x01\xff\xff\xff", b"\x14\0\0\0", bytes(70000)])
def test_server_and_anything_at_any_level(
    settings: tuple[ClientSettings, ServerSettings], level: CryptoLevel, data: bytes
) -> None:
    _, server = next(flights(settings))
    try:
        server.receive(level, data)
    except HandshakeError as error:
        assert error.alert
    assert not server.complete
