# SPDX-License-Identifier: GPL-2.0-or-later
"""RPC clients that know TCP only reach a server over QUIC: ``python3 -m kquic.rpc.dial --listen … --to … --ca FILE``.

Each TCP connection of the client becomes a QUIC connection of its own, so that what belongs to a connection still does.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from kquic.gateway.command import address
from kquic.sock.aio import connect
from kquic.tls import ClientSettings, TlsError, X509Credentials
from kquic.tls.driver import client_handshake_async

from .link import ALPN, Link, log

HANDSHAKE_TIMEOUT = 10.0


async def carry(program: tuple[asyncio.StreamReader, asyncio.StreamWriter], args: argparse.Namespace) -> None:
    """One connection of the client."""
    settings = ClientSettings(X509Credentials(args.ca.read_bytes()), args.name or args.to[0], (ALPN,))
    try:
        connection = connect(*args.to)
        await client_handshake_async(connection, settings, HANDSHAKE_TIMEOUT)
    except (OSError, TlsError) as error:
        log.warning("no connection to %s: %s", args.to[0], error)
        program[1].close()
        return
    await Link(connection, program, is_server=False, streams=args.streams).run()


async def serve(args: argparse.Namespace) -> None:
    """Accept connections for ever."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await carry((reader, writer), args)

    server = await asyncio.start_server(one, *args.listen)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="kquic.rpc.dial", description=__doc__)
    parser.add_argument("--listen", type=address, required=True, metavar="ADDRESS:PORT", help="TCP")
    parser.add_argument("--to", type=address, required=True, metavar="HOST:PORT", help="the server, UDP")
    parser.add_argument("--name", help="its name in the certificate, if not HOST")
    parser.add_argument("--ca", type=Path, required=True, help="authority of the server, PEM")
    parser.add_argument("--streams", type=int, default=2, help="for the client's Calls (2)")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(serve(args))


if __name__ == "__main__":
    main()
