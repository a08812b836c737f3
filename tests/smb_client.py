# SPDX-License-Identifier: GPL-2.0-or-later
"""smbprotocol, an SMB client of others, over TCP and over the kernel's QUIC, with further channels of a session."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from smbprotocol.connection import Connection
from smbprotocol.header import Commands
from smbprotocol.open import CreateDisposition, CreateOptions, FileAttributes, ImpersonationLevel, Open, ShareAccess
from smbprotocol.session import Session
from smbprotocol.transport import Tcp
from smbprotocol.tree import TreeConnect

from kquic.lab.topology import Host
from kquic.sock import connect
from kquic.tls import ClientSettings, X509Credentials
from kquic.tls.driver import client_handshake

PORTS = {"tcp": 445, "quic": 443}
BINDING = 1
GENERIC_READ = 0x80000000


def over_quic(ca: Path) -> type[Tcp]:
    """A transport for smbprotocol: a TCP socket is what it wants, and a QUIC socket with a stream is one to it."""

    class Quic(Tcp):  # type: ignore[misc]
        def connect(self) -> None:
            made = connect(self.server, self.port)
            client_handshake(made, ClientSettings(X509Credentials(ca.read_bytes()), self.server, ("smb",)))
            made.open_stream()
            self._sock, self.connected = made.sock, True

    return Quic


class Channel(Connection):  # type: ignore[misc]
    """A connection whose sessions are those of another one."""

    binds = False

    def _send(self, messages, *args, **kwargs):
        for message in messages:
            if self.binds and message.COMMAND == Commands.SMB2_SESSION_SETUP:
                message["flags"] = BINDING
        return super()._send(messages, *args, **kwargs)


@dataclass
class SmbClient:
    """Connections of one client to a server, made on a host.

    Args:
        server: name in its certificate.
        ca: who has signed that.
    """

    host: Host
    server: str
    ca: Path
    user: str
    password: str

    def __post_init__(self) -> None:
        self._guid = uuid.uuid4()

    @contextlib.contextmanager
    def channel(self, transport: str, first: Session | None = None) -> Iterator[Session]:
        """A session over a transport; one more channel of the `first`, if that is given."""
        connection = Channel(self._guid, self.server, PORTS[transport], require_signing=True)
        made = over_quic(self.ca) if transport == "quic" else Tcp
        with self.host.entered(), mock.patch("smbprotocol.connection.Tcp", made):
            connection.connect()
        session = Session(connection, self.user, self.password, require_encryption=False, auth_protocol="ntlm")
        if first is not None:
            connection.binds = True
            session.session_id, session.signing_key = first.session_id, first.signing_key
            connection.session_table[first.session_id] = session
        try:
            session.connect()
            yield session
        finally:
            connection.disconnect(close=False)


def tree(session: Session, share: str) -> TreeConnect:
    """Connect a share."""
    made = TreeConnect(session, rf"\\{session.connection.server_name}\{share}")
    made.connect()
    return made


def the_same(tree_connect: TreeConnect, session: Session) -> TreeConnect:
    """A share that is connected already, by another channel of its session."""
    made = TreeConnect(session, tree_connect.share_name)
    made.tree_connect_id = tree_connect.tree_connect_id
    session.tree_connect_table[made.tree_connect_id] = made
    return made


def read(tree_connect: TreeConnect, name: str) -> bytes:
    """What is in a file."""
    file = Open(tree_connect, name)
    file.create(
        ImpersonationLevel.Impersonation,
        GENERIC_READ,
        FileAttributes.FILE_ATTRIBUTE_NORMAL,
        ShareAccess.FILE_SHARE_READ,
        CreateDisposition.FILE_OPEN,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
    )
    return bytes(file.read(0, 1 << 16))
