# SPDX-License-Identifier: GPL-2.0-or-later
"""The server: listens, does handshakes, has a thread for each client."""

from __future__ import annotations

import logging
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from kquic.sock import Connection, Listener, TransportParams, listen
from kquic.tls import ServerSettings, TlsError, server_handshake

from .channel import Channel, QuicChannel, TcpChannel
from .connection import ClientConnection, Service
from .files import Share
from .script import Script
from .session import Security

log = logging.getLogger(__name__)
ALPN = "smb"
HANDSHAKE_TIMEOUT = 10.0
JOIN_TIMEOUT = 5.0
ACCEPT_TIMEOUT = 0.1


class SmbServer:
    """An SMB 3.1.1 server of directories, whose behaviour a script can spoil.

        with SmbServer({"share": folder}, security) as server:
            server.listen_tcp("::", 445)
            server.listen_quic("::", 443, settings)

    Sockets are made by the thread that calls `listen_…`, so that a test can have them on any host.
    """

    def __init__(self, shares: dict[str, Path], security: Security, *, leases: int = 0) -> None:
        security.write_users()
        self._service = Service({name: Share(path) for name, path in shares.items()}, security, uuid.uuid4().bytes_le)
        self._service.leases.grant = leases
        self._stack = ExitStack()
        self._threads: list[threading.Thread] = []
        self._listening: list[threading.Thread] = []
        self._channels: set[Channel] = set()
        self._refuse = False
        self._stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def script(self) -> Script:
        """What goes wrong."""
        return self._service.script

    @property
    def seen(self) -> list[str]:
        """The commands that arrived, in order."""
        return self._service.seen

    @property
    def encrypted(self) -> int:
        """How many messages came encrypted."""
        return self._service.encrypted

    @property
    def connections(self) -> list[str]:
        """The transports of the clients that are connected."""
        return [channel.name for channel in list(self._channels)]

    def break_leases(self) -> None:
        """Take all leases back."""
        for key in list(self._service.leases.held):
            self._service.leases.break_(key)

    def refuse(self, *, refuse: bool = True) -> None:
        """Close new connections at once, or serve them again."""
        self._refuse = refuse

    def drop_all(self) -> None:
        """End all connections."""
        for channel in list(self._channels):
            channel.close()

    # Listening

    def listen_tcp(self, address: str = "::", port: int = 445) -> int:
        """Serve TCP, IPv4 as well; the port."""
        listener = socket.create_server((address, port), family=_family(address), dualstack_ipv6=address == "::")
        listener.settimeout(ACCEPT_TIMEOUT)
        self._stack.callback(listener.close)
        self._listen(lambda: self._accept(listener))
        return int(listener.getsockname()[1])

    def listen_quic(
        self, address: str, port: int, settings: ServerSettings, *, tickets: bool = False, idle_timeout: float = 0.0
    ) -> None:
        """Serve QUIC; TLS is done here.

        `tickets` lets clients resume, and breaks Samba's user-space client (4.24). After
        `idle_timeout` seconds of silence a connection ends; 0 is the interface's default.
        """
        listener = listen(address, port, alpn=(ALPN,))
        if idle_timeout:
            listener.set_transport_params(TransportParams(max_idle_timeout=int(idle_timeout * 1e6)))
        listener.set_timeout(ACCEPT_TIMEOUT)
        self._stack.callback(listener.close)
        self._listen(lambda: self._accept_quic(listener, settings, tickets=tickets))

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self, work: Callable[[], None]) -> None:
        """Accept until `stop`, which waits for that: a listener that is closed under accept() lives on."""
        thread = threading.Thread(target=work, daemon=True)
        self._listening.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping:
            try:
                sock, _ = listener.accept()
            except TimeoutError:
                continue
            sock.settimeout(None)
            channel = TcpChannel(sock)
            self._start(lambda channel=channel: self._serve(channel))  # type: ignore[misc]

    def _accept_quic(self, listener: Listener, settings: ServerSettings, *, tickets: bool) -> None:
        while not self._stopping:
            try:
                connection = listener.accept()
            except BlockingIOError:
                continue
            mine = replace(settings, ticket_key=connection.session_ticket) if tickets else settings
            self._start(lambda connection=connection, mine=mine: self._serve_quic(connection, mine))  # type: ignore[misc]

    def _serve_quic(self, connection: Connection, settings: ServerSettings) -> None:
        if self._refuse:
            connection.close()
            return
        try:
            server_handshake(connection, settings, HANDSHAKE_TIMEOUT)
        except (TlsError, OSError) as error:
            log.warning("no handshake: %s", error)
            connection.close()
            return
        connection.set_timeout(None)
        self._serve(QuicChannel(connection))

    def _serve(self, channel: Channel) -> None:
        if self._refuse:
            channel.close()
            return
        self._channels.add(channel)
        try:
            ClientConnection(channel, self._service).serve()
        except Exception:
            log.exception("a connection ended")
        finally:
            self._channels.discard(channel)

    def stop(self) -> None:
        """End everything."""
        self._stopping = True
        for thread in self._listening:
            thread.join()
        self._stack.close()
        self.drop_all()
        for thread in self._threads:
            thread.join(JOIN_TIMEOUT)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
