# SPDX-License-Identifier: GPL-2.0-or-later
"""The interop matrix, as far as it needs no kernel: captures, judgements, tables."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kquic.interop import capture, matrix
from kquic.interop.capture import V2, Part
from kquic.interop.cases import CASES, Seen
from kquic.interop.cell import CANNOT, FAIL, PASS, Outcome
from kquic.interop.command import merged
from kquic.interop.peers import PEERS
from kquic.interop.task import Task

CLIENT, SERVER = bytes((10, 3, 0, 1)), bytes((10, 3, 0, 2))
CLIENT_V6, SERVER_V6 = bytes(15) + b"\2", bytes(15) + b"\1"


def long_header(kind: int, version: int = 1, token: bytes | None = None, size: int = 20) -> bytes:
    ids = b"\x08" + bytes(8) + b"\x00"
    middle = b"" if token is None else bytes((len(token),)) + token
    return bytes((0xC0 | kind << 4,)) + version.to_bytes(4, "big") + ids + middle + bytes((size,)) + bytes(size)


def frame(payload: bytes, *, from_client: bool = True, ecn: int = 0, port: int = 40000, six: bool = False) -> bytes:
    ports = (port, 4433) if from_client else (4433, port)
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    if six:
        hosts = CLIENT_V6 + SERVER_V6 if from_client else SERVER_V6 + CLIENT_V6
        return bytes(12) + b"\x86\xdd" + bytes((0x60, ecn << 4, 0, 0, 0, len(udp), 17, 64)) + hosts + udp
    hosts = CLIENT + SERVER if from_client else SERVER + CLIENT
    header = bytes((0x45, ecn)) + (20 + len(udp)).to_bytes(2, "big") + bytes(5) + bytes((17,)) + bytes(2) + hosts
    return bytes(12) + b"\x08\x00" + header + udp


def written(folder: Path, *frames: bytes) -> Path:
    path = folder / "pcap"
    records = [struct.pack("<IIII", 0, 0, len(each), len(each)) + each for each in frames]
    path.write_bytes(b"\xd4\xc3\xb2\xa1" + bytes(20) + b"".join(records))
    return path


def seen(path: Path, ours: str = "") -> Seen:
    nowhere = Path()
    task = Task(frozenset(), "h3", "", 4433, "", (), nowhere, nowhere, nowhere, nowhere, nowhere, "")
    return Seen("client", task, ours, "", path, 1.0)


def test_packets_of_a_datagram(tmp_path: Path) -> None:
    payload = long_header(0, token=b"t") + long_header(2) + b"\x40rest"
    (found,) = capture.read(written(tmp_path, frame(payload, ecn=2)))
    assert found.parts == (Part("initial", 1, True), Part("handshake", 1), Part("1rtt"))
    assert (found.from_client, found.client, found.ecn, found.size) == (True, ("10.3.0.1", 40000), 2, len(payload))


def test_version_2_numbers_its_packets_otherwise(tmp_path: Path) -> None:
    (found,) = capture.read(written(tmp_path, frame(long_header(1, V2, b""), from_client=False)))
    assert found.parts == (Part("initial", V2),)
    assert not found.from_client


def test_ipv6(tmp_path: Path) -> None:
    (found,) = capture.read(written(tmp_path, frame(b"\x40data", ecn=2, six=True)))
    assert (found.client, found.ecn, found.parts) == (("::2", 40000), 2, (Part("1rtt"),))


def test_what_is_cut_off_or_of_others_is_left_out(tmp_path: Path) -> None:
    short, other = frame(long_header(0, token=b"")[:10]), frame(b"\x40data").replace(struct.pack("!H", 4433), b"\0\1")
    found = capture.read(written(tmp_path, short, other, b"\0" * 60))
    assert [each.parts for each in found] == [()]


def test_a_server_may_send_three_times_what_came(tmp_path: Path) -> None:
    check = CASES["amplificationlimit"].check
    hello, answer = frame(b"\xc0" + bytes(99)), frame(bytes(300), from_client=False)
    proof = frame(long_header(2))
    assert check(seen(written(tmp_path, hello, answer, proof))) == ""
    assert "400 bytes for 100" in check(
        seen(written(tmp_path, hello, answer, frame(bytes(100), from_client=False), proof))
    )
    assert "no Handshake" in check(seen(written(tmp_path, hello, answer)))
    late = frame(bytes(300), from_client=False, port=4)
    assert check(seen(written(tmp_path, late, hello, late, answer, proof))) == ""


@pytest.mark.parametrize(("case", "ours"), [("chacha20", "CHACHA20_POLY1305"), ("keyupdate", "KeyUpdated")])
def test_our_word_counts(tmp_path: Path, case: str, ours: str) -> None:
    path = written(tmp_path)
    assert CASES[case].check(seen(path, f"handshake HandshakeResult({ours})")) == ""
    assert CASES[case].check(seen(path, "handshake HandshakeResult()")) != ""


def test_marks_have_to_last(tmp_path: Path) -> None:
    marked = [frame(b"\x40", ecn=2, from_client=side) for side in (True, False)] * 10
    assert CASES["ecn"].check(seen(written(tmp_path, *marked))) == ""
    assert "server" in CASES["ecn"].check(seen(written(tmp_path, *marked, *[frame(b"\x40", from_client=False)] * 4)))
    assert "client" in CASES["ecn"].check(seen(written(tmp_path)))


def test_a_client_that_moved_is_answered_there(tmp_path: Path) -> None:
    check = CASES["rebind-port"].check
    before, after = frame(b"\x40", port=1), frame(b"\x40", port=2)
    assert check(seen(written(tmp_path, before))) == "the client has not moved"
    assert "does not send there" in check(seen(written(tmp_path, before, after)))
    assert check(seen(written(tmp_path, before, after, frame(b"\x40", port=2, from_client=False)))) == ""


def test_every_reason_is_about_a_case() -> None:
    for peer in PEERS.values():
        assert {name.split()[-1] for name in peer.cannot} <= set(CASES), peer.name


def test_table_and_picture() -> None:
    outcomes = [
        Outcome("one", "client", "handshake", PASS),
        Outcome("one", "client", "goodput", PASS, "9.1 Mbit/s"),
        Outcome("one", "server", "handshake", FAIL, "a <reason>"),
        Outcome("one", "server", "goodput", CANNOT, "too short"),
    ]
    text = matrix.table(outcomes, {"one": "1.0"})
    assert "| handshake | pass | FAIL |" in text
    assert "| goodput | 9.1 Mbit/s | cannot |" in text
    assert "| one server | goodput | too short |" in text
    assert "In all: 2 pass, 1 fail, 1 peer cannot, 0 not available." in text
    assert "a <reason>" in {each.text for each in ElementTree.fromstring(matrix.picture(outcomes)).iter()}


def test_newer_outcomes_take_their_places() -> None:
    def cell(role: str, case: str, verdict: str) -> dict[str, str]:
        return {"peer": "aioquic", "role": role, "case": case, "verdict": verdict}

    old = {"versions": {"aioquic": "1"}, "outcomes": [cell("server", "retry", PASS), cell("client", "ecn", FAIL)]}
    new = {"versions": {"aioquic": "2"}, "outcomes": [cell("client", "ecn", PASS), cell("client", "handshake", PASS)]}
    assert merged(old, new) == {
        "versions": {"aioquic": "2"},
        "outcomes": [cell("client", "handshake", PASS), cell("client", "ecn", PASS), cell("server", "retry", PASS)],
    }
