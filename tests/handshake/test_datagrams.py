# SPDX-License-Identifier: GPL-2.0-or-later
"""What shares a datagram in a handshake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from kquic.sock import connect, listen
from kquic.tls import AntiReplay, ClientSettings, KeyPair, ServerSettings, X509Credentials, run, wait_for_ticket
from kquic.tls.testca import Identity, TestCA
from packet_relay import LOCALHOST, Relay, packets

TIMEOUT = 10.0


@dataclass
class Passed:
    """The datagrams of a handshake, as the kinds of their packets and their lengths."""

    from_client: list[tuple[list[str], int]] = field(default_factory=list)
    from_server: list[tuple[list[str], int]] = field(default_factory=list)
    ticket: int = 0
    """Bytes of the TLS message that brought one."""

    def note(self, datagram: bytes, from_client: bool) -> list[bytes]:
        """One datagram, which goes on as it is."""
        kinds = [kind for kind, _, _ in packets(datagram)]
        (self.from_client if from_client else self.from_server).append((kinds, len(datagram)))
        return [datagram]


@pytest.fixture
def passed(ca: TestCA, server_id: Identity) -> Iterator[Passed]:
    """Of a handshake after which the client has got a ticket."""
    seen = Passed()
    keys = X509Credentials(ca.cert_pem, KeyPair(server_id.cert_pem, server_id.key_pem))
    theirs = ServerSettings(keys, ("smb",), ticket_key=bytes(range(64)), early_data=AntiReplay())
    mine = ClientSettings(X509Credentials(ca.cert_pem, ()), "server.test", ("smb",))
    with ExitStack() as opened:
        listener = opened.enter_context(listen(LOCALHOST, alpn=("smb",)))
        relay = opened.enter_context(Relay(listener.port, seen.note))
        client = opened.enter_context(connect(LOCALHOST, relay.port))

        def shake() -> None:
            tls = run(client, mine, TIMEOUT)
            wait_for_ticket(client, tls, TIMEOUT)
            seen.ticket = len(client.session_ticket)

        thread = threading.Thread(target=shake)
        thread.start()
        listener.set_timeout(TIMEOUT)
        server = opened.enter_context(listener.accept())
        run(server, theirs, TIMEOUT)
        thread.join()
        yield seen


def test_finished_with_the_first_1rtt_packet(passed: Passed) -> None:
    """The client's connection IDs, which are due when the handshake is complete."""
    first = next(kinds for kinds, _ in passed.from_client if "1rtt" in kinds)
    assert first == ["handshake", "1rtt"]


def test_flight_of_the_server(passed: Passed) -> None:
    first = next(kinds for kinds, _ in passed.from_server if "handshake" in kinds)
    assert first == ["initial", "handshake"]


def test_ticket_with_handshake_done(passed: Passed) -> None:
    """And with connection IDs and a token, which are some 300 bytes."""
    assert passed.ticket
    first = next(length for kinds, length in passed.from_server if kinds == ["1rtt"])
    assert first > passed.ticket + 200
