# SPDX-License-Identifier: GPL-2.0-or-later
"""From lines as tracefs shows them to qlog."""

from __future__ import annotations

from typing import Any

import pytest

from kquic.qlog import TraceError, convert, parse, picture

HEAD = """# tracer: nop
#                                _-----=> irqs-off/BH-disabled
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
"""
NEW = "quic_conn_new: sk={sk} server={server} version=0x1 odcid=0102030405060708 local={local} peer={peer}"
FIELDS = "id={id} offset={offset} len={len} fin={fin}"
METRICS = (
    "quic_metrics: sk=0a cwnd={cwnd} ssthresh=18446744073709551615 in_flight=100 srtt_us=1500 rttvar_us=750"
    " min_rtt_us=1000 latest_rtt_us=1400 pto_count=0"
)


def line(seconds: float, text: str, task: str = "python3-12") -> str:
    return f"  {task}      [001] ..s1.  {seconds:.6f}: {text}\n"


def client(sk: str = "0a") -> str:
    return NEW.format(sk=sk, server=0, local="10.0.0.2:50000", peer="10.0.0.1:443")


def frame(event: str, name: str, pn: int = 0, **fields: int) -> str:
    values = {"id": 0, "offset": 0, "len": 0, "fin": 0} | fields
    return f"quic_{event}: sk=0a type=1-RTT pn={pn} frame={name} " + FIELDS.format(**values)


def packet(event: str, pn: int = 0, kind: str = "1-RTT") -> str:
    return f"quic_{event}: sk=0a type={kind} pn={pn} len=1200"


def acked(smallest: int, largest: int, event: str = "ack_rcvd") -> str:
    return f"quic_{event}: sk=0a type=1-RTT pn=0 smallest={smallest} largest={largest} delay_us=2000"


def trace(*texts: str) -> dict[str, Any]:
    """The one connection that these lines tell of, a millisecond apart."""
    lines = [line(100 + number / 1000, text) for number, text in enumerate((client(), *texts))]
    (found,) = convert(parse([HEAD, *lines]))["traces"]
    return found


def events(*texts: str) -> list[dict[str, Any]]:
    """Its events, without those of the beginning."""
    return trace(*texts)["events"][2:]


def test_beginning_of_a_connection() -> None:
    found = trace()
    assert found["vantage_point"]["type"] == "client"
    assert found["common_fields"]["ODCID"] == "0102030405060708"
    started, version = found["events"]
    assert started["name"] == "connectivity:connection_started"
    assert started["data"] == {"src_ip": "10.0.0.2", "src_port": 50000, "dst_ip": "10.0.0.1", "dst_port": 443}
    assert version["data"] == {"chosen_version": "00000001"}


def test_address_of_ipv6() -> None:
    text = NEW.format(sk="0a", server=1, local="[fd00::1]:443", peer="[fd00::2]:7")
    (found,) = convert(parse([line(1, text)]))["traces"]
    assert found["vantage_point"]["type"] == "server"
    assert found["events"][0]["data"]["src_ip"] == "fd00::1"


def test_frames_that_were_recorded_before_their_packet() -> None:
    (sent,) = events(
        frame("frame_sent", "STREAM", 7, id=4, offset=1000, len=1100, fin=1),
        frame("frame_sent", "MAX_DATA", 7, offset=5000),
        packet("pkt_sent", 7),
    )
    assert sent["name"] == "transport:packet_sent"
    assert sent["time"] == pytest.approx(3.0)
    assert sent["data"]["header"] == {"packet_type": "1RTT", "packet_number": 7}
    assert sent["data"]["raw"] == {"length": 1200}
    assert sent["data"]["frames"] == [
        {"frame_type": "stream", "stream_id": 4, "offset": 1000, "length": 1100, "fin": True},
        {"frame_type": "max_data", "maximum": 5000},
    ]


def test_received_frames_and_the_ranges_of_an_ack() -> None:
    (received,) = events(
        packet("pkt_rcvd"),
        frame("frame_rcvd", "ACK"),
        acked(8, 9),
        acked(2, 5),
        frame("frame_rcvd", "DATAGRAM", len=10),
    )
    assert received["data"]["frames"] == [
        {"frame_type": "ack", "ack_delay": 2.0, "acked_ranges": [[2, 5], [8, 9]]},
        {"frame_type": "datagram", "length": 10},
    ]


def test_ranges_of_an_ack_that_is_sent() -> None:
    sent, _ = events(
        acked(8, 9, "ack_sent"),
        acked(2, 5, "ack_sent"),
        frame("frame_sent", "ACK", 1, offset=9),
        frame("frame_sent", "PING", 1),
        packet("pkt_sent", 1),
        packet("pkt_sent", 2),
    )
    assert sent["data"]["frames"] == [
        {"frame_type": "ack", "ack_delay": 2.0, "acked_ranges": [[2, 5], [8, 9]]},
        {"frame_type": "ping"},
    ]


def test_losses_drops_keys_and_the_end() -> None:
    names = [
        (event["name"], event["data"])
        for event in events(
            packet("pkt_lost", 3, "Handshake"),
            "quic_pkt_dropped: sk=0a why=AUTH",
            "quic_pkt_dropped: sk=0a why=NOMEM",
            "quic_key_update: sk=0a by=remote phase=1",
            "quic_conn_closed: sk=0a by=remote app=1 code=0x2a",
            "quic_conn_closed: sk=0a by=local app=0 code=0xa",
            "quic_conn_closed: sk=0a by=nobody app=0 code=0x0",
        )
    ]
    assert names == [
        ("recovery:packet_lost", {"header": {"packet_type": "handshake", "packet_number": 3}}),
        ("transport:packet_dropped", {"trigger": "payload_decrypt_error", "details": {"reason": "AUTH"}}),
        ("transport:packet_dropped", {"details": {"reason": "NOMEM"}}),
        ("security:key_updated", {"key_type": "server_1rtt_secret", "trigger": "remote_update"}),
        ("connectivity:connection_closed", {"owner": "remote", "application_code": 42}),
        ("connectivity:connection_closed", {"owner": "local", "connection_code": 10}),
        ("connectivity:connection_closed", {"connection_code": 0}),
    ]


@pytest.mark.parametrize(
    ("server", "by", "keys"),
    [(0, "local", "client"), (0, "remote", "server"), (1, "local", "server"), (1, "remote", "client")],
)
def test_whose_keys_were_updated(server: int, by: str, keys: str) -> None:
    new = NEW.format(sk="0a", server=server, local="10.0.0.2:50000", peer="10.0.0.1:443")
    (found,) = convert(parse([line(1, new), line(2, f"quic_key_update: sk=0a by={by} phase=1")]))["traces"]
    assert found["events"][-1]["data"] == {"key_type": f"{keys}_1rtt_secret", "trigger": f"{by}_update"}


def test_handshake_and_migration() -> None:
    version, state, moved = events(
        "quic_conn_version: sk=0a version=0x6b3343cf",
        "quic_conn_state: sk=0a state=confirmed",
        "quic_conn_moved: sk=0a local=10.0.0.3:50001 peer=[fd00::1]:443",
    )
    assert version["name"] == "transport:version_information"
    assert version["data"] == {"chosen_version": "6b3343cf"}
    assert state["data"] == {"new": "handshake_confirmed"}
    assert moved["name"] == "connectivity:migration_state_updated"
    assert moved["data"]["tuple_local"] == {"ip_v4": "10.0.0.3", "port_v4": 50001}
    assert moved["data"]["tuple_remote"] == {"ip_v6": "fd00::1", "port_v6": 443}


def test_metrics_tell_what_has_changed() -> None:
    first, second = events(METRICS.format(cwnd=14720), METRICS.format(cwnd=14720), METRICS.format(cwnd=15000))
    assert first["data"]["congestion_window"] == 14720
    assert (first["data"]["smoothed_rtt"], first["data"]["min_rtt"]) == (1.5, 1.0)
    assert "ssthresh" not in first["data"]
    assert second["data"] == {"congestion_window": 15000}


def test_each_socket_has_a_trace() -> None:
    server = NEW.format(sk="0b", server=1, local="10.0.0.1:443", peer="10.0.0.2:50000")
    found = convert(parse([line(1, client()), line(1.1, server), line(1.2, "quic_key_update: sk=0b by=local phase=1")]))
    assert [(each["vantage_point"]["type"], len(each["events"])) for each in found["traces"]] == [
        ("client", 2),
        ("server", 3),
    ]


def test_address_of_a_socket_that_is_used_again() -> None:
    found = convert(parse([line(1, client()), line(2, packet("pkt_sent")), line(3, client())]))
    assert [len(each["events"]) for each in found["traces"]] == [3, 2]


def test_datagrams_of_no_connection_are_left_out() -> None:
    text = "quic_pkt_dropped: sk=0000000000000000 why=NO_CONN"
    assert convert(parse([line(1, text), line(1, text.replace("0000000000000000", "(null)"))]))["traces"] == []


def test_other_events_are_passed_over() -> None:
    assert list(parse([line(1, "inet_sock_set_state: family=AF_INET"), "\n", "nonsense\n"])) == []


def test_task_names_may_look_like_anything() -> None:
    (found,) = parse([line(1.5, "quic_key_update: sk=0a by=local phase=1", task="my task: [x]-7-99")])
    assert (found.time, found.number("phase")) == (1.5, 1)


def test_holes_in_the_story_are_an_error() -> None:
    with pytest.raises(TraceError, match="too small"):
        list(parse(["CPU:1 [LOST 17 EVENTS]\n"]))


def test_picture_shows_losses_and_windows() -> None:
    texts: list[str] = []
    for number in range(3):
        texts += [frame("frame_sent", "STREAM", number, offset=number * 1000, len=1000), packet("pkt_sent", number)]
    texts += [packet("pkt_rcvd"), acked(2, 2), packet("pkt_lost", 1), METRICS.format(cwnd=9000)]
    texts += [frame("frame_sent", "STREAM", 3, offset=1000, len=1000), packet("pkt_sent", 3)]
    drawn = picture({"traces": [trace(*texts)]})
    groups = [part.split("</g>")[0].count("<circle") for part in drawn.split('<g fill="')[1:]]
    assert groups == [3, 1, 1]
    assert drawn.endswith("</svg>\n")
