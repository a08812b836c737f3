# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP connection of a program and one QUIC connection, joined message by message.

The program has a connection on which Calls and Replies of both ends are mixed, as RPC over TCP has it; the other end
has the streams that RPC over QUIC wants: the caller's own for Calls, and another for callbacks.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress

from kquic.sock import StreamData, StreamFlags
from kquic.sock.aio import AsyncConnection

from .records import MalformedRecord, Records, Routes, record

log = logging.getLogger(__name__)
ALPN = "sunrpc"
READ_SIZE = 1 << 18
#: Of unfinished messages, on all streams of a client.
MOST_KEPT = 32 << 20


class Link:
    """Carries messages until either connection ends, then ends the other."""

    def __init__(
        self,
        connection: AsyncConnection,
        program: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        is_server: bool,
        streams: int = 1,
    ) -> None:
        """Args:
        streams: how many the own Calls are spread over, if the peer allows as many.
        """
        self._connection, self._streams = connection, streams
        self._reader, self._writer = program
        self._routes = Routes(is_server=is_server)

    async def run(self) -> None:
        """Carry."""
        tasks = {asyncio.create_task(self._to_program()), asyncio.create_task(self._from_program())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (OSError, MalformedRecord) as error:
            log.info("a connection ended: %s", error)
        finally:
            for task in tasks:
                task.cancel()
            self._writer.close()
            self._connection.close()

    async def _to_program(self) -> None:
        arriving: dict[int, Records] = {}
        while True:
            message = await self._connection.recv(READ_SIZE)
            if not isinstance(message, StreamData):
                continue
            stream = message.stream_id or 0
            for whole in arriving.setdefault(stream, Records()).feed(message.data):
                if self._routes.admits(stream, whole):
                    self._writer.write(record(whole))
            if sum(records.kept for records in arriving.values()) > MOST_KEPT:
                raise MalformedRecord(f"more than {MOST_KEPT} bytes of unfinished messages")
            await self._writer.drain()
            if message.fin:
                del arriving[stream]

    async def _from_program(self) -> None:
        records = Records()
        program = self._writer.get_extra_info("socket")
        while data := await self._reader.read(READ_SIZE):
            # Who writes fragments one by one would wait for a delayed acknowledgment before each second one.
            program.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            for message in records.feed(data):
                if self._routes.is_call(message) and not self._routes.own:
                    await self._open()
                stream = self._routes.stream_for(message)
                if stream is not None:
                    await self._connection.send_all(record(message), stream)

    async def _open(self) -> None:
        """At least one stream, for which the peer may have to give its permission first."""
        self._routes.own.append(await self._connection.open_stream())
        with suppress(BlockingIOError):
            while len(self._routes.own) < self._streams:
                self._routes.own.append(self._connection.connection.open_stream(-1, StreamFlags.DONTWAIT))
