# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of a connection sorted by stream."""

from __future__ import annotations

import pytest

from kquic.sock import (
    Datagram,
    HandshakeData,
    RecvState,
    StreamData,
    StreamReset,
    StreamSorter,
    StreamUpdated,
    TooMuchUnread,
)
from kquic.sock._abi import CryptoLevel


def test_bytes_are_kept_per_stream() -> None:
    sorter = StreamSorter()
    for message in (StreamData(0, b"ab"), StreamData(4, b"xy"), StreamData(0, b"c", fin=True)):
        sorter.put(message)
    assert sorter.take(0, 2) == b"ab"
    assert sorter.take(0, 100) == b"c"
    assert sorter.take(0, 100) == b""
    assert sorter.take(4, 100) == b"xy"
    assert sorter.take(4, 100) is None
    assert sorter.take(8, 100) is None


def test_peers_streams_are_news_once_and_in_order() -> None:
    sorter = StreamSorter()
    sorter.own(0)
    for stream_id in (0, 5, 1, 5):
        sorter.put(StreamData(stream_id, b"x"))
    assert [sorter.take_new(), sorter.take_new(), sorter.take_new()] == [5, 1, None]


def test_reset_is_raised_where_the_stream_is_read() -> None:
    sorter = StreamSorter()
    sorter.put(StreamData(0, b"lost"))
    sorter.put(StreamUpdated(0, RecvState.RESET_RECVD, 77, 4))
    with pytest.raises(StreamReset) as reset:
        sorter.take(0, 100)
    assert (reset.value.stream_id, reset.value.errcode) == (0, 77)


def test_unread_bytes_are_bounded() -> None:
    sorter = StreamSorter(max_kept=10)
    sorter.put(StreamData(0, b"x" * 10))
    assert sorter.take(0, 1) == b"x"
    sorter.put(StreamData(4, b"y"))
    with pytest.raises(TooMuchUnread):
        sorter.put(StreamData(4, b"y"))


def test_datagrams_and_events_go_their_own_way() -> None:
    sorter = StreamSorter()
    event = StreamUpdated(0, RecvState.RECV, 0, 0)
    for message in (event, Datagram(b"one"), HandshakeData(CryptoLevel.INITIAL, b"x"), Datagram(b"two")):
        sorter.put(message)
    assert [sorter.take_datagram(), sorter.take_datagram(), sorter.take_datagram()] == [b"one", b"two", None]
    assert list(sorter.others) == [event]
