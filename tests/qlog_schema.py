# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape that the qlog drafts give to what is written.

QlogFile, Trace, VantagePoint, CommonFields, Event and RawInfo: draft-ietf-quic-qlog-main-schema-03, of qlog 0.3.
What is in `data`, by the name of the event: draft-ietf-quic-qlog-quic-events-03. Only members that we write are here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

#: Whether a value is right.
Check = Callable[[Any], bool]


def uint(bits: int) -> Check:
    return lambda value: type(value) is int and 0 <= value < 1 << bits


def real(value: Any) -> bool:
    return type(value) in (int, float)


def text(value: Any) -> bool:
    return type(value) is str


def hexstring(value: Any) -> bool:
    return text(value) and re.fullmatch(r"([0-9a-f]{2})+", value) is not None


def one_of(*values: str) -> Check:
    return lambda value: value in values


def array(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


def obj(must: dict[str, Check], may: dict[str, Check] | None = None) -> Check:
    """An object that has all of `must`, nothing but that and `may`, and the right values."""
    known = must | (may or {})
    return lambda value: (
        type(value) is dict
        and must.keys() <= value.keys() <= known.keys()
        and all(known[name](each) for name, each in value.items())
    )


U16, U32, U64 = uint(16), uint(32), uint(64)
PACKET_TYPE = one_of("initial", "handshake", "0RTT", "1RTT", "retry", "version_negotiation")
HEADER = obj({"packet_type": PACKET_TYPE}, {"packet_number": U64})
RAW = obj({}, {"length": U64})
STREAM_TYPE = one_of("unidirectional", "bidirectional")
#: Every one of them may have fewer members ($QuicFrame is open), but no others and no other values.
FRAMES: dict[str, dict[str, Check]] = {
    "padding": {},
    "ping": {},
    "ack": {"ack_delay": real, "acked_ranges": array(array(U64))},
    "reset_stream": {"stream_id": U64},
    "stop_sending": {"stream_id": U64},
    "crypto": {"offset": U64, "length": U64},
    "new_token": {},
    "stream": {"stream_id": U64, "offset": U64, "length": U64, "fin": lambda value: value is True},
    "max_data": {"maximum": U64},
    "max_stream_data": {"stream_id": U64, "maximum": U64},
    "max_streams": {"stream_type": STREAM_TYPE, "maximum": U64},
    "data_blocked": {},
    "stream_data_blocked": {"stream_id": U64},
    "streams_blocked": {"stream_type": STREAM_TYPE, "maximum": U64},
    "new_connection_id": {"sequence_number": U32},
    "retire_connection_id": {"sequence_number": U32},
    "path_challenge": {},
    "path_response": {},
    "connection_close": {},
    "handshake_done": {},
    #: Of later drafts.
    "datagram": {"length": U64},
}


def frame(value: Any) -> bool:
    kind = value.get("frame_type")
    return kind in FRAMES and obj({"frame_type": text}, FRAMES[kind])(value)


PACKET = obj({"header": HEADER}, {"frames": array(frame), "raw": RAW})
DROPS = (
    "key_unavailable unknown_connection_id header_parse_error payload_decrypt_error protocol_violation dos_prevention"
    " unsupported_version unexpected_packet unexpected_source_connection_id unexpected_version duplicate"
    " invalid_initial"
)
STATES = (
    "attempted peer_validated handshake_started early_write handshake_complete handshake_confirmed closing draining"
    " closed"
)
ENDPOINT = obj({}, {"ip_v4": text, "port_v4": U16, "ip_v6": text, "port_v6": U16})
EVENTS: dict[str, Check] = {
    "connectivity:connection_started": obj({"src_ip": text, "dst_ip": text}, {"src_port": U16, "dst_port": U16}),
    "connectivity:connection_closed": obj(
        {}, {"owner": one_of("local", "remote"), "connection_code": U32, "application_code": U64}
    ),
    "connectivity:connection_state_updated": obj({"new": one_of(*STATES.split())}),
    "transport:version_information": obj({"chosen_version": hexstring}),
    "transport:packet_sent": PACKET,
    "transport:packet_received": PACKET,
    # `details` is of later drafts.
    "transport:packet_dropped": obj({}, {"trigger": one_of(*DROPS.split()), "details": obj({"reason": text})}),
    # `new`, the secret itself, is optional in later drafts.
    "security:key_updated": obj(
        {"key_type": one_of("server_1rtt_secret", "client_1rtt_secret")},
        {"trigger": one_of("tls", "remote_update", "local_update")},
    ),
    "recovery:metrics_updated": obj(
        {},
        dict.fromkeys(("min_rtt", "smoothed_rtt", "latest_rtt", "rtt_variance"), real)
        | dict.fromkeys(("congestion_window", "bytes_in_flight", "ssthresh"), U64)
        | {"pto_count": U16},
    ),
    "recovery:packet_lost": obj({}, {"header": HEADER}),
    # Of later drafts.
    "connectivity:migration_state_updated": obj(
        {"new": one_of("migration_complete")}, {"tuple_local": ENDPOINT, "tuple_remote": ENDPOINT}
    ),
}


def event(value: Any) -> bool:
    """One that the drafts know, with the members that they give it."""
    return obj({"time": real, "name": text, "data": EVENTS.get(value["name"], lambda _: False)})(value)


TRACE = obj(
    {
        "vantage_point": obj({"type": one_of("client", "server", "network", "unknown")}, {"name": text}),
        "events": array(event),
    },
    {
        "title": text,
        "common_fields": obj(
            {"time_format": one_of("relative"), "reference_time": real},
            {"protocol_type": array(text), "group_id": text, "ODCID": hexstring},
        ),
    },
)
FILE = obj({"qlog_version": one_of("0.3")}, {"qlog_format": one_of("JSON"), "title": text, "traces": array(TRACE)})
