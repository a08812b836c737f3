# SPDX-License-Identifier: GPL-2.0-or-later
"""Several tasks that read one connection, in asyncio."""

from __future__ import annotations

import asyncio
import errno

import pytest

from kquic.sock import AsyncConnection
from quic_pair import Pair, read

NEW = 0x400
LIMIT = 60.0


def test_every_task_gets_what_it_waits_for(pair: Pair) -> None:
    """Whoever has read it, and although nothing comes after it."""

    async def run() -> list[bytes]:
        async with AsyncConnection(pair.client) as client:
            streams = [await client.open_stream() for _ in range(4)]
            for stream in streams:
                await client.send_all(b"?", stream)
                read(pair.server, 1)
            waiting = [asyncio.create_task(client.recv_stream(stream)) for stream in streams]
            await asyncio.sleep(0)
            answers = []
            for stream, task in reversed(list(zip(streams, waiting, strict=True))):
                pair.server.send(b"%d" % stream, stream)
                answers.append(await asyncio.wait_for(task, LIMIT))
            return answers

    assert asyncio.run(run()) == [b"12", b"8", b"4", b"0"]


def test_what_has_come_is_not_waited_for(pair: Pair) -> None:
    """A task that begins to read a stream while another waits for the next stream."""

    async def run() -> bytes:
        async with AsyncConnection(pair.client) as client:
            pair.server.send(b"hello", 1, NEW)
            stream = await asyncio.wait_for(client.accept_stream(), LIMIT)
            next_one = asyncio.create_task(client.accept_stream())
            await asyncio.sleep(0)
            data = await asyncio.wait_for(client.recv_stream(stream), LIMIT)
            next_one.cancel()
            return data

    assert asyncio.run(run()) == b"hello"


def test_a_reader_that_gives_up_and_the_end(pair: Pair) -> None:
    """Another task goes on reading; all of them learn that the connection is over."""

    async def run() -> None:
        async with AsyncConnection(pair.client) as client:
            first, *others = [asyncio.create_task(client.accept_stream()) for _ in range(3)]
            await asyncio.sleep(0)
            first.cancel()
            pair.server.close()
            for error in await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), LIMIT):
                assert isinstance(error, OSError)
                assert error.errno == errno.ENOTCONN
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(run())
