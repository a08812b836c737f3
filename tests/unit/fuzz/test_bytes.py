# SPDX-License-Identifier: GPL-2.0-or-later
"""What the harness makes of bytes: frames, transport parameters, packets, edges."""

from __future__ import annotations

import struct
from random import Random

import pytest

from kquic.fuzz import frames, tparams, tun
from kquic.fuzz.coverage import edges
from kquic.fuzz.keys import V1, V2, Level
from kquic.fuzz.peer import Peer


def test_frames_come_apart_and_together() -> None:
    rng = Random(3)
    for _ in range(500):
        payload = frames.some(rng)
        split = frames.split(payload)
        assert frames.split(frames.join(*split)) == split
        assert len(frames.mutate(rng, payload)) <= 1300


def test_padding_is_skipped() -> None:
    split, rest = frames.split(bytes(1000) + b"\x01" + bytes(100) + b"\x1e")
    assert [kind for kind, _ in split] == [1, 0x1E]
    assert not rest


def test_what_is_no_frame_is_left_over() -> None:
    assert frames.split(b"\x01\x21\x00") == ([(1, [])], b"\x21\x00")


def test_ack_of_numbers_with_gaps() -> None:
    assert frames.ack([9, 8, 5, 3, 2]) == bytes([2, 9, 0, 2, 1, 1, 0, 0, 1])


def test_parameters_come_apart_and_together() -> None:
    rng = Random(3)
    body = tparams.join(tparams.preset(0))
    assert tparams.join(tparams.split(body)[0]) == body
    for _ in range(300):
        body = tparams.mutate(rng, body)
        params, rest = tparams.split(body)
        assert len(tparams.join(params)) + len(rest) <= len(body)


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("cipher", [51, 52, 54])
@pytest.mark.parametrize("level", list(Level))
def test_two_peers_understand_each_other(level: Level, cipher: int, version: int) -> None:
    client = Peer(False, version, cipher, b"cccccccc", b"original", cids=[b"ssssssss"])
    server = Peer(True, version, cipher, b"ssssssss", b"original", cids=[b"cccccccc"])
    for number in range(3):
        datagram = client.packet(level, b"\x01\x01\x01\x01", skip=2)
        assert list(server.open(datagram)) == [(level, 2 + 3 * number, b"\x01\x01\x01\x01")]
        server.hear(datagram)
    assert server.ack(level) == bytes([2, 8, 0, 2, 0, 1, 0, 1, 0])


def test_edges_are_pairs() -> None:
    def walked(*blocks: int) -> frozenset[int]:
        return edges(struct.pack(f"<{len(blocks)}Q", *blocks))

    high = 0x7FFF_FFFF_F000
    assert len(walked(high, high + 8, high, high + 8)) == 3
    assert walked(high, high + 8) != walked(high + 8, high)
    assert walked(high, high + 8, high + 16) > walked(high, high + 8) - walked(high + 8)
    assert not walked()


def test_packets_carry_what_the_kernel_checks() -> None:
    flow = tun.Flow(4, bytes([10, 9, 0, 2]), 1, bytes([10, 9, 0, 1]), 2)
    assert tun.checksum(tun.ip_header(flow, tun.UDP, 100)) == 0
    packet = tun.ip_header(flow, tun.UDP, 11) + struct.pack(">HHHH", 7, 8, 11, 0) + b"abc"
    heard = tun.parse(packet)
    assert heard
    assert (heard.data, heard.flow.host_port, heard.flow.peer_port) == (b"abc", 7, 8)
