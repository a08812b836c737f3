# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames that a peer with keys must not send: each is answered with the code of the RFC (attacks.md, C)."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest
from aioquic.quic.connection import QuicConnection
from aioquic.tls import Epoch

from kquic.sock import TransportError, TransportParams

from .frames import (
    F,
    ack,
    close,
    crypto,
    new_connection_id,
    new_token,
    numbers,
    stream,
)
from .hostile import Attack, has_handshake_keys, on_client, on_server, some_cid

pytestmark = pytest.mark.usefixtures("bystander")

E = TransportError
MAX = (1 << 62) - 1
ECN_MASK = 3
LATE = 6  # packets that may have been on their way
LIMITS = TransportParams(max_data=100_000, max_stream_data_bidi_remote=10_000)

#: What a client does to our server. Client's streams: 0, 4 … both ways, 2, 6 … one way; the server's: 1, 5 …, 3, 7 …
TO_SERVER = {
    # RFC 9000, 12.4
    "no frame": (b"", E.PROTOCOL_VIOLATION),
    "unknown type": (b"\x21", E.FRAME_ENCODING),
    "type of eight bytes that nobody knows": (b"\xff" * 8, E.FRAME_ENCODING),
    "type not in its shortest form": (b"\x40\x01", E.PROTOCOL_VIOLATION),
    "type cut off": (numbers(F.PING) + b"\x40", E.FRAME_ENCODING),
    # 19.3
    "ACK of what was never sent": (ack(1 << 40), E.PROTOCOL_VIOLATION),
    "ACK of the largest number there is": (ack(MAX), E.PROTOCOL_VIOLATION),
    "ACK below number 0": (ack(0, 1), E.FRAME_ENCODING),
    "ACK with a gap below number 0": (ack(5, 1, [(3, 0)]), E.FRAME_ENCODING),
    "ACK that promises more ranges": (numbers(F.ACK, 0, 0, 5, 0), E.FRAME_ENCODING),
    "ACK with 2^62 ranges": (numbers(F.ACK, 0, 0, MAX, 0), E.FRAME_ENCODING),
    "PATH_RESPONSE to no challenge": (b"\x1b" + bytes(8), E.PROTOCOL_VIOLATION),
    "ACK_ECN cut off": (numbers(F.ACK_ECN, 0, 0, 0, 0, 1), E.FRAME_ENCODING),
    # 19.4, 19.5, 19.10, 19.13, 3.2, 4.6
    "RESET_STREAM of a stream that only the server sends on": (numbers(F.RESET_STREAM, 3, 0, 0), E.STREAM_STATE),
    "RESET_STREAM of a stream that the server has not opened": (numbers(F.RESET_STREAM, 1, 0, 0), E.STREAM_STATE),
    "RESET_STREAM cut off": (numbers(F.RESET_STREAM, 0, 0), E.FRAME_ENCODING),
    "STOP_SENDING of a stream that only the client sends on": (numbers(F.STOP_SENDING, 2, 0), E.STREAM_STATE),
    "STOP_SENDING of a stream that the server has not opened": (numbers(F.STOP_SENDING, 3, 0), E.STREAM_STATE),
    "STREAM that the server has not opened": (stream(1, b"x"), E.STREAM_STATE),
    "STREAM that only the server sends on": (stream(3, b"x"), E.STREAM_STATE),
    "STREAM above the limit": (stream(4 * 4096, b"x"), E.STREAM_LIMIT),
    "STREAM one way above the limit": (stream(2 + 4 * 4096, b"x"), E.STREAM_LIMIT),
    "STREAM of the largest number": (stream(MAX - 3, b"x"), E.STREAM_LIMIT),
    "MAX_STREAM_DATA of a stream that only the client sends on": (
        numbers(F.MAX_STREAM_DATA, 2, 9),
        E.STREAM_STATE,
    ),
    "MAX_STREAM_DATA of a stream that the server has not opened": (
        numbers(F.MAX_STREAM_DATA, 1, 9),
        E.STREAM_STATE,
    ),
    "STREAM_DATA_BLOCKED of a stream that only the server sends on": (
        numbers(F.STREAM_DATA_BLOCKED, 3, 9),
        E.STREAM_STATE,
    ),
    # 4.1
    "more than a stream's window": (stream(0, b"x", 10_000), E.FLOW_CONTROL),
    "more than the connection's window": (
        b"".join(stream(4 * n, b"x", 9_999) for n in range(11)),
        E.FLOW_CONTROL,
    ),
    "RESET_STREAM above the window": (numbers(F.RESET_STREAM, 0, 0, 10_001), E.FLOW_CONTROL),
    "RESET_STREAM of 2^62 bytes": (numbers(F.RESET_STREAM, 0, 0, MAX), E.FLOW_CONTROL),
    "STREAM to the last offset": (stream(0, b"x", MAX - 1), E.FLOW_CONTROL),
    "STREAM beyond the last offset": (stream(0, b"xx", MAX - 1), E.FRAME_ENCODING),
    "CRYPTO beyond the last offset": (crypto(b"xx", MAX - 1), E.FRAME_ENCODING),
    # 4.5
    "data behind the end": (stream(0, b"abc", fin=True) + stream(0, b"x", 3), E.FINAL_SIZE),
    "end before data": (stream(0, b"abc") + stream(0, b"a", fin=True), E.FINAL_SIZE),
    "another end": (stream(0, b"c", 2, fin=True) + stream(0, b"", 4, fin=True), E.FINAL_SIZE),
    "RESET_STREAM with less than was sent": (stream(0, b"abc") + numbers(F.RESET_STREAM, 0, 0, 2), E.FINAL_SIZE),
    "RESET_STREAM with another end": (stream(0, b"c", 2, fin=True) + numbers(F.RESET_STREAM, 0, 0, 4), E.FINAL_SIZE),
    # 19.11, 19.14
    "MAX_STREAMS above 2^60": (numbers(F.MAX_STREAMS_BIDI, (1 << 60) + 1), E.FRAME_ENCODING),
    "MAX_STREAMS one way above 2^60": (numbers(F.MAX_STREAMS_UNI, MAX), E.FRAME_ENCODING),
    "STREAMS_BLOCKED above 2^60": (numbers(F.STREAMS_BLOCKED_BIDI, (1 << 60) + 1), E.FRAME_ENCODING),
    # 19.15
    "connection ID of no bytes": (new_connection_id(1, 0, b""), E.FRAME_ENCODING),
    "connection ID of 21 bytes": (new_connection_id(1, 0, bytes(21)), E.FRAME_ENCODING),
    "retires more than it names": (new_connection_id(1, 2, bytes(8)), E.FRAME_ENCODING),
    "NEW_CONNECTION_ID cut off": (new_connection_id(1, 0, bytes(8))[:-1], E.FRAME_ENCODING),
    "more connection IDs than allowed": (
        b"".join(new_connection_id(100 + n, 0, b"id%06d" % n) for n in range(9)),
        E.CONNECTION_ID_LIMIT,
    ),
    "one number, two connection IDs": (
        new_connection_id(50, 50, b"id one..") + new_connection_id(50, 50, b"id two.."),
        E.PROTOCOL_VIOLATION,
    ),
    "one number, two tokens": (
        new_connection_id(50, 50, b"id one..") + new_connection_id(50, 50, b"id one..", bytes(range(16))),
        E.PROTOCOL_VIOLATION,
    ),
    "one connection ID, two numbers": (
        new_connection_id(50, 50, b"id one..") + new_connection_id(51, 50, b"id one.."),
        E.PROTOCOL_VIOLATION,
    ),
    # 19.16
    "retires what was never issued": (numbers(F.RETIRE_CONNECTION_ID, 1 << 20), E.PROTOCOL_VIOLATION),
    # 19.7, 19.20: what only servers send
    "NEW_TOKEN of a client": (new_token(b"token"), E.PROTOCOL_VIOLATION),
    "HANDSHAKE_DONE of a client": (numbers(F.HANDSHAKE_DONE), E.PROTOCOL_VIOLATION),
    # RFC 9221, 3
    "DATAGRAM that was not asked for": (numbers(F.DATAGRAM_LEN, 1) + b"x", E.PROTOCOL_VIOLATION),
    "DATAGRAM longer than its packet": (numbers(F.DATAGRAM_LEN, 100) + b"x", E.FRAME_ENCODING),
}

#: What a server does to our client.
TO_CLIENT = {
    "NEW_TOKEN without a token": (new_token(b""), E.FRAME_ENCODING),
    "STREAM that the client has not opened": (stream(0, b"x"), E.STREAM_STATE),
    "STREAM above the limit": (stream(1 + 4 * 4096, b"x"), E.STREAM_LIMIT),
    "ACK of what was never sent": (ack(1 << 40), E.PROTOCOL_VIOLATION),
    # RFC 9001, 6 and 4.4
    "TLS KeyUpdate": (crypto(b"\x18\0\0\1\0"), 0x100 + 10),
    "TLS CertificateRequest": (crypto(b"\x0d\0\0\3\0\0\0"), E.PROTOCOL_VIOLATION),
    "TLS message that has no place after the handshake": (crypto(b"\x0b\0\0\4\0\0\0\0"), 0x100 + 10),
}


@pytest.mark.parametrize(("frames", "code"), TO_SERVER.values(), ids=TO_SERVER.keys())
def test_server_closes(frames: bytes, code: int) -> None:
    with on_server(LIMITS) as attack:
        attack.peer.send(frames)
        assert attack.peer.closed_with() == code
        assert attack.victim.close_info.errcode == code


@pytest.mark.parametrize(("frames", "code"), TO_CLIENT.values(), ids=TO_CLIENT.keys())
def test_client_closes(frames: bytes, code: int) -> None:
    with on_client() as attack:
        attack.peer.send(frames)
        assert attack.peer.closed_with() == code
        assert attack.victim.close_info.errcode == code


@pytest.mark.parametrize("message", [b"\x04\0\0\0", b"\x18\0\0\1\0", b"\x14\0\0\0"])
def test_client_says_no_more_in_tls(message: bytes) -> None:
    """RFC 8446, 4.6: after the handshake only the server has something to say."""
    with on_server() as attack:
        attack.peer.send(crypto(message))
        assert attack.peer.closed_with() == 0x100 + 10


ONLY_1RTT = {
    "STREAM": stream(0, b"x"),
    "NEW_CONNECTION_ID": new_connection_id(1, 0, some_cid()),
    "RETIRE_CONNECTION_ID": numbers(F.RETIRE_CONNECTION_ID, 0),
    "MAX_DATA": numbers(F.MAX_DATA, 1),
    "PATH_CHALLENGE": b"\x1a" + bytes(8),
    "CONNECTION_CLOSE of the application": numbers(F.CONNECTION_CLOSE_APP, 0, 0),
    "HANDSHAKE_DONE": numbers(F.HANDSHAKE_DONE),
    "DATAGRAM": numbers(F.DATAGRAM_LEN, 1) + b"x",
}


@pytest.mark.parametrize("frames", ONLY_1RTT.values(), ids=ONLY_1RTT.keys())
def test_frame_of_1rtt_in_a_handshake_packet(frames: bytes) -> None:
    """RFC 9000, 12.5."""
    with on_server(until=has_handshake_keys) as attack:
        attack.peer.send(frames, Epoch.HANDSHAKE)
        assert attack.peer.closed_with() == E.PROTOCOL_VIOLATION


HARMLESS = {
    "smaller limits": numbers(F.MAX_DATA, 1) + numbers(F.MAX_STREAMS_BIDI, 1) + numbers(F.MAX_STREAMS_UNI, 0),
    "largest limits": numbers(F.MAX_DATA, MAX) + numbers(F.MAX_STREAMS_BIDI, 1 << 60),
    "BLOCKED frames": numbers(F.DATA_BLOCKED, MAX) + numbers(F.STREAMS_BLOCKED_UNI, 1 << 60),
    "blocked stream": numbers(F.STREAM_DATA_BLOCKED, 0, MAX),
    "padding only": bytes(100),
    "overlap": stream(0, b"abcdef") + stream(0, b"XX", 2) + stream(0, b"XXefg", 2),
    "same end twice": stream(0, b"ab", fin=True) * 2,
    "RESET_STREAM behind the end": stream(0, b"ab", fin=True) + numbers(F.RESET_STREAM, 0, 0, 2),
    "ACK with an enormous delay": ack(0, 0, delay=MAX),
    "retired connection ID again": new_connection_id(60, 60, b"id sixty") + new_connection_id(59, 0, b"id fifty"),
}


class TestHarmless:
    """Allowed, or to be ignored: the connection goes on."""

    @pytest.mark.parametrize("frames", HARMLESS.values(), ids=HARMLESS.keys())
    def test_goes_on(self, frames: bytes) -> None:
        with on_server(LIMITS) as attack:
            attack.peer.send(frames)
            attack.peer.alive()

    def test_first_bytes_win(self) -> None:
        """RFC 9000, 2.2: never both versions."""
        with on_server(LIMITS) as attack:
            attack.peer.send(stream(0, b"XXXX", 2) + stream(0, b"abcd") + stream(0, b"YYYYYYYY", fin=True))
            read = b""
            while len(read) < 8:
                read += attack.victim.recv().data
            assert read[:2] == b"ab"
            assert read[2:6] in (b"XXXX", b"cdXX")
            attack.peer.alive()

    def test_close_with_a_long_reason(self) -> None:
        with on_server() as attack:
            attack.peer.send(close(7, os.urandom(1000)))
            with pytest.raises(OSError):
                while True:
                    attack.victim.recv()
            assert attack.victim.close_info.errcode == 7

    def test_retiring_the_id_in_use(self) -> None:
        """RFC 9000, 19.16."""
        with on_server() as attack:
            attack.peer.send(numbers(F.RETIRE_CONNECTION_ID, attack.peer.quic._peer_cid.sequence_number))
            assert attack.peer.closed_with() == E.PROTOCOL_VIOLATION


def without_acks(quic: QuicConnection) -> None:
    """Let it acknowledge nothing in the handshake: its ACKs have no ECN counts, and that would be the end of ECN."""
    quic._write_ack_frame = lambda *_, **__: None  # type: ignore[method-assign]


class TestEcn:
    """RFC 9000, 13.4.2: where the counts are wrong ECN is given up, and nothing else."""

    @pytest.fixture
    def attack(self) -> Iterator[Attack]:
        with on_server(LIMITS, prepare=without_acks) as attack:
            attack.peer.udp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            self.seen = 0
            yield attack

    def marks(self, attack: Attack, counts: Callable[[int], tuple[int, ...]]) -> list[bool]:
        """Whether packets from the victim are marked: each is acknowledged with counts, made from the true one."""
        peer, found = attack.peer, []
        stream_id = attack.victim.open_stream()
        for _ in range(12):
            attack.victim.send(b"x", stream_id)
            datagram, ancillary, _, _ = peer.udp.recvmsg(65536, 100)
            found.append(bool(ancillary[0][2][0] & ECN_MASK))
            for packet in peer.open(datagram):
                self.seen += found[-1]
                told = counts(self.seen)
                peer.send(numbers(F.ACK_ECN if told else F.ACK, packet.pn, 0, 0, 0, *told))
        return found

    def test_right_counts(self, attack: Attack) -> None:
        assert all(self.marks(attack, lambda seen: (seen, 0, 0)))

    @pytest.mark.parametrize(
        "counts",
        [
            lambda _: (MAX, MAX, MAX),
            lambda _: (0, 0, 0),
            lambda _: (5, 0, 0),
            lambda seen: (seen, 1, 0),
            lambda _: (),
        ],
        ids=["more than were sent", "fewer than before", "not one more", "marks of another kind", "none"],
    )
    def test_wrong_counts(self, attack: Attack, counts: Callable[[int], tuple[int, ...]]) -> None:
        self.marks(attack, lambda seen: (seen, 0, 0))
        assert not any(self.marks(attack, counts)[LATE:])
        attack.peer.alive()
