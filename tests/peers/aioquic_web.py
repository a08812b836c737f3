# SPDX-License-Identifier: GPL-2.0-or-later
"""aioquic, or its fork qh3, in the interop matrix: HTTP/0.9 (hq-interop) and HTTP/3; options as in kquic_web.py.

aioquic_web.py [--library qh3] server|client ...
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBRARY = sys.argv[2] if sys.argv[1] == "--library" else "aioquic"


def module(name: str) -> Any:
    return importlib.import_module(f"{LIBRARY}.{name}")


endpoints = module("asyncio")
events = module("quic.events")
h3 = module("h3.connection")
h3_events = module("h3.events")
QuicConfiguration = module("quic.configuration").QuicConfiguration
CipherSuite = module("tls").CipherSuite
Version = module("quic.packet").QuicProtocolVersion
HALFWAY = 200_000


def say(message: object) -> None:
    print(message, flush=True)


class Speaker(endpoints.QuicConnectionProtocol):
    """Both roles, both protocols."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.http: Any = None
        self.alpn = self._quic.configuration.alpn_protocols[0]
        self.root: Path | None = None
        self.keep: Path | None = None
        self.kept: dict[int, Path] = {}
        self.sent: dict[int, bytearray] = {}
        self.asked: dict[int, bytes] = {}
        self.bodies: dict[int, bytearray] = {}
        self.received = 0
        self.waiting: dict[int, asyncio.Future[bytes]] = {}
        self.halfway: Callable[[], None] | None = None
        self.shaken = asyncio.Event()

    def speak(self) -> Any:
        if self.alpn == "h3" and self.http is None:
            self.http = h3.H3Connection(self._quic)
        return self.http

    def quic_event_received(self, event: Any) -> None:
        if isinstance(event, events.HandshakeCompleted):
            self.shaken.set()
            resumed, early = event.session_resumed, event.early_data_accepted
            say(f"handshake alpn={event.alpn_protocol} resumed={resumed} early={early}")
        elif isinstance(event, events.ConnectionTerminated):
            say(event)
            for each in self.waiting.values():
                if not each.done():
                    each.set_exception(ConnectionError(event.reason_phrase))
        if self.alpn == "h3":
            for each in self.speak().handle_event(event):
                self.take_http(each)
        elif isinstance(event, events.StreamDataReceived):
            self.take(event.stream_id, event.data, event.end_stream)

    def take(self, stream_id: int, data: bytes, fin: bool) -> None:
        self.received += len(data)
        if self.halfway and self.received > HALFWAY:
            self.halfway, do = None, self.halfway
            do()
        if stream_id in self.waiting:
            self.bodies[stream_id] += data
            if fin:
                self.waiting.pop(stream_id).set_result(bytes(self.bodies.pop(stream_id)))
        elif self.root and self.alpn != "h3":
            self.asked[stream_id] = self.asked.get(stream_id, b"") + data
            if fin:
                path = self.root / self.asked.pop(stream_id).split()[1].decode().lstrip("/")
                self._quic.send_stream_data(stream_id, path.read_bytes(), True)
                self.transmit()

    def take_http(self, event: Any) -> None:
        if self.keep and self.root:
            self.take_upload(event)
        elif isinstance(event, h3_events.HeadersReceived) and self.root:
            data = (self.root / dict(event.headers)[b":path"].decode().lstrip("/")).read_bytes()
            self.http.send_headers(event.stream_id, [(b":status", b"200")])
            self.http.send_data(event.stream_id, data, True)
            self.transmit()
        elif isinstance(event, (h3_events.HeadersReceived, h3_events.DataReceived)):
            self.take(event.stream_id, getattr(event, "data", b""), event.stream_ended)

    def take_upload(self, event: Any) -> None:
        assert self.keep
        stream_id = getattr(event, "stream_id", None)
        if isinstance(event, h3_events.HeadersReceived):
            self.kept[stream_id] = self.keep / Path(dict(event.headers)[b":path"].decode()).name
            self.sent[stream_id] = bytearray()
        elif isinstance(event, h3_events.DataReceived):
            self.sent[stream_id] += event.data
        if stream_id in self.kept and event.stream_ended:
            self.kept.pop(stream_id).write_bytes(self.sent.pop(stream_id))
            self.http.send_headers(stream_id, [(b":status", b"201")], True)
            self.transmit()

    def get(self, path: str, name: str, sent: bytes | None = None) -> asyncio.Future[bytes]:
        stream_id = self._quic.get_next_available_stream_id()
        self.bodies[stream_id] = bytearray()
        self.waiting[stream_id] = answer = asyncio.get_running_loop().create_future()
        if self.alpn == "h3":
            method = b"GET" if sent is None else b"PUT"
            names = {b":method": method, b":scheme": b"https", b":authority": name.encode(), b":path": path.encode()}
            self.speak().send_headers(stream_id, list(names.items()), sent is None)
            if sent is not None:
                self.http.send_data(stream_id, sent, True)
        else:
            self._quic.send_stream_data(stream_id, f"GET {path}\r\n".encode(), True)
        return answer

    async def room(self) -> None:
        """Wait until the server lets us open another stream: qh3 does not keep for later what is over the limit."""
        while LIBRARY == "qh3" and self._quic.get_next_available_stream_id() // 4 >= self.stream_limit():
            self.transmit()
            await asyncio.sleep(0.01)

    def stream_limit(self) -> int:
        return int(self._quic.max_concurrent_bidi_streams)

    async def confirmed(self) -> None:
        """Wait for HANDSHAKE_DONE: keys are not to be changed before (RFC 9001, 6)."""
        while not self._quic._handshake_confirmed:
            await asyncio.sleep(0.01)

    def rebind(self, address: str) -> None:
        """Go on from another address, knowingly."""
        self.moving = asyncio.create_task(self._rebind(address))

    async def _rebind(self, address: str) -> None:
        self.change_connection_id()
        self._transport.close()
        host = address if ":" in address else f"::ffff:{address}"
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        await self.ping()


def configuration(args: argparse.Namespace) -> Any:
    config = QuicConfiguration(
        is_client=args.role == "client",
        alpn_protocols=[args.alpn],
        max_data=16 << 20,
        max_stream_data=16 << 20,
        idle_timeout=60.0,
    )
    if args.cipher:
        config.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    if LIBRARY == "qh3":
        # Its HTTP/3 always offers datagrams; as a server it would forget the transport parameter (RFC 9297, 2.1.1).
        config.max_datagram_frame_size = 65536
    if args.v2:
        config.original_version = Version.VERSION_2
        config.supported_versions = [Version.VERSION_2, Version.VERSION_1]
    return config


async def server(args: argparse.Namespace) -> None:
    config = configuration(args)
    config.load_cert_chain(args.cert, args.key)
    tickets: dict[bytes, Any] = {}

    def speaker(*words: Any, **named: Any) -> Speaker:
        made = Speaker(*words, **named)
        made.root, made.keep = args.root, args.keep
        return made

    await endpoints.serve(
        args.address,
        args.port,
        configuration=config,
        create_protocol=speaker,
        retry=args.retry,
        session_ticket_fetcher=lambda label: tickets.pop(label, None),
        session_ticket_handler=lambda ticket: tickets.update({ticket.ticket: ticket}),
    )
    say("ready")
    await asyncio.Future()


async def fetch(args: argparse.Namespace, config: Any, paths: list[str], early: bool = False) -> Any:
    """One connection; the ticket that came with it."""
    tickets: list[Any] = []
    async with endpoints.connect(
        args.address,
        args.port,
        configuration=config,
        create_protocol=Speaker,
        session_ticket_handler=tickets.append,
        wait_connected=not early,
    ) as peer:
        if args.keyupdate:
            await peer.confirmed()
            peer.request_key_update()
        if args.migrate:
            peer.halfway = lambda: peer.rebind(args.migrate)
        answers = []
        for path in paths:
            if not early:
                await peer.room()
            sent = (args.send / path.lstrip("/")).read_bytes() if args.send else None
            answers.append(peer.get(path, args.name, sent))
        peer.transmit()
        for path, body in zip(paths, await asyncio.gather(*answers), strict=True):
            if not args.send:
                (Path(args.out) / path.lstrip("/")).write_bytes(body)
        await peer.shaken.wait()
    return tickets[0] if tickets else None


async def client(args: argparse.Namespace) -> None:
    config = configuration(args)
    config.load_verify_locations(args.ca)
    config.server_name = args.name
    if args.resume or args.early:
        config.session_ticket = await fetch(args, config, args.paths[:1])
        await fetch(args, config, args.paths[1:], args.early)
        return
    for part in [[path] for path in args.paths] if args.each else [args.paths]:
        await fetch(args, config, part)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--library")
    parser.add_argument("role", choices=("client", "server"))
    for name in ("address", "cert", "key", "ca", "name", "out", "migrate", "cipher"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--port", type=int, required=True)
    for name in ("root", "send", "keep"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--alpn", default="hq-interop")
    for name in ("v2", "retry", "early", "resume", "keyupdate", "each"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()
    asyncio.run(server(args) if args.role == "server" else client(args))
    say("done")


if __name__ == "__main__":
    main()
