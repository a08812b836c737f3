# SPDX-License-Identifier: GPL-2.0-or-later
"""knfsd against a client of another QUIC stack, which keeps to the rules or does not."""

from __future__ import annotations

import asyncio
import struct

import pytest

from .rpc_client import AUTH_TLS, LAST, REPLY, RpcConnection, null_call, record, with_server


@pytest.fixture
def talk(nfsd, net, certs):
    """Talks to the server by RPC."""

    def run(conversation, alpn: str = "sunrpc"):
        return with_server(net.cli, certs.ca, conversation, alpn)

    return run


@pytest.mark.smoke
def test_reply_comes_on_the_stream_of_the_call(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        streams = [peer.open() for _ in range(4)]
        for number, stream in enumerate(streams):
            peer.send(stream, record(null_call(100 + number)))
        for number, stream in enumerate(streams):
            assert struct.unpack_from(">II", await peer.reply(stream)) == (100 + number, REPLY)
        assert all(len(peer.received[stream]) == 28 for stream in streams)

    talk(conversation)


def test_calls_on_one_stream_are_answered_one_by_one(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        stream = peer.open()
        peer.send(stream, b"".join(record(null_call(xid)) for xid in range(1, 21)))
        await peer.reply(stream, 20)
        xids = [struct.unpack_from(">I", await peer.reply(stream, number))[0] for number in range(1, 21)]
        assert sorted(xids) == list(range(1, 21))

    talk(conversation)


@pytest.mark.parametrize("cuts", [(4,), (3, 9), (0, 8, 8, 40), (1, 2, 3, 5, 8, 13, 21, 34)])
def test_fragments(talk, cuts: tuple[int, ...]) -> None:
    async def conversation(peer: RpcConnection) -> None:
        stream = peer.open()
        peer.send(stream, record(null_call(7), *cuts))
        assert struct.unpack_from(">II", await peer.reply(stream)) == (7, REPLY)
        await peer.call(stream, 8)

    talk(conversation)


def test_bytes_may_come_one_by_one(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        one, other = peer.open(), peer.open()
        for number, byte in enumerate(record(null_call(9), 17)):
            peer.send(one, bytes([byte]))
            if number % 16 == 0:
                await peer.call(other, number)
        assert struct.unpack_from(">II", await peer.reply(one)) == (9, REPLY)

    talk(conversation)


def test_reply_on_a_stream_of_the_client_is_dropped(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        stream = peer.open()
        peer.send(stream, record(struct.pack(">IIIIII", 5, REPLY, 0, 0, 0, 0)))
        peer.send(stream, record(struct.pack(">II", 6, 77)))
        await peer.call(stream, 10)

    talk(conversation)


def test_no_starttls(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        stream = peer.open()
        peer.send(stream, record(null_call(11, AUTH_TLS)))
        assert b"STARTTLS" not in await peer.reply(stream)

    talk(conversation)


def test_what_is_lost_of_one_stream_delays_no_other(talk) -> None:
    """The middle of a call is missing and its end is there: calls on other streams are answered as ever."""

    async def conversation(peer: RpcConnection) -> None:
        holed, others = peer.open(), [peer.open() for _ in range(3)]
        peer.send_with_hole(holed, record(null_call(99)), 10, 30)
        for xid in range(1, 8):
            for stream in others:
                await peer.call(stream, xid)
        assert holed not in peer.received
        peer.fill_hole(holed, 10, 30)
        assert struct.unpack_from(">II", await peer.reply(holed)) == (99, REPLY)

    talk(conversation)


def test_streams_beyond_the_limit_wait_for_others_to_end(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        streams = [peer.open() for _ in range(20)]
        for xid, stream in enumerate(streams):
            peer.send(stream, record(null_call(xid)))
        for stream in streams[:16]:
            await peer.reply(stream)
        assert not peer.received.keys() & set(streams[16:])
        for stream in streams[:4]:
            peer.send(stream, b"", end=True)
        for stream in streams[16:]:
            await peer.reply(stream)

    talk(conversation)


def test_streams_come_and_go(talk) -> None:
    """Far more than may be open at a time."""

    async def conversation(peer: RpcConnection) -> None:
        for xid in range(1, 41):
            stream = peer.open()
            peer.send(stream, record(null_call(xid)), end=True)
            await peer.reply(stream)
            await peer.until(lambda stream=stream: stream in peer.ended)

    talk(conversation)


def test_reset_stream_disturbs_no_other(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        good = peer.open()
        await peer.call(good, 1)
        for xid in range(2, 30):
            bad = peer.open()
            peer.send(bad, record(null_call(xid))[:20])
            peer.reset(bad)
            await peer.call(good, xid)

    talk(conversation)


@pytest.mark.parametrize(
    "junk",
    [
        struct.pack(">I", LAST | 0x7FFFFFFF) + bytes(2 << 20),
        struct.pack(">I", LAST | 4) + b"tiny",
        struct.pack(">I", LAST),
    ],
    ids=["too long", "too short", "empty"],
)
def test_junk_ends_the_connection_and_nothing_else(talk, junk: bytes) -> None:
    async def conversation(peer: RpcConnection) -> None:
        peer.send(peer.open(), junk)
        await peer.until(lambda: peer.terminated is not None)

    async def sound(peer: RpcConnection) -> None:
        await peer.call(peer.open(), 1)

    talk(conversation)
    talk(sound)


def test_another_protocol_is_refused(talk) -> None:
    async def conversation(peer: RpcConnection) -> None:
        await asyncio.sleep(0)

    with pytest.raises(ConnectionError):
        talk(conversation, alpn="smb")
