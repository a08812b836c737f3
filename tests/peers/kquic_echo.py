# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's QUIC sockets as a peer: an echo server, or a client of one; options as in aioquic_echo.py."""

from __future__ import annotations

import argparse
import hashlib
import os
import threading
from pathlib import Path

from kquic.sock import Cipher, Connection, Streams, connect, listen
from kquic.tls import (
    ClientSettings,
    KeyPair,
    ServerSettings,
    X509Credentials,
    client_handshake,
    server_handshake,
)

CIPHERS = {"aes128": Cipher.AES_GCM_128, "aes256": Cipher.AES_GCM_256, "chacha20": Cipher.CHACHA20_POLY1305}


def serve_one(connection: Connection, settings: ServerSettings) -> None:
    with connection:
        result = server_handshake(connection, settings)
        print(f"handshake {result}", flush=True)
        streams = Streams(connection)
        try:
            while True:
                stream = streams.accept()
                data = stream.read()
                print(f"stream {stream.id}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}", flush=True)
                stream.send(data, fin=True)
        except OSError as error:
            print(f"end: {error}, {connection.close_info}", flush=True)


def server(args: argparse.Namespace) -> None:
    credentials = X509Credentials(own=KeyPair.load(args.cert, args.key))
    settings = ServerSettings(credentials, alpn=(args.alpn,), cipher=CIPHERS.get(args.cipher))
    with listen(args.address, args.port, alpn=(args.alpn,)) as listener:
        print("ready", flush=True)
        while True:
            connection = listener.accept()
            threading.Thread(target=serve_one, args=(connection, settings), daemon=True).start()


def client(args: argparse.Namespace) -> None:
    credentials = X509Credentials(trust=Path(args.ca).read_bytes())
    settings = ClientSettings(credentials, server_name=args.name, alpn=(args.alpn,), cipher=CIPHERS.get(args.cipher))
    data = os.urandom(args.bytes)
    with connect(args.address, args.port) as connection:
        print(f"handshake {client_handshake(connection, settings)}", flush=True)
        stream = Streams(connection).open()
        stream.send(data, fin=True)
        answer = stream.read()
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
    args = parser.parse_args()
    if args.role == "server":
        server(args)
    else:
        client(args)


if __name__ == "__main__":
    main()
