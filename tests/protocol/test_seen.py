# SPDX-License-Identifier: GPL-2.0-or-later
"""Tracepoints of what rarely happens, and the reasons for which packets of peers are thrown away."""

from __future__ import annotations

import os
import socket
import time
from copy import copy

import pytest
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoContext
from aioquic.tls import Epoch

from kquic.qlog import Recorder
from kquic.qlog.trace import Line
from kquic.sock import Config
from quic_pair import established

from .conftest import Listen, Raw
from .frames import F, close, numbers
from .hostile import confirmed, has_handshake_keys, on_server
from .moving import free_port, moving, say, wait_migrated
from .test_first_packets import counter, wait_counted
from .test_versions import preferring
from .wire import V2, RawClient, client_hello, crypto, pieces


@pytest.fixture
def host() -> str:
    """One address is enough."""
    return "127.0.0.1"


def told(recorder: Recorder, event: str) -> list[Line]:
    return [line for line in recorder.lines() if line.event == event]


def reasons(recorder: Recorder) -> set[str]:
    return {line.fields["why"] for line in told(recorder, "quic_pkt_dropped")}


class TestStory:
    def test_migration(self) -> None:
        with moving() as pair:
            say(pair.client, pair.server)
            port = free_port("127.0.0.2")
            with Recorder(1024) as recorder:
                pair.client.migrate("127.0.0.2", port)
                wait_migrated(pair.client)
                wait_migrated(pair.server)
                moves = [line.fields for line in told(recorder, "quic_conn_moved")]
            there, server = f"127.0.0.2:{port}", f"127.0.0.1:{pair.server.port}"
            assert {(fields["local"], fields["peer"]) for fields in moves} == {(there, server), (server, there)}

    def test_key_update(self) -> None:
        """Each end tells it once, and whose idea it was; following is none."""
        with moving() as pair, Recorder(1024) as recorder:
            pair.client.update_keys()
            say(pair.client, pair.server)
            say(pair.server, pair.client)
            ours, theirs = told(recorder, "quic_key_update")
            assert [(each.fields["by"], each.fields["phase"]) for each in (ours, theirs)] == [
                ("local", "1"),
                ("remote", "1"),
            ]
            assert ours.socket != theirs.socket

    def test_version(self) -> None:
        with Recorder(1024) as recorder, established(prepare=preferring(0, V2)):
            versions = {int(line.fields["version"], 0) for line in told(recorder, "quic_conn_version")}
        assert versions == {V2}


class TestReasons:
    """Those that take a peer; the others are in tests/socket/test_counters.py."""

    def test_nobody_listens(self) -> None:
        with moving() as pair, Recorder(256) as recorder:
            raw = RawClient(("127.0.0.1", pair.client.port))
            raw.send(crypto(client_hello()))
            raw.close()
            assert reasons(recorder) == {"NO_LISTENER"}

    def test_token(self, listener: Listen, client: Raw) -> None:
        server = listener()
        server.configure(Config(validate_peer_address=1))
        raw = client(server)
        raw.send(crypto(client_hello()))
        datagram = raw.answer()
        assert datagram is not None
        header = raw.header(datagram)
        raw.token, raw.dcid = header.token[:-1] + bytes([header.token[-1] ^ 1]), header.source_cid
        with Recorder(256) as recorder:
            raw.send(crypto(client_hello()))
            assert raw.answer() is not None
            assert reasons(recorder) == {"TOKEN"}

    def test_busy(self, listener: Listen, client: Raw) -> None:
        server = listener(alpn=("echo",))
        raw = client(server)
        begin = next(pieces(client_hello(("echo",), padding=1500), 1000))
        before = counter("QuicListenDrops")
        with Recorder(256) as recorder:
            for _ in range(260):
                raw.dcid = os.urandom(8)
                raw.send(begin)
            wait_counted("QuicListenDrops", before + 4)
            assert reasons(recorder) == {"BUSY"}

    def test_path(self) -> None:
        """RFC 9000, 9: no migration before the handshake is confirmed."""
        with on_server(until=has_handshake_keys) as attack, Recorder(256) as recorder:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
                elsewhere.sendto(attack.peer.packet(numbers(F.PING), Epoch.HANDSHAKE), attack.peer.victim)
            assert wait_reason(recorder) == {"PATH"}

    @pytest.mark.parametrize("epoch", [Epoch.INITIAL, Epoch.HANDSHAKE])
    def test_no_key(self, epoch: Epoch) -> None:
        """RFC 9001, 4.9: keys of the handshake are gone when it is confirmed."""
        kept: dict[Epoch, CryptoContext] = {}

        def until(quic: QuicConnection) -> bool:
            for level in (Epoch.INITIAL, Epoch.HANDSHAKE):
                pair = quic._cryptos.get(level)
                if pair and pair.send.is_valid():
                    kept[level] = copy(pair.send)
            return confirmed(quic)

        with on_server(until=until) as attack:
            attack.peer.alive()
            attack.peer.keys(epoch).send = kept[epoch]
            with Recorder(256) as recorder:
                attack.peer.send(close(0), epoch)
                attack.peer.alive()
                assert reasons(recorder) == {"NO_KEY"}

    def test_frame(self) -> None:
        with on_server() as attack, Recorder(256) as recorder:
            attack.peer.send(b"\x21")
            attack.peer.closed_with()
            assert reasons(recorder) == {"FRAME"}


def wait_reason(recorder: Recorder) -> set[str]:
    """Reasons, when there is one."""
    deadline = time.monotonic() + 10
    while not (found := reasons(recorder)):
        assert time.monotonic() < deadline
    return found
