# SPDX-License-Identifier: GPL-2.0-or-later
"""One handshake on a socket that the kernel lent us."""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from dataclasses import dataclass
from errno import EOPNOTSUPP

from kquic.errors import KquicError
from kquic.sock import IPPROTO_QUIC, Connection, CryptoLevel
from kquic.tls import ClientSettings, Handshake, HandshakeResult, PskClientCredentials, Settings, run
from kquic.tls.verify import subject_of

from . import keyring, sessions
from .family import Request
from .outcome import Outcome, status_of
from .policy import Policy, SocketFacts

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 20.0
PEER_CERTIFICATE_LIFETIME = 24 * 3600
ASYMMETRIC, USER = "asymmetric", "user"


@dataclass(frozen=True, slots=True)
class _Keeping:
    """A client's connection whose session is to be kept."""

    connection: Connection
    tls: Handshake
    deadline: float

    def step(self) -> bool:
        """Go on; whether it is done."""
        self.connection.sock.getpeername()  # raises when the connection has ended
        ticket = self.connection.session_ticket
        if not ticket:
            return False
        self.tls.receive(CryptoLevel.APP, ticket)
        settings = self.tls.settings
        assert isinstance(settings, ClientSettings)
        packed = sessions.pack(self.tls.session_data(), settings, self.tls.result.peer_chain)
        if packed:
            self.connection.set_session_ticket(packed)
        return True


class Worker:
    """Does a handshake and says how it ended; never raises."""

    def __init__(self, request: Request, policy: Policy) -> None:
        self.request, self.policy = request, policy
        self.sock = socket.socket(fileno=request.sockfd)
        self.who = _title(request, "?")
        self._keeping: _Keeping | None = None

    def run(self) -> Outcome:
        """Do the handshake."""
        started = time.monotonic()
        try:
            outcome = self._run()
        except Exception as error:
            outcome = Outcome(status_of(error), printable(str(error)) or type(error).__name__)
            if not isinstance(error, (KquicError, OSError)):
                log.exception("%s: unexpected failure", self.who)
        spent = f"{1000 * (time.monotonic() - started):.0f} ms"
        if outcome.ok:
            log.info("%s: established, %s, %s", self.who, outcome.text, spent)
        else:
            log.warning("%s: refused, %s (errno %d, %s)", self.who, outcome.text, outcome.status, spent)
        return outcome

    def _run(self) -> Outcome:
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) != IPPROTO_QUIC:
            return Outcome(EOPNOTSUPP, "not a QUIC socket; TLS over TCP is not served here")
        connection = Connection(self.sock)
        facts = _facts(connection)
        self.who = _title(self.request, f"{facts.peer}:{connection.peer[1]}")
        settings = self.policy.settings(self.request, facts)
        if isinstance(settings, ClientSettings) and not settings.verify:
            log.warning("%s: the server's certificate is not verified, as was asked", self.who)
        timeout = self.request.timeout_ms / 1000 or DEFAULT_TIMEOUT
        tls = run(connection, settings, timeout)
        self._finish(connection, tls, facts)
        return Outcome(0, printable(_summary(tls.result)), self._remote_auth(tls.result, settings))

    def _finish(self, connection: Connection, tls: Handshake, facts: SocketFacts) -> None:
        """Leave on the socket what the kernel user looks for there."""
        seconds = facts.config.receive_session_ticket
        if self.request.is_server and tls.result.alpn:
            connection.set_alpn(tls.result.alpn)
        elif seconds and not self.request.is_server:
            self._keeping = _Keeping(connection, tls, time.monotonic() + seconds)

    def keep_session(self) -> bool:
        """After the report: leave session data, once there is a ticket. Whether there is no more to do."""
        if self._keeping is None or time.monotonic() > self._keeping.deadline:
            return True
        try:
            return self._keeping.step()
        except (KquicError, OSError) as error:
            log.debug("%s: no session data: %s", self.who, error)
            return True

    def _remote_auth(self, result: HandshakeResult, settings: Settings) -> tuple[int, ...]:
        """Serial numbers of keys that say who the peer proved to be."""
        credentials = settings.credentials
        own = credentials.identity if isinstance(credentials, PskClientCredentials) else None
        if identity := result.psk_identity or own:
            serial = self.policy.find_psk(self.request, identity)
            return (serial,) if serial else ()
        if not result.peer_chain:
            return ()
        try:
            return (_publish(result.peer_chain[0]),)
        except KquicError as error:
            log.warning("%s: the peer's certificate is not in the keyring: %s", self.who, error)
            return ()

    def interrupt(self) -> None:
        """End the handshake from another thread."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.debug("%s: %s", self.who, error)


def printable(text: str) -> str:
    """Text that may be a peer's (a subject, a reason phrase), safe for one line of a log."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _facts(connection: Connection) -> SocketFacts:
    return SocketFacts(
        config=connection.config,
        alpn=connection.alpn,
        session_ticket=connection.session_ticket,
        peer=connection.peer[0],
    )


def _publish(certificate: bytes) -> int:
    """A key that holds the peer's certificate; one per certificate, however often it comes."""
    name = f"kquic:{hashlib.sha256(certificate).hexdigest()}"
    try:
        serial = keyring.add(ASYMMETRIC, name, certificate)
    except keyring.KeyringError:
        serial = keyring.add(USER, name, certificate)
    keyring.expire(serial, PEER_CERTIFICATE_LIFETIME)
    return serial


def _title(request: Request, peer: str) -> str:
    if request.is_server:
        return f"client {peer}"
    return f"server {request.peer_name} ({peer})" if request.peer_name else f"server {peer}"


def _summary(result: HandshakeResult) -> str:
    cipher = result.cipher.name.lower().replace("_", "-")
    parts = [f"alpn {result.alpn}" if result.alpn else "no alpn", cipher]
    if result.peer_chain:
        parts.append(f"peer {subject_of(result.peer_chain[0])}")
    if result.psk_identity:
        parts.append(f"peer has the key of {result.psk_identity}")
    return ", ".join([*parts, "resumed"] if result.resumed else parts)
