# SPDX-License-Identifier: GPL-2.0-or-later
"""ksmbd over QUIC against a client of another stack that breaks the rules of the transport (attacks.md, 66)."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable

import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamDataReceived

from .conftest import KSMBD_V4

TIMEOUT = 10.0
PORT = 443
DIALECTS = (0x0210, 0x0300, 0x0302)
PROTOCOL_VIOLATION, STREAM_LIMIT_ERROR = 0x0A, 0x04


def negotiate() -> bytes:
    """An SMB2 NEGOTIATE request (MS-SMB2, 2.2.3) behind its length."""
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + bytes(16)
    body = struct.pack("<HHHHI16sQ", 36, len(DIALECTS), 1, 0, 0, os.urandom(16), 0)
    message = header + body + struct.pack(f"<{len(DIALECTS)}H", *DIALECTS)
    return struct.pack(">I", len(message)) + message


class Client(QuicConnectionProtocol):
    """Says what it is told to say, and keeps what comes."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.received = bytearray()
        self.ended: ConnectionTerminated | None = None
        self.news = asyncio.Event()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived) and event.stream_id == 0:
            self.received += event.data
        elif isinstance(event, ConnectionTerminated):
            self.ended = event
        self.news.set()

    def say(self, data: bytes, stream: int = 0) -> None:
        """Send bytes on a stream."""
        self._quic.send_stream_data(stream, data)
        self.transmit()

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait for something that events bring about."""
        async with asyncio.timeout(TIMEOUT):
            while not reached():
                self.news.clear()
                await self.news.wait()

    async def answer(self) -> None:
        """The server's answer to NEGOTIATE."""
        await self.until(lambda: len(self.received) > 68)
        assert self.received[4:8] == b"\xfeSMB"
        assert struct.unpack_from("<I", self.received, 12) == (0,), "a status other than success"


Talk = Callable[[Client], Awaitable[None]]


@pytest.fixture
def talk(ksmbd, net, certs) -> Callable[[Talk], None]:
    """Has a conversation with ksmbd, from the client's host."""

    async def run(conversation: Talk) -> None:
        config = QuicConfiguration(alpn_protocols=["smb"], server_name="ksmbd.test", idle_timeout=20)
        config.load_verify_locations(certs.ca)
        config.max_datagram_frame_size = 65535
        async with connect(KSMBD_V4, PORT, configuration=config, create_protocol=Client) as client:
            assert isinstance(client, Client)
            await conversation(client)

    def begin(conversation: Talk) -> None:
        with net.cli.entered():
            asyncio.run(run(conversation))

    return begin


async def sound(client: Client) -> None:
    """What a good client does."""
    client.say(negotiate())
    await client.answer()


@pytest.mark.parametrize("size", [1, 3, 64])
def test_split_anywhere(talk: Callable[[Talk], None], size: int) -> None:
    async def slow(client: Client) -> None:
        request = negotiate()
        for at in range(0, len(request), size):
            client.say(request[at : at + size])
        await client.answer()

    talk(slow)


LENGTHS = {"zero": 0, "shorter than a header": 63, "over the limit": 0x00FFFFFF, "of more than three bytes": 0xFFFFFFFF}


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS.keys())
def test_bad_length_ends_the_connection_and_nothing_else(talk: Callable[[Talk], None], length: int) -> None:
    async def hostile(client: Client) -> None:
        client.say(struct.pack(">I", length) + negotiate()[4:])
        await client.until(lambda: client.ended)

    talk(hostile)
    talk(sound)


#: Number, and the code of the end: a second stream both ways is above the limit, one that is one-way ksmbd closes for.
FURTHER = {"both ways": (4, STREAM_LIMIT_ERROR), "one way": (2, 0)}


@pytest.mark.parametrize(("stream", "code"), FURTHER.values(), ids=FURTHER.keys())
def test_further_stream(talk: Callable[[Talk], None], stream: int, code: int) -> None:
    """SMB has one stream (MS-SMB2, 2.1)."""

    async def hostile(client: Client) -> None:
        client.say(negotiate())
        await client.answer()
        client._quic._remote_max_streams_bidi = client._quic._remote_max_streams_uni = 100
        client.say(negotiate(), stream)
        await client.until(lambda: client.ended)
        assert client.ended
        assert client.ended.error_code == code

    talk(hostile)
    talk(sound)


def test_datagram(talk: Callable[[Talk], None]) -> None:
    """RFC 9221, 3: nobody has asked for any."""

    async def hostile(client: Client) -> None:
        client.say(negotiate())
        await client.answer()
        client._quic._remote_max_datagram_frame_size = 65535
        client._quic.send_datagram_frame(negotiate())
        client.transmit()
        await client.until(lambda: client.ended)
        assert client.ended
        assert client.ended.error_code == PROTOCOL_VIOLATION

    talk(hostile)
    talk(sound)
