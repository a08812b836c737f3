# SPDX-License-Identifier: GPL-2.0-or-later
"""pynfs' NFSv4.1 server, served over QUIC.

pynfs is nobody's package and no part of this project: the user names a tree of it that is prepared as its README says.
Its server listens on TCP, here on the loopback address only, and each QUIC connection of a client becomes one of those.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from kquic.errors import KquicError
from kquic.gateway.front import Target, serve
from kquic.rpc.link import ALPN
from kquic.sock import Listener, TransportParams
from kquic.sock._address import family_of
from kquic.sock.aio import AsyncListener
from kquic.tls import KeyPair, ServerSettings, X509Credentials

LOOPBACK = "127.0.0.1"
STREAMS = 16
MOST_CLIENTS = 64


class NoPynfs(KquicError):
    """The folder is no prepared tree of pynfs."""


def start(tree: Path, exports: str) -> int:
    """Run pynfs' server in a thread; the TCP port that it has.

    It looks for its own modules in the current directory, which is therefore changed.

    Args:
        tree: folder with pynfs.
        exports: module that says what is served, as in pynfs' own `server_exports.py`.
    """
    home = tree.resolve() / "nfs4.1"
    if not (home / "xdrdef" / "nfs4_pack.py").exists():
        raise NoPynfs(f"{tree} is no tree of pynfs, or was not prepared with ./setup.py build")
    os.chdir(home)
    sys.path[:0] = [str(home), str(tree.resolve())]
    module: Any = importlib.import_module("nfs4server")
    server = module.NFS4Server(port=0, interface=LOOPBACK)
    options = argparse.Namespace(reset=False, use_block=False, use_files=False)
    importlib.import_module(exports).mount_stuff(server, options)
    threading.Thread(target=server.start, daemon=True).start()
    return _port(server)


def _port(server: Any) -> int:
    """Of the listener that is not for pynfs' own threads to wake each other."""
    own = server.s.fileno()
    (listener,) = [server.sockets[number] for number in server.listeners if number != own]
    return int(listener.getsockname()[1])


def listen(host: str, port: int) -> AsyncListener:
    """The QUIC listener."""
    listener = Listener.create(family_of(host))
    listener.set_alpn(ALPN)
    listener.set_transport_params(TransportParams(max_streams_bidi=STREAMS))
    listener.bind(host, port)
    listener.listen()
    return AsyncListener(listener)


def call(args: argparse.Namespace) -> int:
    """`kquic serve pynfs`."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    settings = ServerSettings(X509Credentials(own=KeyPair.load(args.cert, args.key)), alpn=(ALPN,))
    port = start(args.tree, args.exports)

    async def run() -> None:
        listener = listen(args.address, args.port)
        print("ready", flush=True)
        await serve(listener, Target(LOOPBACK, port), settings, MOST_CLIENTS)

    with suppress(KeyboardInterrupt):
        asyncio.run(run())
    return 0
