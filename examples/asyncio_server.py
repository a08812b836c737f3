#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server with asyncio: many clients at once, many streams of each at once.

asyncio_server.py --port 4433 --cert server.pem --key server.key

A client opens a stream, writes a line of text and ends it; the answer is the
same in capital letters. A client that needs long for its line holds up nobody.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from kquic.sock import AsyncConnection, AsyncListener, StreamReset, listen
from kquic.tls import KeyPair, ServerSettings, TlsError, X509Credentials, server_handshake_async

ALPN = ("capitals",)
LONGEST = 65536


async def answer(connection: AsyncConnection, stream: int) -> None:
    """One question. A client that gives it up, or goes on for too long, gets no answer."""
    text = b""
    try:
        while part := await connection.recv_stream(stream):
            text += part
            if len(text) > LONGEST:
                connection.connection.reset_stream(stream, 1)
                return
        await connection.send_all(text.decode("utf-8", "replace").upper().encode(), stream, fin=True)
    except (OSError, StreamReset):
        return


async def serve(connection: AsyncConnection, settings: ServerSettings) -> None:
    """One client, until it leaves."""
    async with connection:
        try:
            await server_handshake_async(connection, settings)
        except TlsError as error:
            print(f"refused: {error}", flush=True)
            return
        questions: set[asyncio.Task[None]] = set()
        try:
            while True:
                task = asyncio.create_task(answer(connection, await connection.accept_stream()))
                questions.add(task)
                task.add_done_callback(questions.discard)
        except OSError:  # the client has left; nobody wants the answers any more
            await asyncio.gather(*questions)


async def main() -> None:
    """Take clients."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="::")
    parser.add_argument("--port", type=int, default=4433)
    parser.add_argument("--cert", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    args = parser.parse_args()
    settings = ServerSettings(X509Credentials(own=KeyPair.load(args.cert, args.key)), ALPN)
    clients: set[asyncio.Task[None]] = set()
    with listen(args.address, args.port, alpn=ALPN) as plain:
        listener = AsyncListener(plain)
        print("ready", flush=True)
        while True:
            task = asyncio.create_task(serve(await listener.accept(), settings))
            clients.add(task)
            task.add_done_callback(clients.discard)


if __name__ == "__main__":
    asyncio.run(main())
