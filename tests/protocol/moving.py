# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections whose ends move, and what is asked about them."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

from kquic.lab.topology import Host
from kquic.sock import Config, Connection, Listener, TransportParams, connect, listen
from kquic.sock._abi import EventType
from kquic.sock.events import ConnectionMigrated, Message, StreamData
from kquic.tls import ClientSettings, KeyPair, ServerSettings, X509Credentials, run
from kquic.tls.testca import TestCA

TIMEOUT = 20.0
NEW_FIN = 0x600
#: Validation fails after nine times this (RFC 9000, 8.2.4).
IMPATIENT = Config(initial_smoothed_rtt=30_000)
CA = TestCA.create()


@dataclass(frozen=True)
class Pair:
    """Both ends of an established connection, told about migrations."""

    client: Connection
    server: Connection


@dataclass(frozen=True)
class Plan:
    """How a connection is made.

    Attributes:
        host: what the client connects to.
        listen_on: where the server listens, if that is another address.
        client_on: the client's host; None for the one that the test runs on.
        server_on: the server's.
        via: from the server's port to the port that the client connects to.
        client_host: what the client binds to, if anything.
        params: the transport parameters of the server.
        client_params: those of the client.
        prepare: called with the server's end before its handshake.
        config: of both.
    """

    host: str = "127.0.0.1"
    listen_on: str | None = None
    client_on: Host | None = None
    server_on: Host | None = None
    via: Callable[[Listener], int] = lambda listener: listener.port
    client_host: str | None = None
    params: TransportParams | None = None
    client_params: TransportParams | None = None
    prepare: Callable[[Connection], None] | None = None
    config: Config | None = None


def free_port(host: str) -> int:
    """A UDP port that nobody uses at the moment."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, 0))
        return int(udp.getsockname()[1])


def _on(host: Host | None) -> AbstractContextManager[None]:
    return host.entered() if host else nullcontext()


def _settings() -> tuple[ClientSettings, ServerSettings]:
    own = CA.server("server.test")
    trust = ClientSettings(X509Credentials(CA.cert_pem, ()), "server.test", ("data",))
    return trust, ServerSettings(X509Credentials(CA.cert_pem, KeyPair(own.cert_pem, own.key_pem)), ("data",))


def _client(plan: Plan, port: int) -> Connection:
    with _on(plan.client_on):
        if plan.client_host is None:
            made = connect(plan.host, port)
        else:
            made = Connection.create(socket.AF_INET6 if ":" in plan.host else socket.AF_INET)
            made.bind(plan.client_host)
            made.sock.connect((plan.host, port))
    if plan.config:
        made.configure(plan.config)
    if plan.client_params:
        made.set_transport_params(plan.client_params)
    return made


@contextmanager
def moving(plan: Plan | None = None) -> Iterator[Pair]:
    """An established connection."""
    plan = plan or Plan()
    trust, keys = _settings()
    with ExitStack() as opened:
        with _on(plan.server_on):
            listener = opened.enter_context(listen(plan.listen_on or plan.host, alpn=("data",)))
        if plan.config:
            listener.configure(plan.config)
        if plan.params:
            listener.set_transport_params(plan.params)
        client = opened.enter_context(_client(plan, plan.via(listener)))
        thread = threading.Thread(target=run, args=(client, trust, TIMEOUT))
        thread.start()
        server = opened.enter_context(listener.accept())
        for end in (client, server):
            end.enable_event(EventType.CONNECTION_MIGRATION)
        if plan.prepare:
            plan.prepare(server)
        run(server, keys, TIMEOUT)
        thread.join()
        for end in (client, server):
            end.set_timeout(TIMEOUT)
        yield Pair(client, server)


def wait_migrated(end: Connection) -> ConnectionMigrated:
    """The next event, which is a migration."""
    message: Message = end.recv()
    assert isinstance(message, ConnectionMigrated), message
    return message


def say(sender: Connection, receiver: Connection, text: bytes = b"hello") -> list[ConnectionMigrated]:
    """A stream of a few bytes; the migrations that the receiver is told of before they come."""
    events = []
    sender.send_all(text, flags=NEW_FIN)
    while not isinstance(message := receiver.recv(), StreamData):
        assert isinstance(message, ConnectionMigrated), message
        events.append(message)
    assert message.data == text
    return events


def say_from_elsewhere(sender: Connection, receiver: Connection) -> ConnectionMigrated:
    """A stream from another address than before; what its receiver is told of that, before or after the bytes."""
    seen = say(sender, receiver)
    return seen[0] if seen else wait_migrated(receiver)


@dataclass
class Transfer:
    """Bytes on their way from one end to the other, in a thread each."""

    sender: Connection
    receiver: Connection
    size: int = 4 << 20

    def __post_init__(self) -> None:
        self._data = os.urandom(self.size)
        self._hash = hashlib.sha256()
        self.received = 0
        self.migrations: list[ConnectionMigrated] = []
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._guard, args=(step,)) for step in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def _guard(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:
            self._errors.append(error)

    def _send(self) -> None:
        self.sender.send_all(self._data, flags=NEW_FIN)

    def _receive(self) -> None:
        while self.received < self.size:
            message = self.receiver.recv()
            if isinstance(message, StreamData):
                self._hash.update(message.data)
                self.received += len(message.data)
            else:
                assert isinstance(message, ConnectionMigrated), message
                self.migrations.append(message)

    def wait_for(self, size: int) -> None:
        """Wait until so many bytes have arrived."""
        deadline = time.monotonic() + TIMEOUT
        while self.received < size:
            assert not self._errors, self._errors
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def finish(self) -> None:
        """Wait until everything has arrived, and compare."""
        for thread in self._threads:
            thread.join(60)
        assert not self._errors, self._errors
        assert self._hash.digest() == hashlib.sha256(self._data).digest()
