# SPDX-License-Identifier: GPL-2.0-or-later
"""Our end of the interop matrix, on the kernel's QUIC sockets: HTTP/0.9 (hq-interop), HTTP/3 and DNS (doq).

    kquic_web.py server --address A --port P --cert C --key K --root DIR --alpn NAME [--retry] [--early] [--keyupdate]
    kquic_web.py client --address A --port P --ca CA --name SERVER --alpn NAME --out DIR PATH ...

Options of both: --cipher chacha20, --v2. With --send DIR (h3) the client uploads its paths, which are files in DIR, and
a server with --keep DIR keeps them there; otherwise the client writes what it fetches into DIR. With --resume and
--early it fetches the first path, resumes the session on a second connection (with 0-RTT) and fetches the others
there; with --each every path has its own connection. Both print what a handshake settled and what events there were.
"""

from __future__ import annotations

import argparse
import secrets
import select
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.events import StreamDataReceived
from kquic_http3 import PART, Link, Server

from kquic.sock import (
    VERSION_V2,
    Cipher,
    Config,
    Connection,
    EventType,
    Listener,
    Message,
    StreamData,
    StreamFlags,
    TransportParams,
)
from kquic.tls import (
    AntiReplay,
    ClientSettings,
    KeyPair,
    SavedSession,
    ServerSettings,
    X509Credentials,
    offer_session,
    run,
    save_session,
    session_config,
)

CIPHERS = {"chacha20": Cipher.CHACHA20_POLY1305}
#: Longer than the longest outage of a case; a connection that loses a third of its packets takes a while.
TIMEOUT = 60.0
PATIENT = TransportParams(max_idle_timeout=int(TIMEOUT * 1e6))
#: Bytes after which a client that is to move, or to change its keys, does so.
HALFWAY = 200_000
MOVED_PORT = 40404
QUESTION = bytes.fromhex("000001000001000000000000016104746573740000010001")  # a.test, type A


def say(message: object) -> None:
    print(message, flush=True)


class Lines:
    """HTTP/0.9: a stream is a line with a path, and a file."""

    def __init__(self, connection: Connection, root: Path) -> None:
        self.connection, self.root = connection, root
        self.asked: dict[int, bytes] = {}
        self.answered: set[int] = set()

    def take(self, message: StreamData) -> None:
        assert message.stream_id is not None
        if message.stream_id % 4:
            return
        asked = self.asked.get(message.stream_id, b"") + message.data
        self.asked[message.stream_id] = asked
        if b"\n" in asked and message.stream_id not in self.answered:
            # Before the end of the stream, too: some clients leave it open.
            self.answered.add(message.stream_id)
            path = self.root / asked.split()[1].decode().lstrip("/")
            self.connection.send_all(path.read_bytes(), message.stream_id, StreamFlags.FIN)


class Names:
    """DNS over QUIC (RFC 9250): every name has the address 192.0.2.1."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.asked: dict[int, bytes] = {}

    def take(self, message: StreamData) -> None:
        assert message.stream_id is not None
        asked = self.asked.get(message.stream_id, b"") + message.data
        self.asked[message.stream_id] = asked
        if message.fin:
            self.connection.send_all(self.answer(asked), message.stream_id, StreamFlags.FIN)

    @staticmethod
    def answer(asked: bytes) -> bytes:
        query = asked[2:]
        end = query.index(b"\0", 12) + 5
        record = bytes.fromhex("c00c00010001000000000004c0000201")
        reply = query[:2] + bytes.fromhex("84000001000100000000") + query[12:end] + record
        return len(reply).to_bytes(2, "big") + reply


class Pages:
    """HTTP/3."""

    def __init__(self, connection: Connection, root: Path, keep: Path | None) -> None:
        self.server = Server(connection, root, keep)

    def take(self, message: StreamData) -> None:
        received = StreamDataReceived(data=message.data, end_stream=message.fin, stream_id=message.stream_id or 0)
        for event in self.server.http.handle_event(received):
            self.server.handle(event)


class Keys:
    """A key update of ours, if it is wanted. The kernel begins a second one only if the peer has followed the first."""

    def __init__(self, connection: Connection, wanted: bool) -> None:
        self.connection, self.wanted = connection, wanted
        if wanted:
            connection.update_keys()

    def look(self) -> None:
        if not self.wanted:
            return
        with suppress(OSError):
            self.connection.update_keys()
            self.wanted = False
            say("KeyUpdated by us, and the peer has followed")

    def wait(self) -> Message:
        """The next message. That the peer has followed makes none, so it is looked for meanwhile."""
        while self.wanted and not select.select([self.connection.sock], [], [], 0.01)[0]:
            self.look()
        message: Message = self.connection.recv()
        self.look()
        return message


def serve_one(connection: Connection, settings: ServerSettings, args: argparse.Namespace) -> None:
    with connection:
        try:
            watch(connection)
            say(f"handshake {run(connection, settings, TIMEOUT).result}")
            keys = Keys(connection, args.keyupdate)
            work = listening(connection, args)
            while True:
                message = keys.wait()
                if isinstance(message, StreamData):
                    work.take(message)
                else:
                    say(message)
                keys.look()
        except OSError as error:
            say(f"end: {error}, {connection.close_info}")


def listening(connection: Connection, args: argparse.Namespace) -> Lines | Names | Pages:
    if args.alpn == "h3":
        return Pages(connection, args.root, args.keep)
    return Lines(connection, args.root) if args.alpn == "hq-interop" else Names(connection)


def watch(connection: Connection) -> None:
    for kind in (EventType.KEY_UPDATE, EventType.CONNECTION_MIGRATION):
        connection.enable_event(kind)


def server(args: argparse.Namespace) -> None:
    credentials = X509Credentials(own=KeyPair.load(args.cert, args.key))
    guard = AntiReplay() if args.early else None
    key = secrets.token_bytes(64)
    settings = ServerSettings(
        credentials, alpn=(args.alpn,), cipher=CIPHERS.get(args.cipher), ticket_key=key, early_data=guard
    )
    with Listener.create(socket.AF_INET6 if ":" in args.address else socket.AF_INET) as listener:
        listener.set_alpn(args.alpn)
        listener.set_transport_params(PATIENT)
        if args.retry:
            listener.configure(Config(validate_peer_address=1))
        listener.bind(args.address, args.port)
        listener.listen()
        say("ready")
        while True:
            job = (listener.accept(), settings, args)
            threading.Thread(target=serve_one, args=job, daemon=True).start()


class Client:
    """What the client wants: to open connections and to fetch."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        trust = X509Credentials(trust=Path(args.ca).read_bytes())
        self.settings = ClientSettings(trust, args.name, (args.alpn,), cipher=CIPHERS.get(args.cipher))

    def connect(self, saved: SavedSession | None = None) -> Connection:
        connection = Connection.create(socket.AF_INET6 if ":" in self.args.address else socket.AF_INET)
        connection.set_timeout(TIMEOUT)
        connection.set_transport_params(PATIENT)
        if saved:
            connection.configure(session_config(saved))
        elif self.args.v2:
            connection.configure(Config(version=VERSION_V2))
        connection.connect(self.args.address, self.args.port)
        watch(connection)
        return connection

    def run(self) -> None:
        paths = self.args.paths
        if self.args.resume or self.args.early:
            self.again(self.first(paths[0]), paths[1:])
            return
        for part in [[path] for path in paths] if self.args.each else [paths]:
            with self.connect() as connection:
                say(f"handshake {run(connection, self.settings, TIMEOUT).result}")
                keys = Keys(connection, self.args.keyupdate)
                self.work(connection).fetch(part)
                keys.look()

    def first(self, path: str) -> SavedSession:
        with self.connect() as connection:
            tls = run(connection, self.settings, TIMEOUT)
            say(f"handshake {tls.result}")
            self.work(connection).fetch([path])
            saved = save_session(connection, tls, TIMEOUT)
            assert saved, "no ticket came"
            return saved

    def again(self, saved: SavedSession, paths: list[str]) -> None:
        with self.connect(saved) as connection:
            early = self.args.early and saved.early_data
            if early:
                offer_session(connection, saved)
                work = self.work(connection)
                work.ask(paths)
            settings = replace(saved.settings(self.settings), early_data=early)
            say(f"handshake {run(connection, settings, TIMEOUT).result}")
            if not early:
                work = self.work(connection)
                work.ask(paths)
            work.collect()

    def work(self, connection: Connection) -> Fetch:
        kinds = {"h3": SendPages if self.args.send else FetchPages, "doq": FetchNames}
        return kinds.get(self.args.alpn, Fetch)(connection, self.args)


class Fetch:
    """Files by HTTP/0.9, on one connection."""

    def __init__(self, connection: Connection, args: argparse.Namespace) -> None:
        self.connection, self.args = connection, args
        self.files: dict[int, Path] = {}
        self.bodies: dict[int, bytearray] = {}
        self.received = 0
        self.moved = not args.migrate

    def fetch(self, paths: list[str]) -> None:
        self.ask(paths)
        self.collect()

    def ask(self, paths: list[str]) -> None:
        for path in paths:
            self.wait_for(self.request(path), path)

    def request(self, path: str) -> int:
        return self.connection.send_all(f"GET {path}\r\n".encode(), -1, StreamFlags.NEW | StreamFlags.FIN)

    def wait_for(self, stream_id: int, path: str) -> None:
        self.files[stream_id] = Path(self.args.out) / path.lstrip("/")
        self.bodies[stream_id] = bytearray()

    def collect(self) -> None:
        while self.files:
            message: Message = self.connection.recv()
            if isinstance(message, StreamData):
                self.received += len(message.data)
                self.take(message)
                self.move()
            else:
                say(message)

    def move(self) -> None:
        if not self.moved and self.received > HALFWAY:
            self.moved = True
            self.connection.migrate(self.args.migrate, MOVED_PORT)

    def take(self, message: StreamData) -> None:
        if message.stream_id in self.files:
            self.put(message.stream_id, message.data, message.fin)

    def put(self, stream_id: int, data: bytes, fin: bool) -> None:
        self.bodies[stream_id] += data
        if fin:
            self.files.pop(stream_id).write_bytes(self.bodies.pop(stream_id))


class FetchPages(Fetch):
    """Files by HTTP/3."""

    def __init__(self, connection: Connection, args: argparse.Namespace) -> None:
        super().__init__(connection, args)
        self.link = Link(connection, is_client=True)
        self.http = H3Connection(self.link)

    def request(self, path: str) -> int:
        return self.begin("GET", path)

    def begin(self, method: str, path: str) -> int:
        stream_id = self.link.get_next_available_stream_id()
        names = {b":method": method.encode(), b":scheme": b"https", b":authority": self.args.name.encode()}
        headers = [*names.items(), (b":path", path.encode())]
        self.http.send_headers(stream_id, headers, end_stream=method == "GET")
        return stream_id

    def take(self, message: StreamData) -> None:
        received = StreamDataReceived(data=message.data, end_stream=message.fin, stream_id=message.stream_id or 0)
        events: list[H3Event] = self.http.handle_event(received)
        for event in events:
            data = event.data if isinstance(event, DataReceived) else b""
            if isinstance(event, (HeadersReceived, DataReceived)) and event.stream_id in self.files:
                self.put(event.stream_id, data, event.stream_ended)


class SendPages(FetchPages):
    """Files to a server of HTTP/3; what it answers is not kept."""

    def request(self, path: str) -> int:
        stream_id = self.begin("PUT", path)
        data = (self.args.send / path.lstrip("/")).read_bytes()
        for offset in range(0, len(data), PART):
            part = data[offset : offset + PART]
            self.http.send_data(stream_id, part, end_stream=offset + len(part) == len(data))
        return stream_id

    def put(self, stream_id: int, data: bytes, fin: bool) -> None:
        if fin:
            del self.files[stream_id]


class FetchNames(Fetch):
    """Answers of a DNS server; the paths only count the questions."""

    def request(self, path: str) -> int:
        del path
        question = len(QUESTION).to_bytes(2, "big") + QUESTION
        return self.connection.send_all(question, -1, StreamFlags.NEW | StreamFlags.FIN)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("client", "server"))
    for name in ("address", "cert", "key", "ca", "name", "out", "migrate"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--port", type=int, required=True)
    for name in ("root", "send", "keep"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--alpn", default="hq-interop")
    parser.add_argument("--cipher", choices=CIPHERS)
    for name in ("v2", "retry", "early", "resume", "keyupdate", "each"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()
    if args.role == "server":
        server(args)
    else:
        Client(args).run()
        say("done")


if __name__ == "__main__":
    main()
