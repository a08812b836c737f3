#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A page by HTTP/3, for browsers and curl, on the kernel's QUIC sockets.

http3_page.py --port 443 --cert server.pem --key server.key page.html
curl --http3-only https://HOST/

The kernel has the transport and kquic.tls the handshake; what HTTP/3 says on
the streams is aioquic's part (`pip install aioquic`), which for this needs to
know how to open a stream, write to one and end the connection.
"""

from __future__ import annotations

import argparse
import mimetypes
import threading
from pathlib import Path
from types import SimpleNamespace

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.events import StreamDataReceived

from kquic.sock import Connection, StreamData, StreamFlags, listen
from kquic.tls import KeyPair, ServerSettings, TlsError, X509Credentials, server_handshake

ALPN = ("h3",)


class Transport:
    """The kernel's connection, as H3Connection calls it."""

    _quic_logger = None
    _remote_max_datagram_frame_size = None
    configuration = SimpleNamespace(is_client=False)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_next_available_stream_id(self, is_unidirectional: bool = False) -> int:
        """Open a stream."""
        return self._connection.open_stream(flags=StreamFlags.UNI if is_unidirectional else 0)

    def send_stream_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Write to a stream."""
        if data or end_stream:
            self._connection.send_all(data, stream_id, StreamFlags.FIN if end_stream else 0)

    def close(self, error_code: int = 0, frame_type: int | None = None, reason_phrase: str = "") -> None:
        """The client has broken HTTP/3's rules."""
        self._connection.set_close_info(error_code, reason_phrase)
        self._connection.shutdown()


class Site:
    """One page, at `/`."""

    def __init__(self, page: Path) -> None:
        self._body = page.read_bytes()
        self._kind = mimetypes.guess_type(page.name)[0] or "application/octet-stream"

    def answer(self, request: dict[bytes, bytes]) -> tuple[str, str, bytes]:
        """Status, type and body."""
        if request.get(b":method") not in (b"GET", b"HEAD"):
            return "405", "text/plain", b"this page can only be read\n"
        if request.get(b":path") != b"/":
            return "404", "text/plain", b"there is one page only: /\n"
        return "200", self._kind, self._body


def serve(connection: Connection, settings: ServerSettings, site: Site) -> None:
    """One client, until it leaves."""
    requests: dict[int, dict[bytes, bytes]] = {}
    with connection:
        try:
            server_handshake(connection, settings)
            http = H3Connection(Transport(connection))
            while True:
                message = connection.recv()
                if isinstance(message, StreamData) and message.stream_id is not None:
                    read(http, site, requests, message)
        except (OSError, TlsError) as error:
            print(f"end: {error}", flush=True)


def read(http: H3Connection, site: Site, requests: dict[int, dict[bytes, bytes]], message: StreamData) -> None:
    """Answer the requests that a message completes: not before, for a client may not listen while it sends."""
    received = StreamDataReceived(data=message.data, end_stream=message.fin, stream_id=message.stream_id or 0)
    for event in http.handle_event(received):
        if isinstance(event, HeadersReceived):
            requests.setdefault(event.stream_id, dict(event.headers))
        if isinstance(event, HeadersReceived | DataReceived) and event.stream_ended:
            answer(http, site, event.stream_id, requests.pop(event.stream_id))


def answer(http: H3Connection, site: Site, stream_id: int, request: dict[bytes, bytes]) -> None:
    """Send the answer to a request."""
    status, kind, body = site.answer(request)
    print(f"{status} {request.get(b':path', b'').decode('utf-8', 'replace')!r}", flush=True)
    head = {":status": status, "content-type": kind, "content-length": str(len(body))}
    fields = [(name.encode(), value.encode()) for name, value in head.items()]
    only_head = request.get(b":method") == b"HEAD"
    http.send_headers(stream_id, fields, end_stream=only_head)
    if not only_head:
        http.send_data(stream_id, body, end_stream=True)


def main() -> None:
    """Take clients, each in a thread of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="::")
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("--cert", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("page", type=Path)
    args = parser.parse_args()
    settings = ServerSettings(X509Credentials(own=KeyPair.load(args.cert, args.key)), ALPN)
    site = Site(args.page)
    with listen(args.address, args.port, alpn=ALPN) as listener:
        print("ready", flush=True)
        while True:
            threading.Thread(target=serve, args=(listener.accept(), settings, site), daemon=True).start()


if __name__ == "__main__":
    main()
