# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages are found in bytes however these come, and each goes to its stream."""

from __future__ import annotations

import struct

import pytest

from kquic.rpc.records import LONGEST, MOST_CALLS, MalformedRecord, Records, Routes, record

CALL, REPLY = 0, 1


def message(xid: int, direction: int, rest: bytes = b"") -> bytes:
    return struct.pack(">II", xid, direction) + rest


def fragments(whole: bytes, size: int) -> bytes:
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    marks = [len(part) | (1 << 31 if part is parts[-1] else 0) for part in parts]
    return b"".join(struct.pack(">I", mark) + part for mark, part in zip(marks, parts, strict=True))


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize("size", [5, 64, 10_000])
def test_messages_are_found_however_they_come(step: int, size: int) -> None:
    sent = [message(number, CALL, bytes(number * 50)) for number in range(5)]
    data = b"".join(fragments(whole, size) for whole in sent)
    records = Records()
    found = [whole for at in range(0, len(data), step) for whole in records.feed(data[at : at + step])]
    assert found == sent


def test_record_is_one_fragment() -> None:
    assert list(Records().feed(record(message(1, REPLY)))) == [message(1, REPLY)]


def test_too_long_is_refused_before_it_has_come() -> None:
    with pytest.raises(MalformedRecord, match="more than"):
        list(Records().feed(struct.pack(">I", LONGEST + 1)))


def test_too_long_in_many_fragments() -> None:
    records = Records()
    piece = struct.pack(">I", 1 << 20) + bytes(1 << 20)
    with pytest.raises(MalformedRecord, match="more than"):
        for _ in range(5):
            list(records.feed(piece))


def test_too_short_for_a_header() -> None:
    with pytest.raises(MalformedRecord, match="of 7 bytes"):
        list(Records().feed(record(bytes(7))))


@pytest.mark.parametrize("is_server", [False, True])
def test_replies_go_where_their_calls_came_from(is_server: bool) -> None:
    routes, theirs = Routes(is_server=is_server), 0 if is_server else 1
    assert routes.admits(theirs + 4, message(7, CALL))
    assert routes.admits(theirs + 8, message(8, CALL))
    assert routes.stream_for(message(8, REPLY)) == theirs + 8
    assert routes.stream_for(message(7, REPLY)) == theirs + 4
    assert routes.stream_for(message(7, REPLY)) is None, "answered twice"


@pytest.mark.parametrize("is_server", [False, True])
def test_messages_in_the_wrong_direction_are_not_admitted(is_server: bool) -> None:
    routes, ours = Routes(is_server=is_server), int(is_server)
    assert not routes.admits(ours, message(1, CALL))
    assert routes.admits(ours, message(1, REPLY))
    assert not routes.admits(1 - ours, message(1, REPLY))
    assert routes.stream_for(message(1, REPLY)) is None


def test_calls_take_turns() -> None:
    routes = Routes(is_server=False)
    assert routes.stream_for(message(1, CALL)) is None
    routes.own += [0, 4, 8]
    assert sorted(routes.stream_for(message(number, CALL)) or 0 for number in range(6)) == [0, 0, 4, 4, 8, 8]


def test_unanswered_calls_are_bounded() -> None:
    routes = Routes(is_server=True)
    assert all(routes.admits(0, message(number, CALL)) for number in range(MOST_CALLS))
    assert not routes.admits(0, message(MOST_CALLS, CALL))
