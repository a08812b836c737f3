# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway on aioquic's QUIC, in front of an NFS server that knows TCP only: a stack that shares nothing with ours.

A program of its own, for the process that uses a mount must not have to serve it. It says what happens. After SIGUSR1
the next large reply arrives with a hole, which SIGUSR2 fills; stopped by SIGSTOP, it neither reads nor answers.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, QuicEvent, StreamDataReceived, StreamReset
from aioquic.quic.stream import QuicStreamSender

from kquic.lab.program import Program
from kquic.lab.topology import Host
from kquic.rpc.records import Records, Routes, record
from kquic.tls.testca import KeyFiles

READ_SIZE = 1 << 18
#: What is a large reply.
LARGE = 1 << 16


@dataclass
class Hole:
    """What is missing of a reply: these bytes of its stream."""

    front: Front
    sender: QuicStreamSender
    start: int
    stop: int


@dataclass
class Gateway:
    """What is to happen to the next large reply, and what has."""

    losing: bool = False
    hole: Hole | None = None

    def lose(self) -> None:
        """Of the next large reply, something."""
        self.losing = True

    def fill(self) -> None:
        """Send what was missing."""
        if self.hole:
            self.hole.sender._pending.add(self.hole.start, self.hole.stop)
            self.hole.sender.buffer_is_empty = False
            self.hole.front.transmit()


class Front(QuicConnectionProtocol):
    """One client, and the TCP connection that is made for it."""

    gateway: Gateway
    port: int

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._routes = Routes(is_server=True)
        self._arriving: dict[int, Records] = {}
        self._calls: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, HandshakeCompleted):
            print("connected", flush=True)
            self._task = asyncio.ensure_future(self._carry())
        elif isinstance(event, StreamDataReceived):
            for message in self._arriving.setdefault(event.stream_id, Records()).feed(event.data):
                if self._routes.admits(event.stream_id, message):
                    self._calls.put_nowait(message)
        elif isinstance(event, StreamReset):
            print(f"reset {event.stream_id}", flush=True)
            self._arriving.pop(event.stream_id, None)
            self._quic.send_stream_data(event.stream_id, b"", end_stream=True)
        elif isinstance(event, ConnectionTerminated) and self._task:
            self._task.cancel()

    async def _carry(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        forth = asyncio.ensure_future(self._to_server(writer))
        try:
            await self._from_server(reader)
        finally:
            forth.cancel()
            writer.close()
            self.close()

    async def _to_server(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(record(await self._calls.get()))
            await writer.drain()

    async def _from_server(self, reader: asyncio.StreamReader) -> None:
        records = Records()
        while data := await reader.read(READ_SIZE):
            for message in records.feed(data):
                if self._routes.is_call(message) and not self._routes.own:
                    self._routes.own.append(self._quic.get_next_available_stream_id())
                stream = self._routes.stream_for(message)
                if stream is not None:
                    self._send(stream, record(message))
            self.transmit()

    def _send(self, stream: int, data: bytes) -> None:
        self._quic.send_stream_data(stream, data)
        if not self.gateway.losing or len(data) < LARGE:
            return
        sender = self._quic._streams[stream].sender
        end = sender._buffer_stop
        self.gateway.hole = Hole(self, sender, end - len(data) // 2 - 100, end - len(data) // 2)
        sender._pending.subtract(self.gateway.hole.start, self.gateway.hole.stop)
        self.gateway.losing = False
        print("hole", flush=True)


async def run(args: argparse.Namespace) -> None:
    """Serve for ever."""
    config = QuicConfiguration(alpn_protocols=["sunrpc"], is_client=False, idle_timeout=60, max_stream_data=args.window)
    config.load_cert_chain(args.cert, args.key)
    gateway, loop = Gateway(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, gateway.lose)
    loop.add_signal_handler(signal.SIGUSR2, gateway.fill)
    front = type("BoundFront", (Front,), {"gateway": gateway, "port": args.to})
    await serve("0.0.0.0", args.listen, configuration=config, create_protocol=front)
    print("ready", flush=True)
    await asyncio.Event().wait()


def aioquic_gateway(host: Host, keys: KeyFiles, listen: int, to: int, window: int = 1 << 20) -> Program:
    """A gateway on a host, for a TCP port of the same host; to be entered as a context.

    Args:
        window: bytes that the client may have under way on a stream.
    """
    argv = [sys.executable, __file__, str(listen), str(to), str(window), keys.cert, keys.key]
    return Program(host, argv, ready="ready")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("listen", "to", "window"):
        parser.add_argument(name, type=int)
    for name in ("cert", "key"):
        parser.add_argument(name, type=Path)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
