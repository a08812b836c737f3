# SPDX-License-Identifier: GPL-2.0-or-later
"""CONFIG and TRANSPORT_PARAM: every field's range, what zero means, and that it has effect."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kquic.sock import Config, Connection, Listener, TransportParams
from kquic.sock._abi import CongestionControl, CryptoLevel, StreamFlags
from protocol.wire import client_hello
from quic_pair import LOCALHOST, established, raises, read
from states import silent_server

NEW = StreamFlags.NEW
U32_MAX = 2**32 - 1


@pytest.fixture
def fresh() -> Iterator[Connection]:
    """A socket that nothing was done with."""
    with Connection.create(socket.AF_INET) as made:
        yield made


def timing(end: Connection) -> tuple[int, int]:
    """Smoothed round-trip time and its variance in microseconds."""
    info = end.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return struct.unpack_from("=II", info, 68)


class TestRanges:
    """Fields of CONFIG."""

    GOOD = (
        Config(version=1),
        Config(version=0x6B3343CF),
        Config(version=0x1A2A3A4A),
        Config(plpmtud_probe_interval=5_000_000),
        Config(plpmtud_probe_interval=U32_MAX // 30),
        Config(initial_smoothed_rtt=1000),
        Config(initial_smoothed_rtt=6_000_000),
        Config(payload_cipher_type=51),
        Config(payload_cipher_type=54),
        Config(congestion_control_algo=1),
        Config(validate_peer_address=1),
        Config(stream_data_nodelay=1),
        Config(receive_session_ticket=255),
        Config(certificate_request=3),
        Config(keepalive_probe_interval=1_500_000),
    )
    BAD = (
        Config(plpmtud_probe_interval=4_999_999),
        Config(plpmtud_probe_interval=U32_MAX // 30 + 1),
        Config(initial_smoothed_rtt=999),
        Config(initial_smoothed_rtt=6_000_001),
        Config(payload_cipher_type=50),
        Config(payload_cipher_type=55),
        Config(congestion_control_algo=2),
        Config(keepalive_probe_interval=1_499_999),
    )

    @pytest.mark.parametrize("config", GOOD)
    def test_taken(self, fresh: Connection, config: Config) -> None:
        fresh.configure(config)
        merged = replace(config, initial_smoothed_rtt=config.initial_smoothed_rtt or 333_000)
        assert fresh.config == merged
        fresh.configure(Config())
        assert fresh.config == merged  # zero is unchanged

    @pytest.mark.parametrize("config", BAD)
    def test_refused(self, fresh: Connection, config: Config) -> None:
        before = fresh.config
        with raises(errno.EINVAL):
            fresh.configure(replace(config, receive_session_ticket=9))
        assert fresh.config == before


class TestParameters:
    """Fields of TRANSPORT_PARAM at both ends of their ranges."""

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("max_udp_payload_size", (1200, 65527)),
            ("ack_delay_exponent", (1, 20)),
            ("max_ack_delay", (1, 16_383_999)),
            ("active_connection_id_limit", (2, 8)),
            ("max_idle_timeout", (1_000_000, U32_MAX)),
            ("max_datagram_frame_size", (1200, 65535)),
            ("max_data", (1200, 2**29 - 1)),
            ("max_stream_data_bidi_local", (1200, 2**28 - 1)),
            ("max_stream_data_bidi_remote", (1200, 2**28 - 1)),
            ("max_stream_data_uni", (1200, 2**28 - 1)),
            ("max_streams_bidi", (1, 4096)),
            ("max_streams_uni", (1, 4096)),
            ("disable_active_migration", (1,)),
            ("grease_quic_bit", (1,)),
            ("stateless_reset", (1,)),
            ("disable_compatible_version", (1,)),
        ],
    )
    def test_taken(self, fresh: Connection, name: str, values: tuple[int, ...]) -> None:
        for value in values:
            fresh.set_transport_params(TransportParams(**{name: value}))
            assert getattr(fresh.transport_params, name) == value
            fresh.set_transport_params(TransportParams())
            assert getattr(fresh.transport_params, name) == value  # zero is unchanged

    def test_remote_has_no_upper_bound(self) -> None:
        with silent_server() as port, Connection.create(socket.AF_INET) as client:
            client.connect(LOCALHOST, port)
            client.set_transport_params(TransportParams(remote=1, max_data=2**60, max_streams_bidi=60_000))
            seen = client.peer_transport_params
            assert (seen.max_data, seen.max_streams_bidi) == (2**60, 4096)

    def test_peer_sees_them(self) -> None:
        with established(TransportParams(max_data=54_321, max_streams_uni=7, max_ack_delay=9000)) as pair:
            seen = pair.client.peer_transport_params
            assert (seen.max_data, seen.max_streams_uni, seen.max_ack_delay) == (54_321, 7, 9000)

    def test_frozen_by_the_extension(self) -> None:
        with silent_server() as port, Connection.create(socket.AF_INET) as client:
            client.connect(LOCALHOST, port)
            before = client.own_parameters_extension()
            client.set_transport_params(TransportParams(max_data=54_321))
            assert client.own_parameters_extension() == before


class TestEffect:
    """Values that are set while the handshake runs have effect, too."""

    @pytest.mark.parametrize("late", [False, True])
    def test_initial_rtt(self, late: bool) -> None:
        with silent_server() as port, Connection.create(socket.AF_INET) as client:
            if not late:
                client.configure(Config(initial_smoothed_rtt=50_000))
            client.connect(LOCALHOST, port)
            if late:
                assert timing(client)[0] == 333_000
                client.configure(Config(initial_smoothed_rtt=50_000))
            assert timing(client) == (50_000, 25_000)

    @pytest.mark.parametrize("algorithm", CongestionControl)
    def test_congestion_control(self, algorithm: CongestionControl) -> None:
        def prepare(end: Connection | Listener) -> None:
            end.configure(Config(congestion_control_algo=algorithm))

        with established(prepare=prepare) as pair:
            assert pair.server.config.congestion_control_algo == algorithm
            pair.client.send(bytes(100_000), flags=NEW)
            assert len(read(pair.server, 100_000).data) == 100_000

    def test_congestion_control_during_the_handshake(self) -> None:
        with silent_server() as port, Connection.create(socket.AF_INET) as client:
            client.connect(LOCALHOST, port)
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            client.configure(Config(congestion_control_algo=CongestionControl.CUBIC))
            assert client.config.congestion_control_algo == CongestionControl.CUBIC

    def test_congestion_control_after_the_handshake(self) -> None:
        """What a program has read it may write back, with another congestion control in it."""
        with established() as pair:
            for end in (pair.client, pair.server):
                before = end.config
                end.configure(before)
                end.configure(replace(before, congestion_control_algo=CongestionControl.CUBIC))
                assert end.config == replace(before, congestion_control_algo=CongestionControl.CUBIC)
            pair.client.send(bytes(100_000), flags=NEW)
            assert len(read(pair.server, 100_000).data) == 100_000

    def test_nothing_else_after_the_handshake(self) -> None:
        with established() as pair:
            before = pair.server.config
            others = (
                Config(),
                Config(congestion_control_algo=CongestionControl.CUBIC),
                replace(before, congestion_control_algo=2),
                replace(before, stream_data_nodelay=1),
                replace(before, keepalive_probe_interval=1_500_000),
            )
            for config in others:
                with raises(errno.EINVAL):
                    pair.server.configure(config)
            assert pair.server.config == before

    def test_keepalive(self) -> None:
        """A connection that is silent for longer than its idle timeout lives on."""

        def prepare(end: Connection | Listener) -> None:
            end.configure(Config(keepalive_probe_interval=1_500_000))
            end.set_transport_params(TransportParams(max_idle_timeout=2_000_000))

        with established(prepare=prepare) as pair:
            deadline = time.monotonic() + 3
            poll = select.poll()
            poll.register(pair.client.fileno(), 0)
            while time.monotonic() < deadline:
                assert poll.poll(500) == []
            pair.client.send(b"still here", flags=NEW)
            assert read(pair.server, 10).data == b"still here"

    @pytest.mark.parametrize("nodelay", [0, 1])
    def test_nodelay(self, nodelay: int) -> None:
        """Either way small pieces arrive, in order."""

        def prepare(end: Connection | Listener) -> None:
            end.configure(Config(stream_data_nodelay=nodelay))

        with established(prepare=prepare) as pair:
            pair.client.open_stream()
            for number in range(200):
                pair.client.send(bytes([number]), 0)
            assert read(pair.server, 200).data == bytes(range(200))

    def test_small_pieces_wait_for_no_delayed_acknowledgment(self) -> None:
        """A round trip at most, while the peer acknowledges one packet after 16 seconds: longer than `read` waits."""

        def prepare(end: Connection | Listener) -> None:
            end.set_transport_params(TransportParams(max_ack_delay=16_000_000))

        with established(prepare=prepare) as pair:
            pair.client.open_stream()
            for number in range(10):
                pair.client.send(bytes([number]), 0)
                assert read(pair.server, 1).data == bytes([number])
