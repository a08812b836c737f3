# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's client against a server of another QUIC stack, which keeps to the rules or does not.

The server knows NULL only, so that a mount gets as far as its first real call.
"""

from __future__ import annotations

import errno
import os
import re
import struct

import pytest
from aioquic.quic.connection import QuicConnection

from kquic.lab.topology import Network

from .rpc_client import CALL, LAST, REPLY, record
from .rpc_server import RpcServer, plainly, serving
from .test_mount import Tracing

PORT = 2051
TRANSMIT = "sunrpc/xprt_transmit"
NULL_SIZE = 44
"""Bytes of a NULL call without credentials, as a record."""


@pytest.fixture
def attempt(net: Network, mounts, certs):
    """Tries to mount from a server that answers in a certain way; tells what the server has seen."""

    def run(answer=plainly, **limits: int) -> RpcServer:
        with serving(net.srv, Network.SERVER_V4, PORT, certs.server, answer, **limits) as server:
            mounts.failure(f"port={PORT}")
            return server

    return run


def test_null_goes_first_and_then_more(attempt) -> None:
    server = attempt()
    assert server.calls[0].procedure == 0
    assert any(call.procedure == 1 for call in server.calls), "NULL was not taken for answered"


def test_calls_take_turns_on_bidirectional_streams_of_the_client(attempt) -> None:
    """There are as many streams as processors."""
    server = attempt()
    assert {call.stream & 3 for call in server.calls} == {0}
    assert (len({call.stream for call in server.calls}) > 1) == ((os.cpu_count() or 1) > 1)


def test_one_stream_is_enough(attempt) -> None:
    server = attempt(streams=1)
    assert len(server.calls) > 1
    assert {call.stream for call in server.calls} == {0}
    assert server.connections == 1


def test_server_that_allows_no_stream(attempt, klog) -> None:
    """The mount fails, and the log says so; nothing waits for ever."""
    assert not attempt(streams=0).calls
    assert klog.lines(f"error {-errno.EUSERS}")


def test_call_larger_than_the_window_of_its_stream(attempt) -> None:
    """EXCHANGE_ID; NULL just fits."""
    server = attempt(streams=1, window=48)
    assert any(call.procedure == 1 for call in server.calls)
    assert server.connections == 1


def test_call_waits_for_credit_and_not_for_a_time(attempt) -> None:
    """NULL takes all of the window and is answered, so nothing is in flight when the next Call finds no credit. The
    client is woken by the credit; it does not take that for a lack of memory, after which it would try again by and by.
    """
    with Tracing(TRANSMIT) as trace:
        server = attempt(streams=1, window=NULL_SIZE, credit_after=1)
        tries = [int(status) for status in re.findall(r"xprt_transmit: .* status=(-?\d+)", trace.text())]
    assert any(call.procedure == 1 for call in server.calls)
    assert server.connections == 1
    assert -errno.EAGAIN in tries
    assert -errno.ENOBUFS not in tries


def test_reply_in_fragments(attempt) -> None:
    def in_pieces(quic: QuicConnection, stream: int, message: bytes) -> None:
        quic.send_stream_data(stream, record(message, 3, 3, 8, 20))

    assert any(call.procedure == 1 for call in attempt(in_pieces).calls)


def test_call_on_a_stream_of_the_client_is_dropped(attempt) -> None:
    def call_first(quic: QuicConnection, stream: int, message: bytes) -> None:
        quic.send_stream_data(stream, record(struct.pack(">IIIIII", 1, CALL, 2, 100003, 4, 0)))
        plainly(quic, stream, message)

    server = attempt(call_first)
    assert any(call.procedure == 1 for call in server.calls)
    assert not server.replies


def test_unknown_transactions_are_dropped(attempt) -> None:
    def strangers_first(quic: QuicConnection, stream: int, message: bytes) -> None:
        for xid in range(3):
            quic.send_stream_data(stream, record(struct.pack(">II", xid, REPLY) + bytes(5000)))
        plainly(quic, stream, message)

    assert any(call.procedure == 1 for call in attempt(strangers_first).calls)


def test_callbacks_without_a_session_are_dropped(attempt) -> None:
    """On streams of the server, as many as it may open, complete and not."""

    def calls_back(quic: QuicConnection, stream: int, message: bytes) -> None:
        for number in range(3):
            own = 1 + 4 * number
            quic.send_stream_data(own, record(struct.pack(">IIIIII", 9, CALL, 2, 0x40000000, 1, 0) + bytes(9000)))
            quic.send_stream_data(own, record(struct.pack(">II", 9, REPLY)) + struct.pack(">I", LAST | 500))
        plainly(quic, stream, message)

    server = attempt(calls_back)
    assert any(call.procedure == 1 for call in server.calls)
    assert not server.replies


def test_reply_longer_than_its_buffer(attempt) -> None:
    def too_much(quic: QuicConnection, stream: int, message: bytes) -> None:
        quic.send_stream_data(stream, record(message + bytes(100_000)))

    assert any(call.procedure == 1 for call in attempt(too_much).calls)


def test_stream_that_ends_is_a_new_connection(attempt) -> None:
    """The call on it is sent again, but not on the same connection."""
    ended: list[int] = []

    def end_once(quic: QuicConnection, stream: int, message: bytes) -> None:
        if ended:
            plainly(quic, stream, message)
        else:
            ended.append(stream)
            quic.send_stream_data(stream, b"", True)

    server = attempt(end_once)
    assert server.connections == 2
    assert any(call.procedure == 1 for call in server.calls)
