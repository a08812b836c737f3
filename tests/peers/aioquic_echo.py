# SPDX-License-Identifier: GPL-2.0-or-later
"""aioquic as an independent peer: an echo server, or a client of one.

    aioquic_echo.py server --address A --port P --cert C --key K --alpn NAME
    aioquic_echo.py client --address A --port P --ca CA --name SERVER --alpn NAME --bytes N

The server returns each stream's bytes when the stream has ended. The client
sends N random bytes, ends the stream, and compares what comes back.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived
from aioquic.tls import CipherSuite

CIPHERS = {
    "aes128": CipherSuite.AES_128_GCM_SHA256,
    "aes256": CipherSuite.AES_256_GCM_SHA384,
    "chacha20": CipherSuite.CHACHA20_POLY1305_SHA256,
}


class Echo(QuicConnectionProtocol):
    """Collects a stream and sends it back."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._streams: dict[int, bytearray] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if not isinstance(event, StreamDataReceived):
            return
        data = self._streams.setdefault(event.stream_id, bytearray())
        data += event.data
        if event.end_stream:
            print(f"stream {event.stream_id}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}", flush=True)
            self._quic.send_stream_data(event.stream_id, bytes(data), True)
            self.transmit()


def configuration(args: argparse.Namespace) -> QuicConfiguration:
    config = QuicConfiguration(
        is_client=args.role == "client",
        alpn_protocols=[args.alpn],
        max_data=32 << 20,
        max_stream_data=32 << 20,
        idle_timeout=60.0,
    )
    if args.cipher:
        config.cipher_suites = [CIPHERS[args.cipher]]
    return config


async def server(args: argparse.Namespace) -> None:
    config = configuration(args)
    config.load_cert_chain(args.cert, args.key)
    await serve(args.address, args.port, configuration=config, create_protocol=Echo, retry=args.retry)
    print("ready", flush=True)
    await asyncio.Future()


async def client(args: argparse.Namespace) -> None:
    config = configuration(args)
    config.load_verify_locations(args.ca)
    config.server_name = args.name
    data = os.urandom(args.bytes)
    async with connect(args.address, args.port, configuration=config) as peer:
        reader, writer = await peer.create_stream()
        writer.write(data)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 100)
        print(f"sent {hashlib.sha256(data).hexdigest()} received {hashlib.sha256(answer).hexdigest()}")
        if answer != data:
            raise SystemExit("the echo differs")
    print("equal", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("client", "server"))
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--ca")
    parser.add_argument("--name")
    parser.add_argument("--alpn", default="echo")
    parser.add_argument("--cipher", choices=CIPHERS)
    parser.add_argument("--bytes", type=int, default=10 << 20)
    parser.add_argument("--retry", action="store_true")
    args = parser.parse_args()
    asyncio.run(server(args) if args.role == "server" else client(args))


if __name__ == "__main__":
    main()
