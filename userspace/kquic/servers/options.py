# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic serve PROTOCOL DIR`: the small servers on the command line."""

from __future__ import annotations

import argparse
import logging
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]


def add_serve(verbs: Verbs) -> None:
    """The verb and its protocols."""
    serve = verbs.add_parser("serve", help="serve a directory with one of our own small servers, for tests")
    protocols = serve.add_subparsers(required=True, metavar="PROTOCOL")
    smb = protocols.add_parser("smb", help="SMB 3.1.1 over TCP and, with a certificate, over QUIC")
    smb.add_argument("directory", type=Path)
    smb.add_argument("--share", default="share", help="name of the share (share)")
    smb.add_argument("--address", default="::", help="address to listen on (all)")
    smb.add_argument("--tcp-port", type=int, default=445, help="0 for none (445)")
    smb.add_argument("--quic-port", type=int, default=443, help="(443)")
    smb.add_argument("--cert", type=Path, help="certificate, PEM; without it there is no QUIC")
    smb.add_argument("--key", type=Path, help="its private key")
    smb.add_argument("--user", default="user", help="(user)")
    smb.add_argument("--password-file", type=Path, required=True, help="file with the user's password")
    smb.add_argument("--sign", action="store_true", help="clients must sign")
    smb.add_argument("--encrypt", action="store_true", help="SMB encryption, unless QUIC does it and the client agrees")
    smb.add_argument("--tickets", action="store_true", help="let clients over QUIC resume their TLS sessions")
    smb.set_defaults(call=_serve_smb)
    pynfs = protocols.add_parser("pynfs", help="the NFSv4.1 server of a tree of pynfs, over QUIC")
    pynfs.add_argument("tree", type=Path, help="pynfs, prepared with its ./setup.py build")
    pynfs.add_argument("--exports", default="server_exports", help="module that says what is served (server_exports)")
    pynfs.add_argument("--address", default="::", help="address to listen on (all)")
    pynfs.add_argument("--port", type=int, default=2049, help="UDP (2049)")
    pynfs.add_argument("--cert", type=Path, required=True, help="certificate chain, PEM")
    pynfs.add_argument("--key", type=Path, required=True, help="its private key")
    pynfs.set_defaults(call=_serve_pynfs)


def _serve_smb(args: argparse.Namespace) -> int:
    # The other commands need neither smbprotocol nor GnuTLS.
    from kquic.servers.smb import Security, SmbServer
    from kquic.tls import KeyPair, ServerSettings, X509Credentials

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    password = args.password_file.read_text().strip()
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users"
        security = Security(args.user, password, users, sign=args.sign, encrypt=args.encrypt)
        with SmbServer({args.share: args.directory}, security) as server:
            if args.tcp_port:
                server.listen_tcp(args.address, args.tcp_port)
            if args.cert and args.key:
                credentials = X509Credentials(own=KeyPair.load(args.cert, args.key))
                settings = ServerSettings(credentials, alpn=("smb",))
                server.listen_quic(args.address, args.quic_port, settings, tickets=args.tickets)
            print("ready", flush=True)
            signal.pause()
    return 0


def _serve_pynfs(args: argparse.Namespace) -> int:
    from kquic.servers.pynfs import call

    return call(args)
