# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows from the client to the server, over QUIC or TCP, that send all they can for some time.

Connections are made one after the other, before the clock starts. Each sender is a process, and so are all receivers
together; these note how much has come in each tenth of a second.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe

from kquic.interop.link import Routed
from kquic.sock import TransportParams, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run
from kquic.tls.testca import TestCA

NAME, ALPN = "server.test", ("data",)
ROOM = 64 << 20
BLOCK = 64 << 10
TICK, GLANCE = 0.1, 0.02
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
QUIC = ("newreno", "cubic", "bbr")
"""Controllers of ours; those of TCP have `tcp-` in front."""

_CA = TestCA.create()
Ends = tuple[int, int]


@contextmanager
def opened(net: Routed, kinds: Sequence[str]) -> Iterator[list[Ends]]:
    """A connection of each kind, as descriptors of its client and its server."""
    with ExitStack() as stack:
        yield [stack.enter_context(_tcp(net, kind) if kind.startswith("tcp-") else _quic(net, kind)) for kind in kinds]


@contextmanager
def _tcp(net: Routed, kind: str) -> Iterator[Ends]:
    with ExitStack() as stack:
        with net.srv.entered():
            listener = stack.enter_context(socket.create_server((Routed.SERVER, 0)))
        with net.cli.entered():
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, kind.removeprefix("tcp-").encode())
            client.connect((Routed.SERVER, listener.getsockname()[1]))
        server = stack.enter_context(listener.accept()[0])
        yield client.fileno(), server.fileno()


@contextmanager
def _quic(net: Routed, kind: str) -> Iterator[Ends]:
    own = _CA.server(NAME)
    trust = ClientSettings(X509Credentials(_CA.cert_pem, ()), NAME, ALPN)
    keys = ServerSettings(X509Credentials(_CA.cert_pem, KeyPair(own.cert_pem, own.key_pem)), ALPN)
    net.cli.run("sysctl", "-qw", f"net.quic.congestion_control={kind}")
    with ExitStack() as stack:
        with net.srv.entered():
            listener = stack.enter_context(listen(Routed.SERVER, 0, alpn=ALPN))
        listener.set_transport_params(TransportParams(max_data=ROOM, max_stream_data_bidi_remote=ROOM))
        with net.cli.entered():
            client = stack.enter_context(connect(Routed.SERVER, listener.port))
        thread = threading.Thread(target=run, args=(client, trust, 60.0))
        thread.start()
        server = stack.enter_context(listener.accept())
        run(server, keys, 60.0)
        thread.join()
        client.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, ROOM)
        server.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        client.open_stream()
        yield client.fileno(), server.fileno()


def play(ends: Sequence[Ends], seconds: float, look: Callable[[], None]) -> list[list[int]]:
    """Let all send for so long; for each connection, the bytes that have come in each `TICK`.

    Meanwhile `look` is called every `GLANCE`.
    """
    deadline = time.monotonic() + 10 * seconds + 60
    fork = get_context("fork")
    mine, theirs = fork.Pipe()
    senders = [fork.Process(target=_send, args=(client,)) for client, _ in ends]
    receiver = fork.Process(target=_receive, args=([server for _, server in ends], seconds, theirs))
    for process in (receiver, *senders):
        process.start()
    try:
        while not mine.poll(GLANCE):
            look()
            if time.monotonic() > deadline:
                raise TimeoutError("the receivers do not come to an end")
        counts: list[list[int]] = mine.recv()
    finally:
        for process in (*senders, receiver):
            process.kill()
            process.join()
    return counts


def _send(client: int) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    block = os.urandom(BLOCK)
    while True:
        os.write(client, block)


def _receive(servers: list[int], seconds: float, result: Pipe) -> None:
    counts = [[0] * round(seconds / TICK) for _ in servers]
    buffer = bytearray(256 << 10)
    start = time.monotonic()
    with selectors.DefaultSelector() as ready:
        for number, server in enumerate(servers):
            os.set_blocking(server, False)
            ready.register(server, selectors.EVENT_READ, number)
        while (left := start + seconds - time.monotonic()) > 0:
            for key, _ in ready.select(left):
                slot = int((time.monotonic() - start) / TICK)
                try:
                    got = os.readv(key.fd, [buffer])
                except BlockingIOError:
                    continue
                if slot < len(counts[key.data]):
                    counts[key.data][slot] += got
    result.send(counts)
