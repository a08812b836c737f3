# SPDX-License-Identifier: GPL-2.0-or-later
"""0-RTT between two sockets: data that leaves with the ClientHello, accepted, refused, lost, and its limits."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from kquic.sock import Config, Connection, Listener, StreamFlags, TransportError, TransportParams, connect, listen
from kquic.sock.events import StreamData
from kquic.tls import (
    AntiReplay,
    ClientSettings,
    Handshake,
    KeyPair,
    PeerClosed,
    SavedSession,
    ServerSettings,
    X509Credentials,
    offer_session,
    run,
    save_session,
)
from packet_relay import Filter, Relay, packets, unchanged
from quic_pair import CA, LOCALHOST, TIMEOUT, raises, read

NEW_FIN = StreamFlags.NEW | StreamFlags.FIN
OWN = CA.server("server.test")
CLIENT = ClientSettings(X509Credentials(CA.cert_pem), "server.test", ("data",))
PLAIN = ServerSettings(
    X509Credentials(CA.cert_pem, KeyPair(OWN.cert_pem, OWN.key_pem)), ("data",), ticket_key=bytes(range(64))
)


@dataclass
class Ends:
    """A connection after its handshake, both ends' TLS, and what passed between them."""

    client: Connection
    server: Connection
    mine: Handshake
    theirs: Handshake
    relay: Relay


class Lab:
    """A listener, and connections to it through a relay."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self.accepting = replace(PLAIN, early_data=AntiReplay())
        self.listener: Listener = opened.enter_context(listen(LOCALHOST, alpn=("data",)))
        self.listener.set_timeout(TIMEOUT)

    def client(self, change: Filter = unchanged) -> tuple[Connection, Relay]:
        """A client's socket that is connected, no more."""
        relay = self._opened.enter_context(Relay(self.listener.port, change))
        client = self._opened.enter_context(connect(LOCALHOST, relay.port))
        client.set_timeout(TIMEOUT)
        return client, relay

    def shake(self, client: Connection, relay: Relay, settings: ClientSettings, server: ServerSettings) -> Ends:
        """Both handshakes."""
        mine: list[Handshake | Exception] = []

        def work() -> None:
            try:
                mine.append(run(client, settings, TIMEOUT))
            except Exception as error:
                mine.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        accepted = self._opened.enter_context(self.listener.accept())
        accepted.set_timeout(TIMEOUT)
        theirs = run(accepted, server, TIMEOUT)
        thread.join()
        if isinstance(mine[0], Exception):
            raise mine[0]
        return Ends(client, accepted, mine[0], theirs, relay)

    def session(self, server: ServerSettings | None = None) -> SavedSession:
        """What a first connection leaves to resume with."""
        first = self.shake(*self.client(), CLIENT, server or self.accepting)
        saved = save_session(first.client, first.mine, TIMEOUT)
        assert saved is not None
        return saved

    def again(
        self,
        saved: SavedSession,
        server: ServerSettings,
        early: Callable[[Connection], None],
        change: Filter = unchanged,
    ) -> Ends:
        """A second connection that does something early."""
        client, relay = self.client(change)
        offer_session(client, saved)
        early(client)
        return self.shake(client, relay, saved.settings(CLIENT), server)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab."""
    with ExitStack() as opened:
        yield Lab(opened)


def say(data: bytes) -> Callable[[Connection], None]:
    """Send data on a stream that ends there."""

    def early(client: Connection) -> None:
        assert client.send(data, flags=NEW_FIN) == len(data)

    return early


def whole(end: Connection) -> StreamData:
    """All of one stream."""
    return read(end, 1 << 24)


@pytest.mark.smoke
@pytest.mark.parametrize("size", [5, 8000])
def test_accepted(lab: Lab, size: int) -> None:
    data = os.urandom(size)
    ends = lab.again(lab.session(), lab.accepting, say(data))
    assert ends.mine.result.early_data
    assert ends.theirs.result.early_data
    assert ends.server.unread == size, "it was there when the handshake ended"
    assert whole(ends.server) == StreamData(0, data, True)
    assert ends.relay.count("0rtt") > 0
    kinds = [s.kind for s in ends.relay.seen]
    assert kinds[0] == "initial"
    # On a slow machine the ClientHello is repeated before the program writes.
    assert next(kind for kind in kinds if kind != "initial") == "0rtt"


def test_acknowledged_with_the_server_hello(lab: Lab) -> None:
    """The server has its 1-RTT key before its ServerHello leaves; no client could read what comes before that."""
    answers: list[list[str]] = []

    def note(datagram: bytes, from_client: bool) -> list[bytes]:
        if not from_client:
            answers.append([kind for kind, _, _ in packets(datagram)])
        return [datagram]

    ends = lab.again(lab.session(), lab.accepting, say(bytes(8000)), note)
    assert ends.theirs.result.early_data
    first = next(kinds for kinds in answers if "1rtt" in kinds)
    assert first == ["initial", "handshake", "1rtt"], answers


def test_refused_data_comes_after_all(lab: Lab) -> None:
    data = os.urandom(8000)
    ends = lab.again(lab.session(), PLAIN, say(data))
    assert ends.mine.result.resumed
    assert not ends.mine.result.early_data
    assert ends.relay.count("0rtt") > 0
    assert whole(ends.server) == StreamData(0, data, True)


def test_data_without_early_secret(lab: Lab) -> None:
    """Limits are remembered, but TLS offers nothing: the data waits for 1-RTT keys."""
    saved = lab.session()
    client, relay = lab.client()
    offer_session(client, saved)
    say(b"later")(client)
    ends = lab.shake(client, relay, CLIENT, PLAIN)
    assert whole(ends.server) == StreamData(0, b"later", True)
    assert ends.relay.count("0rtt") == 0


def test_early_data_is_not_readable_in_the_handshake(lab: Lab) -> None:
    """It would be lost on a handshake loop, which expects TLS messages."""
    saved = lab.session()
    client, relay = lab.client()
    offer_session(client, saved)
    say(b"x" * 3000)(client)
    thread = threading.Thread(target=run, args=(client, saved.settings(CLIENT), TIMEOUT))
    thread.start()
    with lab.listener.accept() as server:
        tls = run(server, lab.accepting, TIMEOUT)
        assert tls.result.early_data
        server.set_timeout(TIMEOUT)
        assert whole(server).data == b"x" * 3000
        thread.join()
    assert relay.count("0rtt") > 0


def test_server_answers_early_data(lab: Lab) -> None:
    ends = lab.again(lab.session(), lab.accepting, say(b"question"))
    stream = whole(ends.server).stream_id
    ends.server.send(b"answer", stream or 0, StreamFlags.FIN)
    assert whole(ends.client).data == b"answer"


def test_stream_ids_go_on_after_the_handshake(lab: Lab) -> None:
    ends = lab.again(lab.session(), lab.accepting, say(b"first"))
    assert ends.client.open_stream() == 4
    ends.client.send(b"second", 4, StreamFlags.FIN)
    assert [whole(ends.server).data, whole(ends.server).data] == [b"first", b"second"]


def test_two_early_streams(lab: Lab) -> None:
    def both(client: Connection) -> None:
        client.send(b"one", 0, NEW_FIN)
        client.send(b"two", 2, NEW_FIN | StreamFlags.UNI)

    ends = lab.again(lab.session(), lab.accepting, both)
    got = {s.stream_id: s.data for s in (whole(ends.server), whole(ends.server))}
    assert got == {0: b"one", 2: b"two"}


class TestLimits:
    """Early data goes by the limits of the earlier connection, and never waits."""

    def test_nothing_without_limits(self, lab: Lab) -> None:
        client, _ = lab.client()
        with raises(errno.EINVAL):
            client.send(b"early", flags=NEW_FIN)

    def test_more_data_than_remembered(self, lab: Lab) -> None:
        client, _ = lab.client()
        client.set_transport_params(
            TransportParams(remote=1, max_data=5, max_stream_data_bidi_remote=100, max_streams_bidi=1)
        )
        assert client.send(b"1234567", flags=StreamFlags.NEW) == 5
        with raises(errno.EINVAL):
            client.send(b"8", 0)

    def test_more_streams_than_remembered(self, lab: Lab) -> None:
        client, _ = lab.client()
        client.set_transport_params(
            TransportParams(remote=1, max_data=50, max_stream_data_bidi_remote=50, max_streams_bidi=1)
        )
        client.send(b"1", 0, NEW_FIN)
        with raises(errno.EINVAL):
            client.send(b"2", 4, NEW_FIN)

    def test_full_buffer_does_not_wait_for_the_caller(self, lab: Lab) -> None:
        client, _ = lab.client()
        big = 1 << 22
        client.set_transport_params(
            TransportParams(remote=1, max_data=big, max_stream_data_bidi_remote=big, max_streams_bidi=1)
        )
        sent = client.send(bytes(big), flags=StreamFlags.NEW)
        assert 0 < sent < big
        with raises(errno.EAGAIN):
            client.send(b"more", 0)

    def test_remembered_values_are_read_back(self, lab: Lab) -> None:
        saved = lab.session()
        client, _ = lab.client()
        offer_session(client, saved)
        assert client.peer_transport_params == saved.params

    def test_not_before_connect_nor_after_the_handshake(self, lab: Lab) -> None:
        saved = lab.session()
        with Connection.create(family=2) as fresh, raises(errno.EINVAL):
            fresh.set_transport_params(replace(saved.params, remote=1))
        ends = lab.again(saved, lab.accepting, say(b"x"))
        with raises(errno.EINVAL):
            ends.client.set_transport_params(replace(saved.params, remote=1))

    def test_server_that_accepts_must_not_lower_them(self, lab: Lab) -> None:
        saved = lab.session()
        lab.listener.set_transport_params(TransportParams(max_streams_bidi=saved.params.max_streams_bidi - 1))
        with pytest.raises(PeerClosed) as closed:
            lab.again(saved, lab.accepting, say(b"x"))
        assert closed.value.errcode == TransportError.PROTOCOL_VIOLATION

    def test_server_that_refuses_may_lower_them(self, lab: Lab) -> None:
        """The rest waits for credit, which reading gives."""
        saved = lab.session()
        lab.listener.set_transport_params(TransportParams(max_stream_data_bidi_remote=2000))
        data = os.urandom(6000)
        ends = lab.again(saved, PLAIN, say(data))
        assert whole(ends.server) == StreamData(0, data, True)


class TestNetwork:
    """What may happen to 0-RTT packets on the way."""

    @pytest.mark.parametrize("which", ["first datagram", "0-RTT"])
    def test_loss(self, lab: Lab, which: str) -> None:
        lost = []

        def change(datagram: bytes, from_client: bool) -> list[bytes]:
            early = from_client and any(kind == "0rtt" for kind, _, _ in packets(datagram))
            if early and len(lost) < 3 and (which == "0-RTT" or not lost):
                lost.append(datagram)
                keep = [p for kind, _, p in packets(datagram) if kind == "initial"]
                padded = b"".join(keep).ljust(1200, b"\0")
                return [padded] if keep and which == "0-RTT" else []
            return [datagram]

        data = os.urandom(4000)
        ends = lab.again(lab.session(), lab.accepting, say(data), change)
        assert lost
        assert ends.mine.result.early_data
        assert whole(ends.server) == StreamData(0, data, True)

    def test_before_the_client_hello(self, lab: Lab) -> None:
        """0-RTT packets that overtake the ClientHello are kept for it: nobody sends them again.

        The data takes three datagrams. 1-RTT packets of the client do not pass, so it can have come in no other way.
        """
        held: list[bytes] = []
        early: list[bytes] = []
        checked = threading.Event()

        def change(datagram: bytes, from_client: bool) -> list[bytes]:
            if not from_client or checked.is_set():
                return [datagram]
            kinds = [kind for kind, _, _ in packets(datagram)]
            if len(early) == 3:
                kept = b"".join(packet for kind, _, packet in packets(datagram) if kind == "handshake")
                return [kept] if kept else [datagram] if kinds[0] == "initial" and "0rtt" not in kinds else []
            if kinds[0] != "0rtt":
                held.append(datagram)
                return []
            early.append(datagram)
            return [datagram, held[0]] if len(early) == 3 else [datagram]

        lab.listener.set_transport_params(TransportParams(max_udp_payload_size=1200))
        data = os.urandom(3000)
        ends = lab.again(lab.session(), lab.accepting, say(data), change)
        assert ends.server.unread == len(data)
        checked.set()
        assert whole(ends.server) == StreamData(0, data, True)

    def test_retry(self, lab: Lab) -> None:
        """After a Retry 0-RTT is sent again, and accepted."""
        saved = lab.session()
        lab.listener.configure(Config(validate_peer_address=1))
        data = os.urandom(3000)
        ends = lab.again(replace(saved, token=b""), lab.accepting, say(data))
        assert ends.relay.count("retry", from_client=False) == 1
        assert ends.mine.result.early_data
        kinds = [s.kind for s in ends.relay.seen]
        assert "0rtt" in kinds[kinds.index("retry") :]
        assert whole(ends.server) == StreamData(0, data, True)

    def test_token_spares_the_retry(self, lab: Lab) -> None:
        saved = lab.session()
        assert saved.token
        lab.listener.configure(Config(validate_peer_address=1))
        ends = lab.again(saved, lab.accepting, say(b"x"))
        assert ends.relay.count("retry", from_client=False) == 0
        assert whole(ends.server).data == b"x"


def refused(client: Connection, settings: ClientSettings) -> None:
    """A handshake that the server ends."""
    with pytest.raises(PeerClosed):
        run(client, settings, TIMEOUT)


def test_closed_before_the_end_of_the_handshake(lab: Lab) -> None:
    """Early data of a handshake that fails is nobody's."""
    saved = lab.session()
    client, relay = lab.client()
    offer_session(client, saved)
    say(b"secret")(client)
    thread = threading.Thread(target=refused, args=(client, saved.settings(CLIENT)))
    thread.start()
    with lab.listener.accept() as server:
        server.set_timeout(TIMEOUT)
        server.recv()
        server.shutdown()
        thread.join()
        with raises(errno.ENOTCONN):
            server.recv()
        assert not server.unread
    assert client.close_info.errcode == TransportError.APPLICATION
    assert relay.count("0rtt")
