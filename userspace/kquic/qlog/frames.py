# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames in qlog's words (draft-ietf-quic-qlog-quic-events)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kquic.qlog.trace import Line

Frame = dict[str, Any]


def _stream(line: Line) -> Frame:
    fin = {"fin": True} if line.number("fin") else {}
    return _stream_id(line) | {"offset": line.number("offset"), "length": line.number("len")} | fin


def _crypto(line: Line) -> Frame:
    return {"offset": line.number("offset"), "length": line.number("len")}


def _stream_id(line: Line) -> Frame:
    return {"stream_id": line.number("id")}


def _limit(line: Line) -> Frame:
    return {"maximum": line.number("offset")} if line.number("offset") else {}


def _stream_limit(line: Line) -> Frame:
    return _stream_id(line) | _limit(line)


def _stream_type(line: Line) -> Frame:
    return {"stream_type": "unidirectional" if line.number("id") else "bidirectional"} | _limit(line)


def _sequence(line: Line) -> Frame:
    return {"sequence_number": line.number("id")}


def _length(line: Line) -> Frame:
    return {"length": line.number("len")}


def _plain(line: Line) -> Frame:
    return {}


_DETAILS: dict[str, Callable[[Line], Frame]] = {
    "stream": _stream,
    "crypto": _crypto,
    "reset_stream": _stream_id,
    "stop_sending": _stream_id,
    "max_data": _limit,
    "max_stream_data": _stream_limit,
    "max_streams": _stream_type,
    "stream_data_blocked": _stream_id,
    "streams_blocked": _stream_type,
    "new_connection_id": _sequence,
    "retire_connection_id": _sequence,
    "datagram": _length,
}


def frame(line: Line) -> Frame:
    """A frame that was sent or received, other than ACK."""
    kind = line.fields["frame"].lower()
    return {"frame_type": kind} | _DETAILS.get(kind, _plain)(line)


def ack(lines: list[Line]) -> Frame:
    """An ACK frame from its ranges, the largest first in the trace."""
    ranges = sorted([line.number("smallest"), line.number("largest")] for line in lines)
    return {"frame_type": "ack", "ack_delay": lines[0].number("delay_us") / 1000, "acked_ranges": ranges}
