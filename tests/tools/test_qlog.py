# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic qlog` over a real transfer on a link that loses packets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kquic.lab.topology import Impairment, Network
from qlog_schema import FILE, event

SIZE = 400_000
Trace = dict[str, Any]


@contextmanager
def _losing(network: Network) -> Iterator[None]:
    """A round trip of 10 ms; every thirtieth datagram is lost, so that no run is without."""
    network.link.impair(Impairment(delay_ms=5))
    for host, port in ((network.srv, "dport"), (network.cli, "sport")):
        host.run("nft", "add table inet q; add chain inet q i { type filter hook input priority 0; }")
        host.run("nft", f"add rule inet q i udp {port} 4433 numgen inc mod 30 29 drop")
    try:
        yield
    finally:
        network.link.impair(None)
        for host in (network.srv, network.cli):
            host.run("nft", "delete table inet q")


@pytest.fixture(scope="module")
def recorded(network: Network, certs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The qlog and the picture of a transfer with loss."""
    folder = tmp_path_factory.mktemp("qlog")
    peer = Path(__file__).parents[1] / "peers/kquic_echo.py"
    common = ["--address", Network.SERVER_V4, "--port", "4433"]
    keys = ["--cert", certs.server.cert, "--key", certs.server.key]
    server = network.srv.argv([sys.executable, peer, "server", *common, *keys])
    client = network.cli.argv(
        [sys.executable, peer, "client", *common, "--ca", certs.ca, "--name", "server.test", "--bytes", str(SIZE)]
    )
    output, svg = folder / "transfer.qlog", folder / "transfer.svg"
    with _losing(network), subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            argv = [sys.executable, "-m", "kquic.cli", "qlog", "-o", output, "--svg", svg, "--", *client]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)
        finally:
            running.kill()
    assert not done.returncode, done.stderr
    assert "equal" in done.stderr
    return output, svg


@pytest.fixture(scope="module")
def traces(recorded: tuple[Path, Path]) -> dict[str, Trace]:
    """The trace of each side."""
    qlog = json.loads(recorded[0].read_text())
    assert (qlog["qlog_version"], qlog["qlog_format"]) == ("0.3", "JSON")
    return {trace["vantage_point"]["type"]: trace for trace in qlog["traces"]}


def named(trace: Trace, name: str) -> list[dict[str, Any]]:
    return [event["data"] for event in trace["events"] if event["name"] == name]


def numbers(packets: Iterable[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(each["header"]["packet_type"], each["header"]["packet_number"]) for each in packets]


def test_both_sides_of_one_connection(traces: dict[str, Trace]) -> None:
    assert set(traces) == {"client", "server"}
    odcids = {trace["common_fields"]["ODCID"] for trace in traces.values()}
    assert len(odcids) == 1
    assert len(odcids.pop()) == 16
    start = named(traces["client"], "connectivity:connection_started")[0]
    assert (start["dst_ip"], start["dst_port"]) == (Network.SERVER_V4, 4433)


def test_shape_is_that_of_the_drafts(recorded: tuple[Path, Path], traces: dict[str, Trace]) -> None:
    assert [each for trace in traces.values() for each in trace["events"] if not event(each)] == []
    assert FILE(json.loads(recorded[0].read_text()))


def test_time_goes_forward(traces: dict[str, Trace]) -> None:
    for trace in traces.values():
        times = [event["time"] for event in trace["events"]]
        assert times == sorted(times)
        assert times[0] == 0


@pytest.mark.parametrize(("sender", "receiver"), [("client", "server"), ("server", "client")])
def test_what_one_receives_the_other_has_sent(traces: dict[str, Trace], sender: str, receiver: str) -> None:
    sent = numbers(named(traces[sender], "transport:packet_sent"))
    received = numbers(named(traces[receiver], "transport:packet_received"))
    assert len(set(sent)) == len(sent)
    assert set(received) <= set(sent)
    assert len(sent) - len(received) > 0


def test_lost_packets_were_sent_and_their_data_was_sent_again(traces: dict[str, Trace]) -> None:
    sent = {key: packet["frames"] for key, packet in _keyed(named(traces["client"], "transport:packet_sent"))}
    lost = numbers(named(traces["client"], "recovery:packet_lost"))
    assert lost
    assert set(lost) <= set(sent)
    ranges = [(frame["offset"], frame["length"]) for frames in sent.values() for frame in _stream(frames)]
    assert sum(length for _, length in ranges) > SIZE
    assert _covered(ranges) == SIZE


def _keyed(packets: list[dict[str, Any]]) -> Iterable[tuple[tuple[str, int], dict[str, Any]]]:
    return zip(numbers(packets), packets, strict=True)


def _stream(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame["frame_type"] == "stream" and frame["stream_id"] == 0]


def _covered(ranges: Iterable[tuple[int, int]]) -> int:
    """Up to where there is no gap."""
    end = 0
    for offset, length in sorted(ranges):
        assert offset <= end
        end = max(end, offset + length)
    return end


def test_the_receiver_saw_every_byte_and_the_end(traces: dict[str, Trace]) -> None:
    frames = [
        frame for packet in named(traces["server"], "transport:packet_received") for frame in _stream(packet["frames"])
    ]
    assert _covered((frame["offset"], frame["length"]) for frame in frames) == SIZE
    assert any(frame.get("fin") and frame["offset"] + frame["length"] == SIZE for frame in frames)


@pytest.mark.parametrize(("side", "event"), [("client", "packet_received"), ("server", "packet_sent")])
def test_acknowledged_packets_were_received(traces: dict[str, Trace], side: str, event: str) -> None:
    received = set(numbers(named(traces["server"], "transport:packet_received")))
    acked = {
        (packet["header"]["packet_type"], number)
        for packet in named(traces[side], f"transport:{event}")
        for frame in packet["frames"]
        if frame["frame_type"] == "ack"
        for low, high in frame["acked_ranges"]
        for number in range(low, high + 1)
    }
    assert acked
    assert acked <= received


def test_windows_shrink_upon_loss(traces: dict[str, Trace]) -> None:
    updates = named(traces["client"], "recovery:metrics_updated")
    windows = [update["congestion_window"] for update in updates if "congestion_window" in update]
    assert any(later < earlier for earlier, later in pairwise(windows))
    assert any("ssthresh" in update for update in updates)
    assert all(update["smoothed_rtt"] >= 10 for update in updates[-3:] if "smoothed_rtt" in update)


def test_end_of_the_connection(traces: dict[str, Trace]) -> None:
    (closed,) = named(traces["client"], "connectivity:connection_closed")
    assert closed["owner"] == "local"


def test_handshake_gets_complete_then_confirmed(traces: dict[str, Trace]) -> None:
    for trace in traces.values():
        states = [state["new"] for state in named(trace, "connectivity:connection_state_updated")]
        assert states == ["handshake_complete", "handshake_confirmed"]


def test_picture(recorded: tuple[Path, Path], traces: dict[str, Trace]) -> None:
    text = recorded[1].read_text()
    assert text.startswith("<svg")
    assert text.count("<circle") >= SIZE // 1500


def test_a_saved_trace_is_converted_alike(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    saved = tmp_path / "trace"
    saved.write_text("  x-1 [000] ..... 5.000001: quic_key_update: sk=00000000deadbeef by=local phase=1\n")
    argv = [sys.executable, "-m", "kquic.cli", "qlog", "--trace", saved]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    (trace,) = json.loads(done.stdout)["traces"]
    assert [event["name"] for event in trace["events"]] == ["security:key_updated"]
