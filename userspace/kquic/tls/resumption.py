# SPDX-License-Identifier: GPL-2.0-or-later
"""What a client keeps of a connection, so that the next one to the server is quicker.

A session belongs to one server name, one protocol (ALPN) and one QUIC version.
Its bytes are as secret as the connection was; and whoever uses them twice lets
an observer link the connections (RFC 8446, C.4).
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field, replace

from kquic.sock import Config, Connection, TransportParams

from .driver import wait_for_ticket
from .errors import CredentialsError
from .handshake import Handshake
from .settings import ClientSettings


@dataclass(frozen=True, slots=True)
class SavedSession:
    """TLS session data, the server's limits, and its address validation token."""

    data: bytes = field(repr=False)
    params: TransportParams
    version: int
    token: bytes = b""
    early_data: bool = False  # the server has announced that it takes 0-RTT

    def to_bytes(self) -> bytes:
        """For a file or a database."""
        record = asdict(self) | {"data": _encode(self.data), "token": _encode(self.token)}
        return json.dumps(record).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> SavedSession:
        """What `to_bytes` made; CredentialsError for anything else."""
        try:
            record = json.loads(stored)
            return cls(
                data=base64.b64decode(record["data"], validate=True),
                params=TransportParams(**record["params"]),
                version=int(record["version"]),
                token=base64.b64decode(record["token"], validate=True),
                early_data=bool(record["early_data"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CredentialsError(f"not a saved session: {error}") from error

    def settings(self, base: ClientSettings) -> ClientSettings:
        """Settings that resume the TLS session, with 0-RTT if that is possible."""
        return replace(base, session_data=self.data, early_data=self.early_data)


def save_session(connection: Connection, tls: Handshake, seconds: float) -> SavedSession | None:
    """Client, after the handshake: what to resume with, once the ticket is there."""
    data = wait_for_ticket(connection, tls, seconds)
    if data is None:
        return None
    return SavedSession(
        data=data,
        params=connection.peer_transport_params,
        version=connection.config.version,
        token=connection.token,
        early_data=tls.allows_early_data,
    )


def offer_session(connection: Connection, saved: SavedSession) -> None:
    """Client, connected, before the handshake: use a session's token and limits.

    What is sent on streams from now on, up to these limits, leaves as 0-RTT
    when the handshake begins, or after it if the server refuses.
    """
    if saved.token:
        connection.set_token(saved.token)
    if saved.early_data:
        connection.set_transport_params(replace(saved.params, remote=1))


def session_config(saved: SavedSession) -> Config:
    """Configuration to set before connect(): a session is for one version (RFC 9369, 5)."""
    return Config(version=saved.version)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
