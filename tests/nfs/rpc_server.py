# SPDX-License-Identifier: GPL-2.0-or-later
"""RPC over aioquic's QUIC: a server that answers NULL calls, after whatever a test wants to send first."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent, StreamDataReceived

from kquic.lab.topology import Host
from kquic.tls.testca import KeyFiles

from .rpc_client import REPLY, messages, record

CALL_HEAD = struct.Struct(">IIIIII")
#: XID, REPLY, accepted, no verifier, and "no such procedure" or success.
PROC_UNAVAIL, SUCCESS = 3, 0

Answer = Callable[[QuicConnection, int, bytes], None]


@dataclass(frozen=True, slots=True)
class Call:
    """A Call that has come: its stream, transaction, and procedure."""

    stream: int
    xid: int
    procedure: int


def reply(xid: int, status: int) -> bytes:
    """An accepted Reply without results."""
    return struct.pack(">IIIIII", xid, REPLY, 0, 0, 0, status)


@dataclass
class RpcServer:
    """What the server has seen, and what it does.

    Attributes:
        answer: sends a Reply on a connection's stream; a test may put something else in its place.
    """

    answer: Answer
    calls: list[Call] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)
    connections: int = 0


def plainly(quic: QuicConnection, stream: int, message: bytes) -> None:
    """Send a Reply as it ought to be."""
    quic.send_stream_data(stream, record(message))


def _withhold_credit(protocol: QuicConnectionProtocol, seconds: float) -> None:
    """What was read on streams gives the client no new credit for so long."""
    quic = protocol._quic
    write = quic._write_stream_limits
    quic._write_stream_limits = lambda *_, **__: None  # type: ignore[method-assign]

    def give() -> None:
        quic._write_stream_limits = write  # type: ignore[method-assign]
        quic.send_ping(0)
        protocol.transmit()

    asyncio.get_running_loop().call_later(seconds, give)


def _protocol(server: RpcServer, streams: int | None, credit_after: float) -> type[QuicConnectionProtocol]:
    class Serving(QuicConnectionProtocol):
        """One connection of a client."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            self._data: dict[int, bytes] = {}
            if streams is not None:
                self._quic._local_max_streams_bidi.value = streams
            if credit_after:
                _withhold_credit(self, credit_after)
            server.connections += 1

        def quic_event_received(self, event: QuicEvent) -> None:
            if not isinstance(event, StreamDataReceived):
                return
            data = self._data.get(event.stream_id, b"") + event.data
            for message in messages(data):
                data = data[4 + len(message) :]
                self._take(event.stream_id, message)
            self._data[event.stream_id] = data
            self.transmit()

        def _take(self, stream: int, message: bytes) -> None:
            xid, direction, _, _, _, procedure = CALL_HEAD.unpack_from(message)
            if direction == REPLY:
                server.replies.append(message)
                return
            server.calls.append(Call(stream, xid, procedure))
            server.answer(self._quic, stream, reply(xid, PROC_UNAVAIL if procedure else SUCCESS))

    return Serving


@contextmanager
def serving(
    host: Host,
    address: str,
    port: int,
    keys: KeyFiles,
    answer: Answer = plainly,
    *,
    streams: int | None = None,
    window: int = 1 << 20,
    credit_after: float = 0,
) -> Iterator[RpcServer]:
    """An RPC server on a host, for as long as the context lasts.

    Args:
        streams: how many the client may open, if not as many as aioquic likes.
        window: bytes that the client may have under way on one of them.
        credit_after: seconds of a connection in which the client gets no more than that.
    """
    server = RpcServer(answer)
    config = QuicConfiguration(is_client=False, alpn_protocols=["sunrpc"], idle_timeout=20, max_stream_data=window)
    config.load_cert_chain(keys.cert, keys.key)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        end = asyncio.Event()
        protocol = _protocol(server, streams, credit_after)
        listener = await serve(address, port, configuration=config, create_protocol=protocol)
        started.set_result((asyncio.get_running_loop(), end))
        await end.wait()
        listener.close()

    def run() -> None:
        with host.entered():
            asyncio.run(main())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    loop, end = started.result(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
