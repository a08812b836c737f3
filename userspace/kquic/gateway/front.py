# SPDX-License-Identifier: GPL-2.0-or-later
"""The gateway: accepts QUIC connections, carries their streams to a TCP server.

SMB has one stream, which becomes one TCP connection. RPC has several, and callbacks on others; see `kquic.rpc.link`.

A client's data goes to the server before more of it is read, so that QUIC's flow control bounds what the gateway holds.
A TCP connection that stalls therefore holds up the other streams of its client.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass

from kquic.rpc.link import Link
from kquic.sock import RecvState, StreamData, StreamFlags, StreamUpdated
from kquic.sock.aio import AsyncConnection, AsyncListener
from kquic.tls import ServerSettings, TlsError, server_handshake_async

log = logging.getLogger(__name__)
HANDSHAKE_TIMEOUT = 10.0
CONNECT_TIMEOUT = 10.0
READ_SIZE = 1 << 18
#: Application error code for a client whose server does not answer.
NO_SERVER = 1


@dataclass(frozen=True, slots=True)
class Target:
    """The TCP server."""

    host: str
    port: int


class Front:
    """One client."""

    def __init__(self, connection: AsyncConnection, target: Target, settings: ServerSettings) -> None:
        self._connection, self._target, self._settings = connection, target, settings
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._pumps: dict[int, asyncio.Task[None]] = {}
        self._carrier: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the client until it goes, or the server has ended all of its connections."""
        try:
            await server_handshake_async(self._connection, self._settings, HANDSHAKE_TIMEOUT)
            self._carrier = carrier = asyncio.create_task(self._carry())
            await asyncio.wait({carrier})
            if not carrier.cancelled():
                carrier.result()
        except (TlsError, OSError, TimeoutError) as error:
            log.info("a client's connection ended: %s", error)
        finally:
            for task in filter(None, (*self._pumps.values(), self._carrier)):
                task.cancel()
            for writer in self._writers.values():
                writer.close()
            self._connection.close()

    async def _carry(self) -> None:
        while True:
            message = await self._connection.recv(READ_SIZE)
            if isinstance(message, StreamData):
                await self._to_server(message)
            elif isinstance(message, StreamUpdated) and message.state == RecvState.RESET_RECVD:
                self._abort(message.stream_id)

    def _abort(self, stream_id: int) -> None:
        if writer := self._writers.get(stream_id):
            writer.transport.abort()

    async def _to_server(self, message: StreamData) -> None:
        stream_id = message.stream_id or 0
        if stream_id not in self._writers:
            await self._open(stream_id)
        writer = self._writers[stream_id]
        with suppress(ConnectionError):  # the server has gone; who reads from it tells the client
            writer.write(message.data)
            await writer.drain()
            if message.fin:
                writer.write_eof()

    async def _open(self, stream_id: int) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(self._target.host, self._target.port)
        except (OSError, TimeoutError):
            self._connection.connection.set_close_info(NO_SERVER, "the server behind the gateway does not answer")
            raise
        self._writers[stream_id] = writer
        self._pumps[stream_id] = asyncio.create_task(self._from_server(stream_id, reader))

    async def _from_server(self, stream_id: int, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(READ_SIZE):
                await self._connection.send_all(data, stream_id)
            await self._connection.send(b"", stream_id, StreamFlags.FIN)
        others = [pump for number, pump in self._pumps.items() if number != stream_id]
        if self._carrier and all(pump.done() for pump in others):
            self._carrier.cancel()  # close() delivers what was sent, shutdown() would not wait for it


class RpcFront:
    """One client of an RPC server: its whole connection becomes one TCP connection.

    So what RPC programs bind to connections stays bound, and callbacks have a way.
    """

    def __init__(self, connection: AsyncConnection, target: Target, settings: ServerSettings) -> None:
        self._connection, self._target, self._settings = connection, target, settings

    async def run(self) -> None:
        """Serve the client until it or the server goes."""
        try:
            await server_handshake_async(self._connection, self._settings, HANDSHAKE_TIMEOUT)
            async with asyncio.timeout(CONNECT_TIMEOUT):
                program = await asyncio.open_connection(self._target.host, self._target.port)
        except (TlsError, OSError, TimeoutError) as error:
            log.info("a client's connection ended: %s", error)
            self._connection.connection.set_close_info(NO_SERVER, "the server behind the gateway does not answer")
            self._connection.close()
            return
        await Link(self._connection, program, is_server=True).run()


#: By ALPN protocol.
FRONTS: dict[str, type[Front] | type[RpcFront]] = {"smb": Front, "sunrpc": RpcFront}


async def serve(listener: AsyncListener, target: Target, settings: ServerSettings, limit: int) -> None:
    """Accept clients for ever; beyond `limit` at a time, they are turned away."""
    (protocol,) = settings.alpn
    front = FRONTS[protocol]
    clients: set[asyncio.Task[None]] = set()
    while True:
        connection = await listener.accept()
        if len(clients) >= limit:
            connection.close()
            continue
        client = asyncio.create_task(front(connection, target, settings).run())
        clients.add(client)
        client.add_done_callback(clients.discard)
