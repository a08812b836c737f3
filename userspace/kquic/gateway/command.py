# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic gateway`: a QUIC front for a TCP server, on the command line."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

#: How many streams a client may have: SMB uses one, RPC several.
STREAMS = {"smb": 1, "sunrpc": 64}


def address(text: str) -> tuple[str, int]:
    """HOST:PORT; an IPv6 address may have brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, found {text!r}")
    return host.strip("[]"), int(port)


def add_gateway(verbs: Verbs) -> None:
    """The verb."""
    parser = verbs.add_parser("gateway", help="put a QUIC front on a TCP server (SMB, NFS)")
    parser.add_argument("--listen", type=address, required=True, metavar="ADDRESS:PORT", help="UDP, such as [::]:443")
    parser.add_argument("--to", type=address, required=True, metavar="HOST:PORT", help="the TCP server")
    parser.add_argument("--alpn", choices=sorted(STREAMS), required=True, help="smb, or sunrpc for NFS")
    parser.add_argument("--cert", type=Path, required=True, help="certificate chain, PEM")
    parser.add_argument("--key", type=Path, required=True, help="its private key")
    parser.add_argument("--client-ca", type=Path, help="clients must have a certificate of this authority")
    parser.add_argument("--max-clients", type=int, default=256, help="at a time (256)")
    parser.set_defaults(call=_gateway)


def _gateway(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    # The other commands do not need GnuTLS.
    from kquic.gateway.front import Target, serve
    from kquic.sock import CertificateRequest, Listener, TransportParams
    from kquic.sock._address import family_of
    from kquic.sock.aio import AsyncListener
    from kquic.tls import KeyPair, ServerSettings, Trust, X509Credentials

    trust = args.client_ca.read_bytes() if args.client_ca else Trust.NOBODY
    request = CertificateRequest.REQUIRE if args.client_ca else CertificateRequest.IGNORE
    settings = ServerSettings(
        X509Credentials(trust, own=KeyPair.load(args.cert, args.key)), alpn=(args.alpn,), request=request
    )
    host, port = args.listen
    listener = Listener.create(family_of(host))
    listener.set_alpn(args.alpn)
    listener.set_transport_params(TransportParams(max_streams_bidi=STREAMS[args.alpn]))
    listener.bind(host, port)
    listener.listen()
    print("ready", flush=True)
    await serve(AsyncListener(listener), Target(*args.to), settings, args.max_clients)
