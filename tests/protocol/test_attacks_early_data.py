# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody on the way who has seen a client's 0-RTT, and sends it again (attacks.md, 17 and 18)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from kquic.sock import Connection, CryptoLevel, CryptoSecret, Listener, StreamFlags, connect, listen
from kquic.tls import (
    AntiReplay,
    ClientSettings,
    KeyPair,
    SavedSession,
    ServerSettings,
    TlsError,
    X509Credentials,
    offer_session,
    run,
    save_session,
)
from packet_relay import Relay, packets
from quic_pair import CA, LOCALHOST, TIMEOUT, read

pytestmark = pytest.mark.usefixtures("bystander")

OWN = CA.server("server.test")
CLIENT = ClientSettings(X509Credentials(CA.cert_pem), "server.test", ("data",))
PATIENCE = 0.5
SECRET = b"to be done once"


class Eavesdropper:
    """A server that takes 0-RTT, and what its last client has sent before it had the keys of the handshake."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        keys = X509Credentials(CA.cert_pem, KeyPair(OWN.cert_pem, OWN.key_pem))
        self.settings = ServerSettings(keys, ("data",), ticket_key=bytes(range(64)), early_data=AntiReplay())
        self.listener: Listener = opened.enter_context(listen(LOCALHOST, alpn=("data",)))
        self.listener.set_timeout(TIMEOUT)
        self.heard: list[bytes] = []

    def _listen(self, datagram: bytes, from_client: bool) -> list[bytes]:
        if from_client and {kind for kind, _, _ in packets(datagram)} <= {"initial", "0rtt"}:
            self.heard.append(datagram)
        return [datagram]

    def client(self) -> Connection:
        """A client's socket whose packets are heard."""
        self.heard = []
        relay = self._opened.enter_context(Relay(self.listener.port, self._listen))
        client = self._opened.enter_context(connect(LOCALHOST, relay.port))
        client.set_timeout(TIMEOUT)
        return client

    def shake(self, client: Connection, settings: ClientSettings) -> tuple[Connection, SavedSession | None, bool]:
        """Both handshakes: the server's end, what the client may resume, and whether 0-RTT was taken."""
        saved: list[SavedSession | None] = []

        def work() -> None:
            tls = run(client, settings, TIMEOUT)
            saved.append(save_session(client, tls, TIMEOUT))

        thread = threading.Thread(target=work)
        thread.start()
        server = self._opened.enter_context(self.listener.accept())
        server.set_timeout(TIMEOUT)
        tls = run(server, self.settings, TIMEOUT)
        thread.join()
        return server, saved[0], tls.result.early_data

    def repeat(self) -> Connection | None:
        """Send what was heard from an address of our own, and let the server do its part of the handshake."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.connect((LOCALHOST, self.listener.port))
            for datagram in self.heard:
                other.send(datagram)
            self.listener.set_timeout(PATIENCE)
            try:
                victim = self._opened.enter_context(self.listener.accept())
            except BlockingIOError:
                return None
            with suppress(TlsError, OSError):
                run(victim, self.settings, PATIENCE)
            return victim


@pytest.fixture
def way() -> Iterator[Eavesdropper]:
    """The way between a client and the server."""
    with ExitStack() as opened:
        yield Eavesdropper(opened)


@pytest.fixture
def early(way: Eavesdropper) -> bytes:
    """A client has asked for something in 0-RTT, and it was done: what the server has read."""
    _, saved, _ = way.shake(way.client(), CLIENT)
    assert saved
    client = way.client()
    offer_session(client, saved)
    client.send(SECRET, flags=StreamFlags.NEW | StreamFlags.FIN)
    server, _, taken = way.shake(client, saved.settings(CLIENT))
    assert taken
    assert any(kind == "0rtt" for datagram in way.heard for kind, _, _ in packets(datagram))
    return bytes(read(server, 1 << 16).data)


def test_repeated_data_is_read_by_nobody(way: Eavesdropper, early: bytes) -> None:
    """17, 18: neither does the handshake come to its end, without which nothing is readable."""
    assert early == SECRET
    for _ in range(3):
        victim = way.repeat()
        assert victim is not None
        with pytest.raises(OSError):
            victim.recv()


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of the secrets that are installed."""
    found: list[int] = []
    install = Connection.install_secrets

    def noted(connection: Connection, *secrets: CryptoSecret) -> None:
        found.extend(secret.level for secret in secrets)
        install(connection, *secrets)

    monkeypatch.setattr(Connection, "install_secrets", noted)
    return found


@pytest.mark.parametrize("process", ["the same", "another"])
def test_repeated_hello_gets_no_early_keys(way: Eavesdropper, levels: list[int], early: bytes, process: str) -> None:
    """18: a ticket brings 0-RTT once (RFC 8446, 8.1), and only to the process that has given it out."""
    assert early == SECRET
    assert levels.count(CryptoLevel.EARLY) == 2
    levels.clear()
    if process == "another":
        way.settings = replace(way.settings, early_data=AntiReplay())
    assert way.repeat() is not None
    assert levels
    assert CryptoLevel.EARLY not in levels
