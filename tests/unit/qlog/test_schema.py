# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever the kernel can tell, what is written has the shape that the qlog drafts give it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kquic.qlog import convert, parse
from qlog_schema import EVENTS, FILE, FRAMES, event

KERNEL = Path(__file__).parents[3] / "net/quic"


def names(file: str, pattern: str) -> list[str]:
    """What the kernel's tracepoints can say."""
    return sorted(set(re.findall(pattern, (KERNEL / file).read_text())))


FRAME_NAMES = names("frame_table.c", r'"([A-Z_]+)"')
DROP_NAMES = names("include/trace/events/quic.h", r"TRACE_DEFINE_ENUM\(QUIC_DROP_(\w+)\)")
TYPE_NAMES = ("Initial", "0-RTT", "Handshake", "1-RTT", "Retry", "Version-Negotiation")
METRICS = "srtt_us=1500 rttvar_us=750 min_rtt_us=1000 latest_rtt_us=1400 pto_count=1"
STORY = [
    "conn_new: sk=0a server=0 version=0x1 odcid=0102030405060708 local=10.0.0.2:50000 peer=[fd00::1]:443",
    "conn_version: sk=0a version=0x6b3343cf",
    *(f"pkt_{way}: sk=0a type={kind} pn=3 len=1200" for kind in TYPE_NAMES for way in ("sent", "rcvd", "lost")),
    "ack_sent: sk=0a type=1-RTT pn=4 smallest=1 largest=5 delay_us=2500",
    "frame_sent: sk=0a type=1-RTT pn=4 frame=ACK id=0 offset=5 len=0 fin=0",
    "pkt_sent: sk=0a type=1-RTT pn=4 len=1200",
    *(
        each
        for name in FRAME_NAMES
        for bit in (0, 1)
        for each in (
            f"frame_sent: sk=0a type=1-RTT pn=5 frame={name} id={bit} offset={bit} len=9 fin={bit}",
            "pkt_sent: sk=0a type=1-RTT pn=5 len=1200",
            "pkt_rcvd: sk=0a type=1-RTT pn=5 len=1200",
            f"frame_rcvd: sk=0a type=1-RTT pn=5 frame={name} id={bit} offset={bit} len=9 fin={bit}",
            "ack_rcvd: sk=0a type=1-RTT pn=5 smallest=1 largest=2 delay_us=1",
        )
    ),
    *(f"pkt_dropped: sk=0a why={name}" for name in DROP_NAMES),
    f"metrics: sk=0a cwnd=14720 ssthresh=18446744073709551615 in_flight=100 {METRICS}",
    f"metrics: sk=0a cwnd=14720 ssthresh=9000 in_flight=90 {METRICS}",
    *(f"key_update: sk=0a by={by} phase=1" for by in ("local", "remote")),
    *(f"conn_state: sk=0a state={state}" for state in ("complete", "confirmed")),
    "conn_moved: sk=0a local=10.0.0.3:50001 peer=[fd00::1]:443",
    *(f"conn_closed: sk=0a by={by} app={app} code=0x2a" for by in ("local", "remote", "nobody") for app in (0, 1)),
]


@pytest.fixture(scope="module")
def qlog() -> dict[str, Any]:
    """Of a story in which everything happens that the kernel can tell."""
    return convert(
        parse(f"  x-1 [000] ..... {5 + number / 1000:.6f}: quic_{each}" for number, each in enumerate(STORY))
    )


def test_story_is_complete(qlog: dict[str, Any]) -> None:
    (trace,) = qlog["traces"]
    assert {each["name"] for each in trace["events"]} == set(EVENTS)
    frames = [each for one in trace["events"] for each in one["data"].get("frames", ())]
    assert {each["frame_type"] for each in frames} == set(FRAMES)
    assert set(names("include/trace/events/quic.h", r"(?:TRACE|DEFINE)_EVENT\((?:quic_\w+, )?(quic_\w+)")) <= {
        f"quic_{each.split(':')[0]}" for each in STORY
    }


def test_every_event_is_one_of_the_drafts(qlog: dict[str, Any]) -> None:
    assert [each for trace in qlog["traces"] for each in trace["events"] if not event(each)] == []


def test_file(qlog: dict[str, Any]) -> None:
    assert FILE(qlog)


def test_trace_that_begins_in_the_middle() -> None:
    """Nothing is known of the role, nor of the ODCID."""
    assert FILE(convert(parse(["  x-1 [000] ..... 5.000000: quic_pkt_dropped: sk=0a why=AUTH"])))
