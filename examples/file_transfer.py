#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files over QUIC: each file is a stream of its own, so that none waits for another.

file_transfer.py receive --port 4433 --cert server.pem --key server.key --into DIRECTORY
file_transfer.py send HOST --port 4433 --ca ca.pem FILE...

A stream begins with the file's name and a newline. The receiver answers with
the SHA-256 of what it has stored, which the sender compares.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from kquic.sock import Connection, Stream, Streams, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, client_handshake, server_handshake

ALPN = ("file-transfer",)
CHUNK = 1 << 20
LONGEST_NAME = 255


def store(stream: Stream, folder: Path) -> str:
    """Write what comes on a stream to a file; its name."""
    head = b""
    while b"\n" not in head and len(head) <= LONGEST_NAME and (part := stream.recv(LONGEST_NAME)):
        head += part
    name, newline, data = head.partition(b"\n")
    # The name comes from outside: a plain one, nothing that leads out of the folder.
    safe = Path(name.decode("utf-8", "replace")).name
    if not newline or safe in ("", ".", ".."):
        stream.reset(1)
        return ""
    digest = hashlib.sha256(data)
    with (folder / safe).open("wb") as file:
        file.write(data)
        while part := stream.recv(CHUNK):
            digest.update(part)
            file.write(part)
    stream.send(digest.digest(), fin=True)
    return safe


def receive_from(connection: Connection, folder: Path) -> None:
    """Everything that one sender has, until it leaves."""
    streams = Streams(connection)
    while True:
        try:
            stream = streams.accept()
        except OSError:
            return
        print(f"received {store(stream, folder)}", flush=True)


def receive(args: argparse.Namespace) -> None:
    """Take files from whoever comes, one sender after the other."""
    settings = ServerSettings(X509Credentials(own=KeyPair.load(args.cert, args.key)), ALPN)
    with listen(args.address, args.port, alpn=ALPN) as listener:
        print("ready", flush=True)
        while True:
            with listener.accept() as connection:
                server_handshake(connection, settings)
                receive_from(connection, args.into)


def send(args: argparse.Namespace) -> None:
    """Send files, and see that they have arrived."""
    credentials = X509Credentials(trust=args.ca.read_bytes()) if args.ca else X509Credentials()
    with connect(args.host, args.port) as connection:
        client_handshake(connection, ClientSettings(credentials, args.name or args.host, ALPN))
        streams = Streams(connection)
        for path in args.files:
            send_one(streams.open(), path)
            print(f"sent {path.name}", flush=True)


def send_one(stream: Stream, path: Path) -> None:
    """One file on one stream."""
    digest = hashlib.sha256()
    stream.send(path.name.encode() + b"\n")
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            digest.update(part)
            stream.send(part)
    stream.send(b"", fin=True)
    if stream.read() != digest.digest():
        raise SystemExit(f"{path}: what has arrived is something else")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(required=True)
    receiver = verbs.add_parser("receive")
    receiver.add_argument("--address", default="::")
    receiver.add_argument("--cert", type=Path, required=True)
    receiver.add_argument("--key", type=Path, required=True)
    receiver.add_argument("--into", type=Path, default=Path())
    receiver.set_defaults(call=receive)
    sender = verbs.add_parser("send")
    sender.add_argument("host")
    sender.add_argument("--name", help="the name that the certificate has to have; default: HOST")
    sender.add_argument("--ca", type=Path, help="authority to believe; default: the system's")
    sender.add_argument("files", type=Path, nargs="+")
    sender.set_defaults(call=send)
    for verb in (receiver, sender):
        verb.add_argument("--port", type=int, default=4433)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
