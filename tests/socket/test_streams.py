# SPDX-License-Identifier: GPL-2.0-or-later
"""Many streams: side by side, of both kinds and both ends, and one after the other without end."""

from __future__ import annotations

import os
import re
import socket
import threading
from pathlib import Path

import pytest

from kquic.sock import Connection, TransportParams
from kquic.sock._abi import StreamFlags
from kquic.sock._cmsg import CONTROL_SPACE, stream_cmsg
from kquic.sock.events import StreamData
from quic_pair import Pair, established, read, relayed

NEW, FIN, UNI = StreamFlags.NEW, StreamFlags.FIN, StreamFlags.UNI


def collect(end: Connection, nr: int) -> dict[int, bytes]:
    """What comes on so many streams up to their FIN."""
    data: dict[int, bytes] = {}
    ended = 0
    while ended < nr:
        part = end.recv()
        assert isinstance(part, StreamData)
        assert part.stream_id is not None
        data[part.stream_id] = data.get(part.stream_id, b"") + part.data
        ended += part.fin
    return data


def send(end: Connection, payloads: dict[int, bytes], piece: int) -> None:
    """A piece of each stream in turn."""
    for stream in payloads:
        end.open_stream(stream, UNI if stream & 2 else 0)
    for start in range(0, max(map(len, payloads.values())), piece):
        for stream, payload in payloads.items():
            rest = payload[start : start + piece]
            last = start + piece >= len(payload)
            if rest:
                end.send_all(rest, stream, FIN if last else 0)


@pytest.mark.parametrize("piece", [100, 5000])
def test_interleaved(pair: Pair, piece: int) -> None:
    """Both ends, both kinds, at the same time."""
    size = 10 * piece
    of_client = {n: os.urandom(size) for n in [*range(0, 80, 4), *range(2, 80, 4)]}
    of_server = {n: os.urandom(size) for n in [*range(1, 80, 4), *range(3, 80, 4)]}
    threads = [
        threading.Thread(target=send, args=(pair.client, of_client, piece)),
        threading.Thread(target=send, args=(pair.server, of_server, piece)),
    ]
    got: list[dict[int, bytes]] = []
    reader = threading.Thread(target=lambda: got.append(collect(pair.client, len(of_server))))
    for thread in (*threads, reader):
        thread.start()
    assert collect(pair.server, len(of_client)) == of_client
    for thread in (*threads, reader):
        thread.join()
    assert got == [of_server]


def test_order_of_writing() -> None:
    """Between streams data goes in the order in which it was written, also while it has to wait for the window."""
    written = [(0, 100_000), (4, 16_000), (0, 30_000), (8, 1), (0, 100), (2, 20_000), (8, 5000)]
    with relayed() as (pair, _):
        for stream in (0, 4, 8, 2):
            pair.client.open_stream(stream, UNI if stream & 2 else 0)
        for stream, size in written:
            assert pair.client.send(bytes(size), stream) == size
        runs: list[tuple[int | None, int]] = []
        while sum(size for _, size in runs) < sum(size for _, size in written):
            part = pair.server.recv()
            assert isinstance(part, StreamData)
            if runs and runs[-1][0] == part.stream_id:
                runs[-1] = (part.stream_id, runs[-1][1] + len(part.data))
            else:
                runs.append((part.stream_id, len(part.data)))
    assert runs == written


def test_blocked_stream_holds_up_nobody() -> None:
    """What a stream has no credit for is not queued, so that the others go on; its own rest follows when it may."""
    with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair:
        pair.client.open_stream(0)
        pair.client.open_stream(4)
        assert pair.client.send(bytes(3000), 0, msg_flags=socket.MSG_DONTWAIT) == 2000
        assert pair.client.send(b"meanwhile", 4) == 9
        assert read(pair.server, 2000) == StreamData(0, bytes(2000), fin=False)
        assert read(pair.server, 9) == StreamData(4, b"meanwhile", fin=False)
        pair.client.send_all(b"the rest", 0)
        assert read(pair.server, 8) == StreamData(0, b"the rest", fin=False)


def slab_bytes() -> int:
    """Memory in the caches that QUIC allocates from."""
    total = 0
    for line in Path("/proc/slabinfo").read_text().splitlines()[2:]:
        name, active, _, size, *_ = line.split()
        if re.match(r"kmalloc-|quic|skbuff", name):
            total += int(active) * int(size)
    return total


def memory_checking() -> bool:
    """The kernel that checks every access is too slow for large numbers, and keeps freed memory aside."""
    return " __asan_load8" in Path("/proc/kallsyms").read_text()


def test_short_streams_without_end() -> None:
    """However many have been, streams leave nothing behind."""
    nr = 5_000 if memory_checking() else 100_000
    mark = nr // 10
    with established(TransportParams(max_streams_uni=4000)) as pair:
        cmsg = stream_cmsg(-1, NEW | FIN | UNI)

        def run() -> None:
            for _ in range(nr):
                pair.client.sock.sendmsg([b"x"], cmsg)

        sender = threading.Thread(target=run)
        sender.start()
        receive = pair.server.sock.recvmsg
        at_mark = 0
        for count in range(nr):
            data, _, flags, _ = receive(10, CONTROL_SPACE)
            assert data == b"x", (count, flags & socket.MSG_CTRUNC)
            if count == mark:
                at_mark = slab_bytes()
        sender.join()
        assert pair.client.open_stream(flags=UNI) == 4 * nr + 2
        # As much may be under way at the mark as a window holds, and less at the end.
        assert slab_bytes() - at_mark < 1 << 20 or memory_checking()
