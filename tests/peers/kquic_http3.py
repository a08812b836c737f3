# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP/3 on the kernel's QUIC sockets, by aioquic's HTTP layer: a server of a directory, or a client that fetches.

    kquic_http3.py server --address A --port P --cert C --key K --root DIR
    kquic_http3.py client --address A --port P --ca CA --name SERVER PATH ...

The server answers POST with the SHA-256 of what was sent; the client prints that of what it has fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import threading
from pathlib import Path
from types import SimpleNamespace

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.events import StreamDataReceived

from kquic.sock import Config, Connection, EventType, StreamData, StreamFlags, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, client_handshake, server_handshake

PART = 1 << 20


class Link:
    """What H3Connection wants of aioquic's transport, done by a socket."""

    _quic_logger = None

    def __init__(self, connection: Connection, *, is_client: bool) -> None:
        self.connection = connection
        self.configuration = SimpleNamespace(is_client=is_client)

    @property
    def _remote_max_datagram_frame_size(self) -> int | None:
        """What lets a client (Chromium) say that it takes HTTP datagrams."""
        return self.connection.peer_transport_params.max_datagram_frame_size or None

    def get_next_available_stream_id(self, is_unidirectional: bool = False) -> int:
        return self.connection.open_stream(flags=StreamFlags.UNI if is_unidirectional else 0)

    def send_stream_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        if data or end_stream:
            self.connection.send_all(data, stream_id, StreamFlags.FIN if end_stream else 0)

    def reset_stream(self, stream_id: int, error_code: int) -> None:
        self.connection.reset_stream(stream_id, error_code)

    def close(self, error_code: int = 0, frame_type: int | None = None, reason_phrase: str = "") -> None:
        self.connection.set_close_info(error_code, reason_phrase)
        self.connection.shutdown()


def events(connection: Connection, http: H3Connection) -> list[H3Event]:
    """What the next read brings."""
    message = connection.recv()
    if not isinstance(message, StreamData):
        print(message, flush=True)
        return []
    received = StreamDataReceived(data=message.data, end_stream=message.fin, stream_id=message.stream_id or 0)
    return http.handle_event(received)


class Server:
    """One client's connection."""

    def __init__(self, connection: Connection, root: Path, keep: Path | None = None) -> None:
        self.connection, self.root, self.keep = connection, root, keep
        self.http = H3Connection(Link(connection, is_client=False))
        self.requests: dict[int, dict[bytes, bytes]] = {}
        self.bodies: dict[int, bytearray] = {}

    def serve(self) -> None:
        while True:
            for event in events(self.connection, self.http):
                self.handle(event)

    def handle(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self.requests[event.stream_id] = dict(event.headers)
            self.bodies[event.stream_id] = bytearray()
        elif isinstance(event, DataReceived):
            self.bodies[event.stream_id] += event.data
        if isinstance(event, (HeadersReceived, DataReceived)) and event.stream_ended:
            self.answer(event.stream_id, self.requests.pop(event.stream_id), bytes(self.bodies.pop(event.stream_id)))

    def answer(self, stream_id: int, request: dict[bytes, bytes], body: bytes) -> None:
        path = self.root / request[b":path"].decode().lstrip("/")
        if request[b":method"] == b"POST":
            status, data = b"200", hashlib.sha256(body).hexdigest().encode()
        elif request[b":method"] == b"PUT" and self.keep:
            (self.keep / path.name).write_bytes(body)
            status, data = b"201", b""
        elif path.is_file() and path.resolve().is_relative_to(self.root.resolve()):
            status, data = b"200", path.read_bytes()
        else:
            status, data = b"404", b"there is no such file\n"
        headers = [(b":status", status), (b"content-length", str(len(data)).encode())]
        self.http.send_headers(stream_id, headers)
        for offset in range(0, len(data), PART):
            self.http.send_data(stream_id, data[offset : offset + PART], end_stream=False)
        self.http.send_data(stream_id, b"", end_stream=True)


def serve_one(connection: Connection, settings: ServerSettings, root: Path) -> None:
    with connection:
        try:
            for kind in (EventType.KEY_UPDATE, EventType.CONNECTION_MIGRATION):
                connection.enable_event(kind)
            print(f"handshake {server_handshake(connection, settings)}", flush=True)
            Server(connection, root).serve()
        except OSError as error:
            print(f"end: {error}, {connection.close_info}", flush=True)


def server(args: argparse.Namespace) -> None:
    settings = ServerSettings(X509Credentials(own=KeyPair.load(args.cert, args.key)), alpn=("h3",))
    with listen(args.address, args.port, alpn=("h3",)) as listener:
        listener.configure(Config(version=args.version))
        print("ready", flush=True)
        while True:
            job = (listener.accept(), settings, args.root)
            threading.Thread(target=serve_one, args=job, daemon=True).start()


def client(args: argparse.Namespace) -> None:
    settings = ClientSettings(X509Credentials(trust=Path(args.ca).read_bytes()), server_name=args.name, alpn=("h3",))
    with connect(args.address, args.port) as connection:
        connection.enable_event(EventType.CONNECTION_MIGRATION)
        print(f"handshake {client_handshake(connection, settings)}", flush=True)
        link = Link(connection, is_client=True)
        http = H3Connection(link)
        bodies: dict[int, bytearray] = {}
        for path in args.paths:
            stream_id = link.get_next_available_stream_id()
            names = {b":method": b"GET", b":scheme": b"https", b":authority": args.name.encode()}
            http.send_headers(stream_id, [*names.items(), (b":path", path.encode())], end_stream=True)
            bodies[stream_id] = bytearray()
        waiting = set(bodies)
        while waiting:
            for event in events(connection, http):
                if isinstance(event, HeadersReceived):
                    print("status", dict(event.headers)[b":status"].decode(), flush=True)
                elif isinstance(event, DataReceived):
                    bodies[event.stream_id] += event.data
                if getattr(event, "stream_ended", False):
                    waiting.discard(event.stream_id)
    for body in bodies.values():
        print(f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("client", "server"))
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--version", type=lambda text: int(text, 0), default=0, help="which the server prefers")
    parser.add_argument("--ca")
    parser.add_argument("--name")
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()
    if args.role == "server":
        server(args)
    else:
        client(args)


if __name__ == "__main__":
    main()
