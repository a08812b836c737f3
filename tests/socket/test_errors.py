# SPDX-License-Identifier: GPL-2.0-or-later
"""Which errno for which stream and which option; lengths and values that come back."""

from __future__ import annotations

import errno
import select
import socket
import struct
from contextlib import ExitStack

import raw_calls as raw
from kquic.sock import Config, Connection, TransportParams, listen
from kquic.sock._abi import (
    SOL_QUIC,
    ConnectionClose,
    CryptoLevel,
    CryptoSecret,
    EventOption,
    EventType,
    SendState,
    SockOpt,
    StreamFlags,
    StreamInfo,
)
from kquic.sock._cmsg import stream_cmsg
from kquic.sock._getsockopt import getsockopt
from kquic.sock.events import StreamData, StreamUpdated
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, raises, read, relayed, wait_for
from relay import ALL

NEW, FIN, UNI = StreamFlags.NEW, StreamFlags.FIN, StreamFlags.UNI
V4 = socket.AF_INET


class TestStreams:
    """Which errno for which stream."""

    def test_reset_of_a_released_one(self, pair: Pair) -> None:
        pair.client.enable_event(EventType.STREAM_UPDATE)
        pair.client.send(b"x", 2, NEW | FIN | UNI)
        assert pair.client.recv() == StreamUpdated(2, SendState.RECVD, 0, 0)
        with raises(errno.ENOSTR):
            pair.client.reset_stream(2)
        with raises(errno.EINVAL):
            pair.client.stop_sending(2)
        with raises(errno.ENOSTR):
            pair.client.open_stream(2)

    def test_reset_after_fin(self) -> None:
        """Until all is acknowledged, and once."""
        with relayed() as (pair, relay):
            pair.client.send(b"x", 0, NEW)
            read(pair.server, 1)
            relay.lose_from_client = ALL
            pair.client.send(b"y", 0, FIN)
            pair.client.reset_stream(0, 3)
            with raises(errno.EINVAL):
                pair.client.reset_stream(0, 3)

    def test_reset_needs_a_sending_part(self, pair: Pair) -> None:
        pair.server.send(b"x", flags=NEW | UNI)
        assert read(pair.client, 1).stream_id == 3
        for stream in (3, -1, 1, 8):
            with raises(errno.EINVAL):
                pair.client.reset_stream(stream)

    def test_stop_sending(self, pair: Pair) -> None:
        for stream in (-1, 0, 1, 3):
            with raises(errno.EINVAL):
                pair.server.stop_sending(stream)

    def test_stop_sending_twice(self) -> None:
        with relayed() as (pair, relay):
            pair.client.send(b"x", 0, NEW)
            read(pair.server, 1)
            relay.lose_from_server = ALL
            pair.server.stop_sending(0)
            with raises(errno.EAGAIN):
                pair.server.stop_sending(0)

    def test_stop_sending_when_all_is_there(self, pair: Pair) -> None:
        """Of a bidirectional stream that lives on; a unidirectional one is gone by then."""
        pair.client.send(b"x", 0, NEW | FIN)
        pair.client.send(b"y", 2, NEW | FIN | UNI)
        assert read(pair.server, 2).fin
        assert read(pair.server, 2).fin
        with raises(errno.EINVAL):
            pair.server.stop_sending(0)
        with raises(errno.ENOSTR):
            pair.server.stop_sending(2)

    def test_no_bytes_open_no_stream(self, pair: Pair) -> None:
        with raises(errno.EMSGSIZE):
            pair.client.send(b"", 0, NEW)
        with raises(errno.EINVAL):
            pair.client.send(b"x", 0)

    def test_new_and_fin_without_bytes(self, pair: Pair) -> None:
        """A stream of nothing."""
        assert pair.client.send(b"", 0, NEW | FIN) == 0
        assert pair.server.recv() == StreamData(0, b"", fin=True)

    def test_unreadable_data_leaves_the_stream_open(self, pair: Pair) -> None:
        stream = pair.client.open_stream()
        with raises(errno.EFAULT):
            raw.send_from_nowhere(pair.client.sock, 10)
        assert pair.client.send(b"x", stream) == 1

    def test_beyond_all_ids(self, pair: Pair) -> None:
        """No limit will ever allow it."""
        with raises(errno.EAGAIN):
            pair.client.open_stream(2**62, StreamFlags.DONTWAIT)

    def test_only_the_fin_is_in_the_flags_of_a_reader(self, pair: Pair) -> None:
        pair.client.send(b"x", 0, NEW | FIN | StreamFlags.SNDBLOCK | StreamFlags.DONTWAIT)
        _, cmsgs, _, _ = pair.server.sock.recvmsg(10, raw.STREAM_SPACE)
        assert StreamInfo.unpack(cmsgs[0][2]).stream_flags == FIN

    def test_open_as_an_option(self, pair: Pair) -> None:
        """As many bytes come back as there was room for; NEW is added."""
        info = getsockopt(pair.client.sock, SockOpt.STREAM_OPEN, StreamInfo(-1, UNI).pack() + b"more")
        assert info == StreamInfo(2, UNI | NEW).pack()
        assert getsockopt(pair.client.sock, SockOpt.STREAM_OPEN, struct.pack("=q", -1)) == struct.pack("=q", 0)


class TestOptions:
    """Values and lengths."""

    def test_lengths_that_come_back(self, pair: Pair) -> None:
        asked = {
            SockOpt.EVENT: EventOption(1).pack(),
            SockOpt.CONNECTION_ID: bytes(12),
            SockOpt.CONNECTION_CLOSE: bytes(72),
            SockOpt.TRANSPORT_PARAM: bytes(56),
            SockOpt.CONFIG: bytes(28),
        }
        for option, buffer in asked.items():
            assert len(getsockopt(pair.client.sock, option, buffer + bytes(100))) == len(buffer)
            assert len(getsockopt(pair.client.sock, option, buffer[:-1])) == len(buffer) - 1

    def test_old_close_structure(self, pair: Pair) -> None:
        """Eight bytes with a code and no phrase."""
        pair.client.sock.setsockopt(SOL_QUIC, SockOpt.CONNECTION_CLOSE, struct.pack("=IB3x", 5, 7))
        assert getsockopt(pair.client.sock, SockOpt.CONNECTION_CLOSE, bytes(72)) == ConnectionClose(5).pack()
        pair.client.close()
        wait_for(pair.server, select.POLLHUP)
        assert getsockopt(pair.server.sock, SockOpt.CONNECTION_CLOSE, bytes(72)) == ConnectionClose(5).pack()

    def test_close_without_a_reason(self, pair: Pair) -> None:
        assert getsockopt(pair.client.sock, SockOpt.CONNECTION_CLOSE, bytes(72)) == bytes(72)
        pair.client.close()
        wait_for(pair.server, select.POLLHUP)
        assert getsockopt(pair.server.sock, SockOpt.CONNECTION_CLOSE, bytes(72)) == bytes(72)

    def test_everything_at_once_fits_into_256_bytes(self) -> None:
        """Libraries have no more room for the transport parameters."""
        most = TransportParams(
            disable_active_migration=1,
            grease_quic_bit=1,
            stateless_reset=1,
            active_connection_id_limit=8,
            ack_delay_exponent=20,
            max_datagram_frame_size=65535,
            max_udp_payload_size=65000,
            max_idle_timeout=2**32 - 1,
            max_ack_delay=16_383_999,
            max_streams_bidi=4096,
            max_streams_uni=4096,
            max_data=2**29 - 1,
            max_stream_data_bidi_local=2**28 - 1,
            max_stream_data_bidi_remote=2**28 - 1,
            max_stream_data_uni=2**28 - 1,
        )
        with ExitStack() as opened:
            listener = opened.enter_context(listen("::"))
            listener.set_timeout(TIMEOUT)
            listener.configure(Config(validate_peer_address=1))
            listener.set_transport_params(most)
            client = opened.enter_context(Connection.create(V4))
            client.connect(LOCALHOST, listener.port)
            offer = client.own_parameters_extension()
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            server = opened.enter_context(listener.accept())
            for address in (raw.sockaddr_in("192.0.2.1", 4433), raw.sockaddr_in6("2001:db8::1", 4433)):
                server.sock.setsockopt(SOL_QUIC, SockOpt.CONNECTION_MIGRATION, address)
            server.set_peer_parameters_extension(offer)
            extension = getsockopt(server.sock, SockOpt.TRANSPORT_PARAM_EXT, bytes(256))
            # Retry, preferred address, reset token and version are all there.
            present = {kind for kind, _ in parameters(extension)}
            assert {0x00, 0x02, 0x0D, 0x0F, 0x10, 0x20, 0x2AB2} <= present
            with raises(errno.EINVAL):
                getsockopt(server.sock, SockOpt.TRANSPORT_PARAM_EXT, bytes(len(extension) - 1))

    def test_defaults_are_not_spelled_out(self) -> None:
        with Connection.create(V4) as client:
            client.connect(LOCALHOST, 4433)
            sent = dict(parameters(client.own_parameters_extension()))
            assert not {0x03, 0x0A, 0x0B, 0x0C, 0x20, 0x2AB2} & set(sent)
            assert sent[0x0E] == b"\x07"

    def test_a_second_secret_replaces_the_first(self) -> None:
        with Connection.create(V4) as client:
            client.connect(LOCALHOST, 4433)
            for cipher in (51, 52, 54):
                client.install_secrets(CryptoSecret(1, CryptoLevel.HANDSHAKE, cipher, b"s" * 48))

    def test_garbage_in_reserved_bytes(self) -> None:
        """Old headers leave them uninitialised."""
        secret = struct.pack("=BBHI48s", 1, CryptoLevel.HANDSHAKE, 0xFFFF, 51, b"s" * 48)
        with Connection.create(V4) as client:
            client.connect(LOCALHOST, 4433)
            client.sock.setsockopt(SOL_QUIC, SockOpt.CRYPTO_SECRET, secret)

    def test_key_update_is_not_repeated_before_the_peer_has_followed(self) -> None:
        with relayed() as (pair, relay):
            relay.lose_from_client = ALL
            pair.client.update_keys()
            with raises(errno.EINVAL):
                pair.client.update_keys()

    def test_remembered_parameters_go_back_in(self, pair: Pair) -> None:
        """For 0-RTT: what was read of one connection is set on the next."""
        kept = getsockopt(pair.client.sock, SockOpt.TRANSPORT_PARAM, b"\x01" + bytes(55))
        assert kept[0] == 1
        with Connection.create(V4) as client:
            client.connect(LOCALHOST, 4433)
            client.sock.setsockopt(SOL_QUIC, SockOpt.TRANSPORT_PARAM, kept)
            assert client.peer_transport_params.max_data == pair.client.peer_transport_params.max_data

    def test_no_ticket_yet(self, pair: Pair) -> None:
        assert getsockopt(pair.client.sock, SockOpt.SESSION_TICKET, bytes(4096)) == b""

    def test_ticket_key_is_the_same_for_the_next_connection(self) -> None:
        """Of the same client to the same listener; another listener has another."""
        keys = []
        with ExitStack() as opened:
            first, second = (opened.enter_context(listen(LOCALHOST)) for _ in range(2))
            for listener in (first, first, second):
                listener.set_timeout(TIMEOUT)
                client = opened.enter_context(Connection.create(V4))
                client.connect(LOCALHOST, listener.port)
                client.send_handshake(CryptoLevel.INITIAL, client_hello())
                server = opened.enter_context(listener.accept())
                keys.append(getsockopt(server.sock, SockOpt.SESSION_TICKET, bytes(4096)))
        assert [len(key) for key in keys] == [64] * 3
        assert keys[0] == keys[1] != keys[2]

    def test_send_timeout(self) -> None:
        """As a call that may not wait: which errno depends on whether the stream was named."""
        with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair:
            pair.client.send(bytes(2000), flags=NEW)
            pair.client.sock.settimeout(None)
            pair.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, 50_000))
            with raises(errno.ENOSPC):
                pair.client.sock.sendmsg([b"x"], stream_cmsg(0))
            with raises(errno.EAGAIN):
                pair.client.sock.send(b"x")

    def test_accept_timeout(self) -> None:
        with listen(LOCALHOST) as listener:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 50_000))
            with raises(errno.EAGAIN):
                listener.sock.accept()


def parameters(extension: bytes) -> list[tuple[int, bytes]]:
    """Identifiers and values of transport parameters (RFC 9000, 18)."""
    found, pos = [], 0

    def number() -> int:
        nonlocal pos
        size = 1 << (extension[pos] >> 6)
        value = int.from_bytes(extension[pos : pos + size], "big") & ((1 << (8 * size - 2)) - 1)
        pos += size
        return value

    while pos < len(extension):
        kind, size = number(), number()
        found.append((kind, extension[pos : pos + size]))
        pos += size
    return found
