# SPDX-License-Identifier: GPL-2.0-or-later
"""Socket options of level SOL_QUIC: sizes, ranges, states, errno."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass

import pytest

from kquic.sock import Config, Connection, Listener, connect, listen
from kquic.sock._abi import (
    SOL_QUIC,
    ConnectionClose,
    CryptoLevel,
    CryptoSecret,
    EventOption,
    EventType,
    SockOpt,
    StreamFlags,
    TransportParams,
)
from kquic.sock._getsockopt import getsockopt
from kquic.sock.events import KeyUpdated
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run
from kquic.tls.testca import TestCA

LOCALHOST = "127.0.0.1"
TIMEOUT = 10.0
SET_ONLY = (
    SockOpt.STREAM_RESET,
    SockOpt.STREAM_STOP_SENDING,
    SockOpt.CONNECTION_MIGRATION,
    SockOpt.KEY_UPDATE,
    SockOpt.CRYPTO_SECRET,
)


@dataclass(frozen=True)
class Pair:
    """Two ends of a connection on the loopback device."""

    listener: Listener
    client: Connection
    server: Connection

    def ends(self) -> tuple[Connection, Connection]:
        """Both."""
        return self.client, self.server

    def talk(self) -> None:
        """A byte each way, so that each end has seen 1-RTT packets of the other."""
        for sender, receiver in (self.ends(), self.ends()[::-1]):
            sender.send(b"x", flags=StreamFlags.NEW | StreamFlags.FIN)
            assert receiver.recv().data == b"x"  # type: ignore[union-attr]


@contextmanager
def raises(code: int) -> Iterator[None]:
    """The call fails with this errno."""
    with pytest.raises(OSError) as caught:
        yield
    assert errno.errorcode[caught.value.errno or 0] == errno.errorcode[code]


def set_raw(end: Connection | Listener, option: SockOpt, data: bytes) -> None:
    """setsockopt() with these bytes."""
    end.sock.setsockopt(SOL_QUIC, option, data)


@pytest.fixture
def fresh() -> Iterator[Connection]:
    """A socket that nothing was done with."""
    with Connection.create(socket.AF_INET) as made:
        yield made


def _tls() -> tuple[ClientSettings, ServerSettings]:
    ca = TestCA.create()
    own = ca.server("server.test")
    trust = X509Credentials(ca.cert_pem, ())
    keys = X509Credentials(ca.cert_pem, KeyPair(own.cert_pem, own.key_pem))
    return ClientSettings(trust, "server.test", ("smb",)), ServerSettings(keys, ("smb",))


@contextmanager
def _half(client_settings: ClientSettings) -> Iterator[tuple[Pair, threading.Thread]]:
    """A client in its handshake, with the thread that does it, and what accept() gives for its first packet."""
    with ExitStack() as opened:
        listener = opened.enter_context(listen(LOCALHOST, alpn=("smb",)))
        client = opened.enter_context(connect(LOCALHOST, listener.port))
        for end in (listener, client):
            end.set_timeout(TIMEOUT)

        def shake() -> None:
            with suppress(Exception):  # the server may never answer
                run(client, client_settings, TIMEOUT)

        thread = threading.Thread(target=shake)
        thread.start()
        opened.callback(thread.join)
        server = opened.enter_context(listener.accept())
        server.set_timeout(TIMEOUT)
        yield Pair(listener, client, server), thread


@pytest.fixture
def connecting() -> Iterator[Pair]:
    """Neither end is established."""
    with _half(_tls()[0]) as (made, _):
        yield made


@pytest.fixture
def pair() -> Iterator[Pair]:
    """An established connection."""
    settings, answer = _tls()
    with _half(settings) as (made, client):
        run(made.server, answer, TIMEOUT)
        client.join()
        yield made


class TestNumbers:
    @pytest.mark.parametrize("option", [-1, 15, 4096])
    def test_unknown(self, fresh: Connection, option: int) -> None:
        with raises(errno.ENOPROTOOPT):
            fresh.sock.setsockopt(SOL_QUIC, option, b"")
        with raises(errno.ENOPROTOOPT):
            fresh.sock.getsockopt(SOL_QUIC, option, 8)

    @pytest.mark.parametrize("option", SET_ONLY)
    def test_set_only(self, fresh: Connection, option: SockOpt) -> None:
        with raises(errno.ENOPROTOOPT):
            getsockopt(fresh.sock, option, bytes(64))

    def test_get_only(self, fresh: Connection) -> None:
        with raises(errno.ENOPROTOOPT):
            set_raw(fresh, SockOpt.STREAM_OPEN, bytes(16))

    def test_foreign_level(self, fresh: Connection) -> None:
        with raises(errno.ENOPROTOOPT):
            fresh.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def test_lower_level(self, fresh: Connection) -> None:
        fresh.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x20)
        assert fresh.sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x20


class TestLengths:
    def test_longer_structure_is_cut(self, fresh: Connection) -> None:
        fresh.sock.setsockopt(SOL_QUIC, SockOpt.TRANSPORT_PARAM, TransportParams(max_ack_delay=5000).pack() + bytes(8))
        assert fresh.transport_params.max_ack_delay == 5000
        assert len(getsockopt(fresh.sock, SockOpt.TRANSPORT_PARAM, bytes(64))) == 56

    def test_shorter_structure_is_padded(self, fresh: Connection) -> None:
        config = Config(initial_smoothed_rtt=50_000, keepalive_probe_interval=9_999_999)
        set_raw(fresh, SockOpt.CONFIG, config.pack()[:24])
        assert (fresh.config.initial_smoothed_rtt, fresh.config.keepalive_probe_interval) == (50_000, 0)
        assert len(getsockopt(fresh.sock, SockOpt.CONFIG, bytes(24))) == 24

    def test_nothing_is_zero(self, fresh: Connection) -> None:
        before = fresh.config
        set_raw(fresh, SockOpt.CONFIG, b"")
        assert fresh.config == before

    @pytest.mark.parametrize("option", [SockOpt.CONFIG, SockOpt.ALPN, SockOpt.SESSION_TICKET])
    def test_ceiling(self, fresh: Connection, option: SockOpt) -> None:
        with raises(errno.EINVAL):
            set_raw(fresh, option, b"a" * 4097)

    def test_whole_structures(self, fresh: Connection) -> None:
        sizes = {SockOpt.CONFIG: 28, SockOpt.TRANSPORT_PARAM: 56, SockOpt.CONNECTION_CLOSE: 72}
        for option, size in sizes.items():
            assert len(getsockopt(fresh.sock, option, bytes(200))) == size


class TestFresh:
    def test_defaults(self, fresh: Connection) -> None:
        assert fresh.config == Config(initial_smoothed_rtt=333_000)
        assert fresh.transport_params == TransportParams(
            active_connection_id_limit=7,
            ack_delay_exponent=3,
            max_udp_payload_size=65527,
            max_idle_timeout=30_000_000,
            max_ack_delay=25_000,
            max_streams_bidi=100,
            max_streams_uni=100,
            max_data=65535 * 32,
            max_stream_data_bidi_local=65535 * 16,
            max_stream_data_bidi_remote=65535 * 16,
            max_stream_data_uni=65535 * 16,
        )
        assert (fresh.close_info.errcode, fresh.close_info.text) == (0, "")
        assert fresh.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 4 * 65535 * 32

    def test_config_comes_back(self, fresh: Connection) -> None:
        fresh.configure(fresh.config)

    def test_receive_buffer_follows_max_data(self, fresh: Connection) -> None:
        fresh.set_transport_params(TransportParams(max_data=1_000_000))
        assert fresh.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 4_000_000

    def test_events(self, fresh: Connection) -> None:
        for kind in range(1, 10):
            assert not fresh.event_enabled(EventType(kind))
            fresh.enable_event(EventType(kind))
            assert fresh.event_enabled(EventType(kind))
        for kind in (0, 10):
            with raises(errno.EINVAL):
                set_raw(fresh, SockOpt.EVENT, bytes((kind, 1)))
            with raises(errno.EINVAL):
                getsockopt(fresh.sock, SockOpt.EVENT, bytes((kind, 0)))
        fresh.enable_event(EventType.KEY_UPDATE, on=False)
        assert EventOption.unpack(getsockopt(fresh.sock, SockOpt.EVENT, bytes((7, 9)))).on == 0

    def test_close_info(self, fresh: Connection) -> None:
        set_raw(fresh, SockOpt.CONNECTION_CLOSE, ConnectionClose(77, 6, b"p" * 63).pack())
        assert (fresh.close_info.errcode, fresh.close_info.frame, fresh.close_info.text) == (77, 0, "p" * 63)
        with raises(errno.EINVAL):
            set_raw(fresh, SockOpt.CONNECTION_CLOSE, ConnectionClose(77, 6, b"p" * 64).pack())

    def test_token(self, fresh: Connection) -> None:
        assert fresh.token == b""
        for bad in (b"", b"t" * 121):
            with raises(errno.EINVAL):
                fresh.set_token(bad)
        fresh.set_token(b"t" * 120)
        assert fresh.token == b"t" * 120
        with raises(errno.EINVAL):
            getsockopt(fresh.sock, SockOpt.TOKEN, bytes(119))

    def test_session_ticket(self, fresh: Connection) -> None:
        for bad in (63, 4097):
            with raises(errno.EINVAL):
                fresh.set_session_ticket(bytes(bad))
        fresh.set_session_ticket(bytes(4096))

    def test_alpn(self, fresh: Connection) -> None:
        assert getsockopt(fresh.sock, SockOpt.ALPN, bytes(128)) == b""
        set_raw(fresh, SockOpt.ALPN, b" h3,  h3-29\0")
        assert getsockopt(fresh.sock, SockOpt.ALPN, bytes(128)) == b"h3,h3-29\0"
        set_raw(fresh, SockOpt.ALPN, b"smb")
        assert getsockopt(fresh.sock, SockOpt.ALPN, bytes(4)) == b"smb"
        with raises(errno.EINVAL):
            getsockopt(fresh.sock, SockOpt.ALPN, bytes(3))
        for bad in (b"", b"a,,b", b"a" * 129):
            with raises(errno.EINVAL):
                set_raw(fresh, SockOpt.ALPN, bad)

    @pytest.mark.parametrize(
        "bad",
        [
            TransportParams(max_udp_payload_size=1199),
            TransportParams(max_udp_payload_size=65528),
            TransportParams(ack_delay_exponent=21),
            TransportParams(max_ack_delay=16_384_000),
            TransportParams(active_connection_id_limit=1),
            TransportParams(active_connection_id_limit=9),
            TransportParams(max_idle_timeout=999_999),
            TransportParams(max_datagram_frame_size=1199),
            TransportParams(max_data=1199),
            TransportParams(max_data=2**29),
            TransportParams(max_stream_data_uni=2**28),
            TransportParams(max_streams_bidi=4097),
            TransportParams(remote=1, max_data=10_000),
        ],
    )
    def test_bad_transport_params(self, fresh: Connection, bad: TransportParams) -> None:
        with raises(errno.EINVAL):
            fresh.set_transport_params(bad)

    @pytest.mark.parametrize(
        ("action", "code"),
        [
            (lambda end: end.open_stream(), errno.EPIPE),
            (lambda end: end.reset_stream(0), errno.EINVAL),
            (lambda end: end.stop_sending(0), errno.EINVAL),
            (lambda end: end.connection_ids(), errno.EINVAL),
            (lambda end: end.update_keys(), errno.EPIPE),
            (lambda end: end.own_parameters_extension(), errno.EINVAL),
            (lambda end: end.set_peer_parameters_extension(b""), errno.EINVAL),
            (lambda end: end.install_secrets(CryptoSecret(1, 2, 51, bytes(48))), errno.EINVAL),
        ],
    )
    def test_needs_a_connection(self, fresh: Connection, action: Callable[[Connection], object], code: int) -> None:
        with raises(code):
            action(fresh)


class TestConnecting:
    def test_roles(self, connecting: Pair) -> None:
        assert connecting.client.token == b""
        for end in (connecting.server, connecting.listener):
            with raises(errno.EINVAL):
                getsockopt(end.sock, SockOpt.TOKEN, bytes(128))

    def test_ticket_key(self, connecting: Pair) -> None:
        with raises(errno.EPIPE):
            getsockopt(connecting.listener.sock, SockOpt.SESSION_TICKET, bytes(64))
        key = getsockopt(connecting.server.sock, SockOpt.SESSION_TICKET, bytes(64))
        assert len(set(key)) > 10
        assert connecting.client.session_ticket == b""
        connecting.server.set_session_ticket(b"k" * 64)
        assert connecting.server.session_ticket == b"k" * 64

    def test_alpn_of_listener(self, connecting: Pair) -> None:
        with raises(errno.EINVAL):
            connecting.listener.set_alpn("h3")
        assert connecting.server.alpn == ("smb",)
        connecting.server.set_alpn("h3")
        assert connecting.server.alpn == ("h3",)

    @pytest.mark.parametrize(("level", "cipher"), [(1, 51), (4, 51), (2, 50), (2, 55)])
    def test_bad_secret(self, connecting: Pair, level: int, cipher: int) -> None:
        with raises(errno.EINVAL):
            connecting.server.install_secrets(CryptoSecret(1, level, cipher, bytes(48)))

    def test_secrets_at_once(self, connecting: Pair) -> None:
        secrets = [CryptoSecret(send, 2, 51, bytes(48)) for send in (1, 0)]
        connecting.server.install_secrets(*secrets, CryptoSecret(1, 0, 54, bytes(48)))
        connecting.server.send_handshake(CryptoLevel.HANDSHAKE, b"x", socket.MSG_MORE)
        connecting.server.send_handshake(CryptoLevel.APP, b"x", socket.MSG_MORE)
        connecting.server.install_secrets(*secrets * 3)  # six, as many as there are

    @pytest.mark.parametrize("bad", [CryptoSecret(1, 1, 51, bytes(48)), CryptoSecret(0, 0, 50, bytes(48))])
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_bad_secret_among_others(self, connecting: Pair, bad: CryptoSecret, place: int) -> None:
        """Nothing has changed: there is no key to send with."""
        secrets = [CryptoSecret(1, 2, 51, bytes(48)), CryptoSecret(0, 2, 51, bytes(48))]
        secrets.insert(place, bad)
        with raises(errno.EINVAL):
            connecting.server.install_secrets(*secrets)
        with raises(errno.EINVAL):
            connecting.server.send_handshake(CryptoLevel.HANDSHAKE, b"x")

    @pytest.mark.parametrize(
        ("length", "code"),
        [*((good, 0) for good in (55, 57, 111, 336)), *((bad, errno.EINVAL) for bad in (113, 167, 337, 392, 4088))],
    )
    def test_length_of_secrets(self, connecting: Pair, length: int, code: int) -> None:
        """One may be short or long, as every structure; several are a multiple, and six at most."""
        data = (CryptoSecret(1, 2, 51, bytes(48)).pack() * 73)[:length]
        with raises(code) if code else nullcontext():
            set_raw(connecting.server, SockOpt.CRYPTO_SECRET, data)

    def test_extension_fits(self, connecting: Pair) -> None:
        assert 0 < len(getsockopt(connecting.client.sock, SockOpt.TRANSPORT_PARAM_EXT, bytes(256))) <= 256
        with raises(errno.EINVAL):
            connecting.server.set_peer_parameters_extension(bytes(513))

    def test_bad_extension_closes(self, connecting: Pair) -> None:
        with raises(errno.EINVAL):
            connecting.server.set_peer_parameters_extension(b"\x01")
        assert connecting.server.close_info.errcode == 8


class TestEstablished:
    def test_frozen(self, pair: Pair) -> None:
        for end in pair.ends():
            with raises(errno.EINVAL):
                end.configure(Config())
            with raises(errno.EINVAL):
                end.set_transport_params(TransportParams())
            with raises(errno.EINVAL):
                end.install_secrets(CryptoSecret(1, 0, 51, bytes(48)))
            with raises(errno.EINVAL):
                end.own_parameters_extension()

    def test_params_of_peer(self, pair: Pair) -> None:
        seen = pair.client.peer_transport_params
        assert (seen.remote, seen.max_data, seen.max_streams_bidi) == (1, 65535 * 32, 100)
        assert seen.max_idle_timeout == 30_000_000

    def test_streams(self, pair: Pair) -> None:
        assert pair.client.open_stream() == 0
        assert pair.client.open_stream(0) == 0  # open and not used
        assert pair.client.open_stream(flags=StreamFlags.UNI) == 2
        assert pair.client.open_stream(8) == 8
        assert pair.server.open_stream() == 1
        with raises(errno.EINVAL):
            pair.client.open_stream(1)
        with raises(errno.EINVAL):
            pair.client.open_stream(flags=0x20)
        with raises(errno.EAGAIN):
            pair.client.open_stream(4 * 100, StreamFlags.DONTWAIT)

    def test_reset(self, pair: Pair) -> None:
        stream = pair.client.open_stream()
        with raises(errno.EINVAL):
            pair.client.reset_stream(stream + 4)
        pair.client.reset_stream(stream, 5)
        with raises(errno.EINVAL):
            pair.client.reset_stream(stream, 5)

    def test_token_of_server(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.NEW_TOKEN)
        pair.talk()
        with suppress(BlockingIOError):  # the one of the handshake may be on its way
            pair.server.set_token(b"")

    def test_ids(self, pair: Pair) -> None:
        pair.talk()
        for end in pair.ends():
            for of_peer in (False, True):
                info = end.connection_ids(of_peer=of_peer)
                assert (info.active, info.prior_to) == (0, 0)

    @pytest.mark.parametrize("first", [0, 1])
    def test_key_update(self, pair: Pair, first: int) -> None:
        pair.talk()
        mine, theirs = pair.ends()[first], pair.ends()[1 - first]
        theirs.enable_event(EventType.KEY_UPDATE)
        for phase in (1, 0, 1):
            mine.update_keys()
            assert theirs.recv() == KeyUpdated(phase)
            pair.talk()

    def test_key_update_at_once(self, pair: Pair) -> None:
        """Asked for before the handshake is confirmed, it happens soon after, without data."""
        pair.server.enable_event(EventType.KEY_UPDATE)
        pair.client.update_keys()
        assert pair.server.recv() == KeyUpdated(1)
        pair.talk()

    def test_after_close(self, pair: Pair) -> None:
        pair.server.set_close_info(42, "enough")
        pair.server.close()
        with raises(errno.ENOTCONN):
            pair.client.recv()
        assert (pair.client.close_info.errcode, pair.client.close_info.text) == (42, "enough")
        with raises(errno.EPIPE):
            pair.client.update_keys()
