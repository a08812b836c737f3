# SPDX-License-Identifier: GPL-2.0-or-later
"""What a request is answered with: which credentials, which checks.

Pure: it is told what the request, the socket and the key store say.

A keyring that comes with a request may hold keys of type "user" that are named
like the configuration's entries (x509.truststore, x509.crl, x509.certificate,
x509.private_key; PEM or DER). They take the place of the configuration's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from kquic.sock import CertificateRequest, Cipher, Config
from kquic.tls import (
    ClientSettings,
    CredentialsError,
    KeyLog,
    KeyPair,
    PskClientCredentials,
    PskServerCredentials,
    ServerSettings,
    Settings,
    X509Credentials,
)

from . import sessions
from .config import Tickets
from .family import AuthMode, Request
from .materials import Materials, SideMaterials

TICKET_KEY_SIZE = 64
#: Protocols whose clients get no ticket unless the configuration says so: Samba's user-space client (4.24) frees its
#: TLS session after the handshake, and a ticket that arrives then ends the connection.
NO_TICKET_FOR = frozenset({"smb"})

PSK_TYPES = ("psk", "user")
#: What cannot be guessed (RFC 9257, 4).
PSK_SIZE = 16


class NoMaterial(CredentialsError):
    """Nothing to prove ourselves with was given."""


class Keys(Protocol):
    """The key store, as far as a request needs it."""

    def read(self, serial: int) -> bytes:
        """The payload of a key."""

    def describe(self, serial: int) -> tuple[str, str]:
        """Type and description of a key."""

    def search(self, keyring: int, kind: str, description: str) -> int | None:
        """The serial number of a key, if the keyring has it."""

    def members(self, keyring: int) -> list[int]:
        """The serial numbers of all keys in a keyring."""


@dataclass(frozen=True, slots=True)
class SocketFacts:
    """What the kernel user left on the socket, and who the peer is."""

    config: Config
    alpn: tuple[str, ...]
    session_ticket: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Turns requests into settings of a handshake."""

    materials: Materials
    keys: Keys
    session_keyring: int
    keylog: KeyLog | None = None
    tickets: Tickets = Tickets.AUTO
    psk_client: int | None = None
    """Keyring with the pre-shared keys for servers that we are to use in place of certificates; none if None."""
    psk_server: int | None = None
    """The same for clients, who may."""
    ciphers: tuple[Cipher, ...] = ()
    """What is offered and accepted; everything if there is none."""

    def settings(self, request: Request, facts: SocketFacts) -> Settings:
        """How to do the handshake; CredentialsError if it cannot be done."""
        return (self._server if request.is_server else self._client)(request, facts)

    def _client(self, request: Request, facts: SocketFacts) -> ClientSettings:
        credentials: X509Credentials | PskClientCredentials
        name = (request.peer_name or facts.peer).strip("[]")
        if request.auth_mode == AuthMode.PSK:
            credentials = self._psk_client(request)
        else:
            credentials = self._shared_with(name, request) or self._x509(request, self.materials.client)
        settings = ClientSettings(
            credentials,
            server_name=name,
            alpn=facts.alpn,
            verify=facts.config.certificate_request != CertificateRequest.NO_AUTH,
            cipher=_cipher(facts),
            ciphers=self.ciphers,
            keylog=self.keylog,
        )
        return replace(settings, session_data=sessions.unpack(facts.session_ticket, settings))

    def _server(self, request: Request, facts: SocketFacts) -> ServerSettings:
        credentials: X509Credentials | PskServerCredentials
        access = psk = None
        if request.auth_mode == AuthMode.PSK:
            credentials = PskServerCredentials(self._psk_lookup(request))
        else:
            credentials = self._x509(request, self.materials.server)
            access = self.materials.server.access
            psk = PskServerCredentials(self._shared) if self.psk_server else None
        ticket_key = facts.session_ticket if self._gives_tickets(facts) and access is None else b""
        return ServerSettings(
            credentials,
            alpn=facts.alpn,
            request=_certificate_request(facts) if access is None else CertificateRequest.REQUIRE,
            cipher=_cipher(facts),
            ciphers=self.ciphers,
            ticket_key=ticket_key if len(ticket_key) == TICKET_KEY_SIZE else None,
            access=access,
            psk=psk,
            keylog=self.keylog,
        )

    def _gives_tickets(self, facts: SocketFacts) -> bool:
        if self.tickets is Tickets.AUTO:
            return not NO_TICKET_FOR.intersection(facts.alpn)
        return self.tickets is Tickets.ALWAYS

    # X.509

    def _x509(self, request: Request, side: SideMaterials) -> X509Credentials:
        trust = self._in_keyring(request, "x509.truststore")
        crl = self._in_keyring(request, "x509.crl")
        if request.auth_mode == AuthMode.UNAUTH and not request.is_server:
            if not trust and not crl:
                return side.anonymous
            return X509Credentials(trust or side.trust, (), crl or side.crl or ())
        pairs = self._pairs(request)
        if not trust and not crl and not pairs and side.complete:
            return side.complete
        own = pairs or side.own
        if not own:
            raise NoMaterial("no certificate: neither the request nor the configuration has one")
        return X509Credentials(trust or side.trust, own, crl or side.crl or ())

    def _pairs(self, request: Request) -> list[KeyPair]:
        pairs = [
            KeyPair(self.keys.read(cert), self.keys.read(key)) for cert, key in request.certificates if cert and key
        ]
        cert = self._in_keyring(request, "x509.certificate")
        key = self._in_keyring(request, "x509.private_key")
        return [*pairs, KeyPair(cert, key)] if cert and key else pairs

    def _in_keyring(self, request: Request, description: str) -> bytes | None:
        if not request.keyring:
            return None
        serial = self.keys.search(request.keyring, "user", description)
        return self.keys.read(serial) if serial else None

    # Pre-shared keys in place of certificates, in keyrings of their own: any other key's content might be guessed.

    def _shared_with(self, server: str, request: Request) -> PskClientCredentials | None:
        if self.psk_client is None or any(cert for cert, _ in request.certificates):
            return None
        found = {self.keys.describe(serial)[1]: serial for serial in self.keys.members(self.psk_client)}
        names = [identity for identity in sorted(found) if identity.partition("@")[2] == server]
        return PskClientCredentials(names[0], self._secret(found[names[0]])) if names else None

    def _shared(self, identity: str) -> bytes | None:
        serial = self._find_shared(self.psk_server, identity)
        return self._secret(serial) if serial else None

    def _find_shared(self, keyring: int | None, identity: str) -> int | None:
        found = [self.keys.search(keyring, kind, identity) for kind in PSK_TYPES] if keyring else []
        return next(filter(None, found), None)

    def _secret(self, serial: int) -> bytes:
        secret = self.keys.read(serial)
        if len(secret) < PSK_SIZE:
            raise CredentialsError(f"pre-shared key {serial}: {len(secret)} bytes, fewer than {PSK_SIZE}")
        return secret

    # Pre-shared keys that the kernel user asks for

    def _psk_client(self, request: Request) -> PskClientCredentials:
        if not request.peer_identities:
            raise NoMaterial("no pre-shared key in the request")
        serial = request.peer_identities[0]
        _, identity = self.keys.describe(serial)
        return PskClientCredentials(identity, self.keys.read(serial))

    def _psk_lookup(self, request: Request) -> Callable[[str], bytes | None]:
        def lookup(identity: str) -> bytes | None:
            serial = self.find_psk(request, identity)
            return self.keys.read(serial) if serial else None

        return lookup

    def find_psk(self, request: Request, identity: str) -> int | None:
        """The key that an identity names: of the request, else of our keyrings."""
        if request.auth_mode != AuthMode.PSK:
            return self._find_shared(self.psk_server if request.is_server else self.psk_client, identity)
        for serial in request.peer_identities:
            if self.keys.describe(serial)[1] == identity:
                return serial
        for keyring in filter(None, (request.keyring, self.session_keyring)):
            for kind in PSK_TYPES:
                if found := self.keys.search(keyring, kind, identity):
                    return found
        return None


def _cipher(facts: SocketFacts) -> Cipher | None:
    wanted = facts.config.payload_cipher_type
    return Cipher(wanted) if wanted in Cipher._value2member_map_ else None


def _certificate_request(facts: SocketFacts) -> CertificateRequest:
    """Of the socket; a value that no server can mean counts as the strictest."""
    return CertificateRequest(min(facts.config.certificate_request, CertificateRequest.REQUIRE))
