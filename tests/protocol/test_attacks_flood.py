# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers with keys that send too much of something: memory, answers and time stay bounded (attacks.md, C)."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from aioquic.tls import Epoch

from kquic.sock import StreamFlags, TransportError, TransportParams

from .frames import F, ack, close, crypto, new_connection_id, numbers, stream
from .hostile import Attack, on_client, on_server
from .looking import look
from .test_batches import UDP_SEGMENT

pytestmark = pytest.mark.usefixtures("bystander")

E = TransportError
SO_MEMINFO, RMEM, BACKLOG = 55, 0, 7
WIDE = TransportParams(max_data=1 << 24, max_stream_data_bidi_remote=1 << 24, max_streams_bidi=4096)
FULL = 1150
KIB, MIB = 1 << 10, 1 << 20
NEW = StreamFlags.NEW


def charged(attack: Attack) -> int:
    """Memory that waits in the victim's socket for its reader."""
    raw = attack.victim.sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36)
    return struct.unpack("9I", raw)[RMEM]


def limit(attack: Attack) -> int:
    """What it may be at most: the receive buffer, and one datagram more."""
    return attack.victim.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) + 70_000


def kernel_memory() -> int:
    """Bytes that the kernel has in slabs."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * KIB for line in lines if line.startswith("Slab:"))


def packed(frames: list[bytes], size: int = 1150) -> list[bytes]:
    """Frames put together as they fit into packets."""
    payloads = [b""]
    for frame in frames:
        if len(payloads[-1]) + len(frame) > size:
            payloads.append(b"")
        payloads[-1] += frame
    return payloads


def answers(attack: Attack) -> list[list[int]]:
    """The types of the frames in all packets that come until it is quiet."""
    found = []
    while packets := attack.peer.read(0.1):
        found += [[frame.type for frame in packet.frames] for packet in packets]
    return found


def hush(attack: Attack) -> None:
    """Acknowledge until the victim has nothing left to say; on a slow machine it may not have begun."""
    attack.peer.alive()
    attack.peer.ack_all()
    while answers(attack):
        attack.peer.ack_all()


def flood(attack: Attack, frames: list[bytes]) -> None:
    """Send them all, as fast as it goes, with a breath now and then."""
    for number, payload in enumerate(packed(frames)):
        attack.peer.send(payload)
        if number % 50 == 49:
            attack.peer.alive()


class TestMemory:
    def test_one_byte_fragments_with_gaps(self) -> None:
        """47: each costs more than its byte; what the socket holds is bounded by the true size."""
        with on_server(WIDE) as attack:
            for payload in packed([stream(0, b"x", 2 * n + 2) for n in range(20_000)]):
                attack.peer.send(payload)
            assert charged(attack) <= limit(attack)
            attack.peer.alive()

    def test_fragments_of_many_streams(self) -> None:
        with on_server(WIDE) as attack:
            frames = [stream(4 * (n % 4000), b"x", 2 * (n // 4000) + 1) for n in range(20_000)]
            for payload in packed(frames):
                attack.peer.send(payload)
            assert charged(attack) <= limit(attack)
            attack.peer.alive()

    def test_fragments_of_tls_messages(self) -> None:
        """12, 23: the number of pieces is bounded, not only their bytes."""
        with on_client() as attack:
            for payload in packed([crypto(b"x", 3000 + 2 * n) for n in range(1000)]):
                attack.peer.send(payload)
            assert attack.peer.closed_with() == E.CRYPTO_BUF_EXCEEDED

    def test_tls_message_far_ahead(self) -> None:
        with on_client() as attack:
            attack.peer.send(crypto(b"x", 1 << 20))
            assert attack.peer.closed_with() == E.CRYPTO_BUF_EXCEEDED

    def test_tls_message_without_end(self) -> None:
        """23: a ticket that is too long is read past, not kept."""
        with on_client() as attack:
            sent = attack.peer.quic._crypto_streams[Epoch.ONE_RTT].sender._buffer_stop
            attack.peer.send(crypto(b"\x04\xff\xff\xff", sent))
            for n in range(500):
                attack.peer.send(crypto(bytes(1000), sent + 4 + 1000 * n))
                if n % 50 == 49:
                    attack.peer.alive()
            assert charged(attack) < 64 * KIB

    def test_stream_data_that_nobody_reads(self) -> None:
        """44, 45: what is not read does not raise the limit."""
        with on_server(TransportParams(max_data=50_000, max_stream_data_bidi_remote=50_000)) as attack:
            for n in range(50):
                attack.peer.send(stream(0, bytes(1000), 1000 * n))
            attack.peer.alive()
            assert charged(attack) <= limit(attack)
            attack.peer.send(stream(0, b"x", 50_000))
            assert attack.peer.closed_with() == E.FLOW_CONTROL

    def test_datagrams_that_nobody_reads(self) -> None:
        """55."""
        with on_server(TransportParams(max_datagram_frame_size=65535)) as attack:
            flood(attack, [numbers(F.DATAGRAM_LEN, 500) + bytes(500)] * 2000)
            assert charged(attack) <= limit(attack)

    def test_streams_opened_by_their_last(self) -> None:
        """43: the lower ones cost nothing until something comes for them."""
        with on_server(WIDE) as attack:
            before = kernel_memory()
            attack.peer.send(stream(4 * 4095, b"x"))
            attack.peer.alive()
            assert kernel_memory() - before < 256 * KIB

    def test_every_second_stream(self) -> None:
        """43: a peer gets the streams that it was allowed, and the memory they take goes with the connection."""
        before = kernel_memory()
        with on_server(WIDE) as attack:
            flood(attack, [numbers(F.STREAM_DATA_BLOCKED, 4 * n, 0) for n in range(4094, 0, -2)])
            assert kernel_memory() - before < 8 * MIB

    def test_acknowledgments_withheld(self) -> None:
        """41: the ledger grows no further than the window."""
        with on_server() as attack:
            attack.peer.send(numbers(F.MAX_DATA, 1 << 40) + numbers(F.MAX_STREAMS_BIDI, 100))
            attack.peer.alive()
            attack.victim.sock.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(100):
                    attack.victim.send_all(bytes(100_000), flags=0x400)
            first = [len(f.strings[0]) for p in attack.peer.read() for f in p.frames if F.STREAM <= f.type < F.MAX_DATA]
            assert first
            packets = 1 + len(answers(attack))
            assert packets * max(first) <= 10 * 65536
            attack.peer.alive()


class TestAnswers:
    def test_challenge_while_the_window_is_full(self) -> None:
        """56: answers obey the window, too; RFC 9000, 8.2.2, lets them wait for that and for nothing else."""
        with on_server() as attack:
            attack.peer.send(numbers(F.MAX_DATA, 1 << 40) + numbers(F.MAX_STREAMS_BIDI, 100))
            attack.peer.alive()
            attack.victim.sock.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(100):
                    attack.victim.send_all(bytes(100_000), flags=0x400)
            answers(attack)
            known = look(attack.victim).numbers
            assert known["bytes_in_flight"] + known["mtu"] > known["cwnd"]
            attack.peer.send(b"\x1aany data")
            assert F.PATH_RESPONSE not in [kind for kinds in answers(attack) for kind in kinds]
            attack.peer.ack_all()
            assert attack.peer.expect(F.PATH_RESPONSE).strings == (b"any data",)

    def test_bulk_data(self) -> None:
        """What comes in batches is acknowledged by the batch, the rest by every second packet."""
        with on_server(WIDE) as attack:
            hush(attack)
            size, nr = 1000, 40
            batches = [
                [attack.peer.packet(stream(0, bytes(size), size * (nr * batch + n))) for n in range(nr)]
                for batch in range(2)
            ]
            for packet in batches[0]:
                attack.peer.raw(packet)
            singly = sum(F.ACK in kinds for kinds in answers(attack))
            attack.peer.udp.setsockopt(socket.SOL_UDP, UDP_SEGMENT, len(batches[1][0]))
            attack.peer.raw(b"".join(batches[1]))
            together = sum(F.ACK in kinds for kinds in answers(attack))
            assert 1 <= singly <= nr // 2 + 2
            assert 1 <= together <= 2

    def test_path_challenges(self) -> None:
        """34: few answers, however many challenges, and only for the newest."""
        with on_server() as attack:
            for n in range(200):
                challenges = [b"\x1a" + (128 * n + m).to_bytes(8, "big") for m in range(128)]
                attack.peer.send(b"".join(challenges))
            responses = sum(kinds.count(F.PATH_RESPONSE) for kinds in answers(attack))
            assert 1 <= responses <= 200 * 8
            attack.peer.alive()

    def test_connection_ids_with_retirement(self) -> None:
        """31: retirements that are never acknowledged end the connection."""
        with on_server() as attack:
            for n in range(200):
                attack.peer.send(new_connection_id(10 + n, 10 + n, b"id%06d" % n))
            assert attack.peer.closed_with() == E.CONNECTION_ID_LIMIT

    def test_retirement_of_ids_before_they_are_sent(self) -> None:
        """32: the next ones cannot be known yet."""
        with on_server() as attack:
            active = attack.peer.quic._peer_cid.sequence_number
            attack.peer.send(b"".join(numbers(F.RETIRE_CONNECTION_ID, n) for n in range(400) if n != active))
            assert attack.peer.closed_with() == E.PROTOCOL_VIOLATION

    def test_retirement_round_after_round(self) -> None:
        """32: new IDs come, as many as were given up and were known."""
        with on_server() as attack:
            known = {cid.sequence_number for cid in attack.peer.quic._peer_cid_available}
            for _ in range(20):
                attack.peer.send(b"".join(numbers(F.RETIRE_CONNECTION_ID, n) for n in known))
                fresh: set[int] = set()
                for frame in attack.peer.frames(F.NEW_CONNECTION_ID, 2.0):
                    fresh |= {frame.numbers[0]} - known
                    if len(fresh) == len(known):
                        break
                assert len(fresh) == len(known)
                attack.peer.ack_all()
                known = fresh
            attack.peer.alive()

    def test_pings(self) -> None:
        """52: at most one ACK for two packets."""
        with on_server() as attack:
            for _ in range(400):
                attack.peer.send(numbers(F.PING))
            acks = sum(F.ACK in kinds for kinds in answers(attack))
            assert 1 <= acks <= 210

    def test_padding_needs_no_answer(self) -> None:
        with on_server() as attack:
            hush(attack)
            for _ in range(200):
                attack.peer.send(bytes(50))
            assert answers(attack) == []
            attack.peer.alive()

    def test_blocked_frames_without_number(self) -> None:
        """49."""
        with on_server() as attack:
            before = kernel_memory()
            flood(attack, [numbers(F.DATA_BLOCKED, n) + numbers(F.STREAMS_BLOCKED_BIDI, n) for n in range(30_000)])
            assert kernel_memory() - before < MIB

    def test_streams_opened_and_reset(self) -> None:
        """44: thousands of streams one after the other, none of them kept."""
        with on_server() as attack:
            before, opened, allowed = kernel_memory(), 0, 100
            deadline = time.monotonic() + 20
            while opened < 2000 and time.monotonic() < deadline:
                batch = range(opened, min(allowed, opened + 40))
                frames = [stream(4 * n, b"x") + numbers(F.RESET_STREAM, 4 * n, 0, 1) for n in batch]
                stops = [numbers(F.STOP_SENDING, 4 * n, 0) for n in batch]
                attack.peer.send(b"".join([numbers(F.PING), *frames, *stops]))
                opened += len(batch)
                for packet in attack.peer.read(0.2):
                    limits = [f.numbers[0] for f in packet.frames if f.type == F.MAX_STREAMS_BIDI]
                    allowed = max([allowed, *limits])
                attack.peer.ack_all()
            assert opened >= 100
            assert charged(attack) <= limit(attack)
            assert kernel_memory() - before < 4 * MIB
            attack.peer.alive()

    def test_reader_of_single_bytes(self) -> None:
        """50: the window is not told byte by byte."""
        limits = TransportParams(max_data=20_000, max_stream_data_bidi_remote=20_000)
        with on_server(limits) as attack:
            flood(attack, [stream(0, bytes(1000), 1000 * n) for n in range(20)])
            hush(attack)
            for _ in range(10_000):
                assert len(attack.victim.recv(1).data) == 1
            updates = [kind for kinds in answers(attack) for kind in kinds if kind in (F.MAX_DATA, F.MAX_STREAM_DATA)]
            assert len(updates) <= 20

    def test_windows_that_grow_by_single_bytes(self) -> None:
        """50: nor does a sender make a packet of each byte that it may send; beside them there are probes."""
        with on_server(max_stream_data=2000) as attack:
            attack.peer.send(numbers(F.MAX_STREAMS_BIDI, 100))
            attack.peer.alive()
            writer = threading.Thread(target=attack.victim.send_all, args=(bytes(3000),), kwargs={"flags": NEW})
            writer.start()
            hush(attack)
            for n in range(1000):
                attack.peer.send(numbers(F.MAX_STREAM_DATA, 1, 2001 + n))
            carried = [kind for kinds in answers(attack) for kind in kinds if F.STREAM <= kind < F.MAX_DATA]
            assert len(carried) <= 100
            hush(attack)
            writer.join()
            attack.peer.alive()

    def test_optimistic_ack(self) -> None:
        """39: sooner or later a number is acknowledged that was left out."""
        with on_server() as attack:
            attack.peer.send(numbers(F.MAX_DATA, 1 << 40) + numbers(F.MAX_STREAM_DATA, 0, 1 << 40) + stream(0, b"x"))
            attack.peer.alive()
            attack.victim.sock.setblocking(False)
            highest = 0
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with suppress(BlockingIOError, OSError):
                    attack.victim.send(bytes(60_000), 0)
                for packet in attack.peer.read(0.05):
                    highest = max(highest, packet.pn)
                    if found := [f for f in packet.frames if f.type == F.CONNECTION_CLOSE]:
                        assert found[0].numbers[0] == E.PROTOCOL_VIOLATION
                        return
                attack.peer.send(ack(highest, highest))
            raise AssertionError("never caught")


class TestEnd:
    def test_close_storm(self) -> None:
        """54: answers to packets in the closing state come ever more rarely."""
        with on_server() as attack:
            attack.victim.shutdown()
            attack.peer.expect(F.CONNECTION_CLOSE_APP)
            for _ in range(200):
                attack.peer.send(numbers(F.PING))
            closes = sum(F.CONNECTION_CLOSE_APP in kinds for kinds in answers(attack))
            assert closes <= 9

    def test_draining_is_silent(self) -> None:
        with on_server() as attack:
            answers(attack)
            attack.peer.send(close(0))
            for _ in range(50):
                attack.peer.send(numbers(F.PING))
            assert answers(attack) == []

    def test_garbage_for_a_connection(self) -> None:
        """15, 25: packets that do not open cost a count each and nothing else."""
        with on_server() as attack:
            hush(attack)
            for _ in range(500):
                attack.peer.raw(b"\x43" + attack.peer.cid + os.urandom(60))
            assert answers(attack) == []
            attack.peer.alive()


def filled(make: Callable[[int], bytes], number: int) -> bytes:
    """The frames of a full packet: one after the other as many as fit, or one and padding."""
    frames, n = b"", 0
    while len(frames) + len(more := make(1000 * number + n)) <= FULL:
        frames, n = frames + more, n + 1
    return frames


#: What packets are full of, by the number of a frame.
WORK: dict[str, Callable[[int], bytes]] = {
    "fragments with gaps": lambda n: stream(4, b"x", 2 * n + 2),
    "fragments of many streams": lambda n: stream(4 * (n % 4000), b"x", 2 * (n // 4000) + 1),
    "challenges": lambda n: b"\x1a" + n.to_bytes(8, "big"),
    "streams opened": lambda n: numbers(F.STREAM_DATA_BLOCKED, 4 * (n % 4000), 0),
    "limits": lambda n: numbers(F.MAX_DATA, 1 << 40),
}


def many_ranges(attack: Attack) -> bytes:
    """An ACK of every second packet of more than five hundred."""
    for number in range(1200):
        attack.peer.send(numbers(F.PING))
        if number % 50 == 49:
            answers(attack)
    first, *others = attack.peer.received[Epoch.ONE_RTT][::-2]
    gaps = [(before - number - 2, 0) for before, number in pairwise([first, *others])]
    return ack(first, 0, gaps)


class TestWork:
    """A packet full of trouble costs no more processor time than some packets of data."""

    PACKETS = 300
    #: Hundreds of frames in a packet, and allocations that KASAN watches.
    FACTOR = 50

    def spent(self, attack: Attack, datagrams: list[bytes]) -> float:
        """What it costs to send them, which on the loopback device is to receive them, too."""
        start = time.thread_time()
        for datagram in datagrams:
            attack.peer.raw(datagram)
        return time.thread_time() - start

    @pytest.mark.parametrize("kind", WORK)
    def test_is_bounded(self, kind: str) -> None:
        with on_server(WIDE) as attack:
            packet = attack.peer.packet
            attack.victim.send_all(bytes(30_000), flags=0x400)
            hush(attack)
            data = [packet(stream(0, bytes(FULL - 20), (FULL - 20) * n)) for n in range(self.PACKETS)]
            usual = self.spent(attack, data)
            hush(attack)
            evil = [packet(filled(WORK[kind], n)) for n in range(self.PACKETS)]
            assert self.spent(attack, evil) < self.FACTOR * usual + 0.1
            attack.peer.alive()

    def test_acks_of_many_ranges(self) -> None:
        """40: hundreds, again and again."""
        with on_server(WIDE) as attack:
            frame = many_ranges(attack)
            assert len(frame) > 500
            data = [attack.peer.packet(bytes(len(frame)) + numbers(F.PING)) for _ in range(self.PACKETS)]
            usual = self.spent(attack, data)
            attack.victim.send_all(bytes(30_000), flags=0x400)
            evil = [attack.peer.packet(frame) for _ in range(self.PACKETS)]
            assert self.spent(attack, evil) < self.FACTOR * usual + 0.1
            attack.peer.alive()
