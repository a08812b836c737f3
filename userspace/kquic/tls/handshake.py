# SPDX-License-Identifier: GPL-2.0-or-later
"""One TLS handshake for QUIC (RFC 9001, 4), without a socket.

Bytes of CRYPTO frames and their level go in; bytes to send and secrets to
install come out, in the order in which the transport has to act on them.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import NoReturn

from kquic.sock import CryptoLevel

from . import lib
from .actions import Action, HandshakeResult, InstallSecret, Parameters, SendCrypto
from .alerts import Alert
from .errors import CertificateRefused, HandshakeError, ProtocolViolation, TlsError, UnknownPskIdentity
from .framing import Framing
from .session import Session
from .settings import ClientSettings, ServerSettings, Settings, psk_server
from .ticket import EARLY_DATA_SIZE, early_data_size, offered_ticket, ticket
from .verify import peer_chain, subject_of, verify_peer

# gnutls_record_encryption_level_t in its own order.
_LEVELS = (CryptoLevel.INITIAL, CryptoLevel.EARLY, CryptoLevel.HANDSHAKE, CryptoLevel.APP)
_CHANGE_CIPHER_SPEC = 254
_CLIENT_HELLO, _SERVER_HELLO, _NEW_SESSION_TICKET, _FINISHED = 1, 2, 4, 20
# The message with which the peer's part of a level ends.
_LAST_OF_LEVEL = {
    CryptoLevel.INITIAL: (_CLIENT_HELLO, _SERVER_HELLO),
    CryptoLevel.HANDSHAKE: (_FINISHED,),
}
_SESSION_ID_OFFSET = 38  # in a ClientHello: header 4, version 2, random 32

_WAITING = (lib.E_AGAIN, lib.E_INTERRUPTED)
_NO_CERTIFICATE = (lib.E_NO_CERTIFICATE_FOUND, lib.E_CERTIFICATE_REQUIRED)


class Handshake:
    """Client or server, as the kind of `settings` says."""

    def __init__(self, settings: Settings, parameters: Parameters) -> None:
        self.settings = settings
        self.is_server = isinstance(settings, ServerSettings)
        self._guard = settings.early_data if isinstance(settings, ServerSettings) else None
        self.complete = False
        self.failure: BaseException | None = None
        self._parameters = parameters
        self._peer_parameters_seen = False
        self._psk_identity: str | None = None
        self._psk_unknown = False
        self._actions: list[Action] = []
        self._hello = b""
        self._ticket = b""
        self._read_level = CryptoLevel.INITIAL
        self._framing = Framing()
        self._session = Session(settings, self)

    def start(self) -> list[Action]:
        """Begin: a client's ClientHello; nothing yet on a server."""
        if not self.is_server:
            self._advance()
        return self._take()

    def receive(self, level: CryptoLevel, data: bytes) -> list[Action]:
        """Go on with bytes that arrived at a level."""
        if self.is_server and level == CryptoLevel.INITIAL:
            self._check_session_id(data)
        if level == CryptoLevel.APP:
            self._check_post_handshake(data)
            self._ticket += data
        else:
            self._check_level(level, data)
        code = self._session.write(_LEVELS.index(level), data)
        if code < 0 and code not in _WAITING:
            self._fail(code)
        self._raise_failure()
        if not self.complete:
            self._advance()
        return self._take()

    @property
    def result(self) -> HandshakeResult:
        """What was settled, once `complete`."""
        return HandshakeResult(
            alpn=self._session.alpn,
            cipher=self._session.cipher,
            peer_chain=peer_chain(self._session.handle),
            server_name=self._session.server_name if self.is_server else None,
            psk_identity=self._session.psk_identity if self.is_server else None,
            resumed=self._session.resumed,
            early_data=self._session.early_data,
        )

    def session_data(self) -> bytes:
        """What resumes the TLS session later (client, after a ticket was received)."""
        return self._session.data()

    @property
    def allows_early_data(self) -> bool:
        """Client: whether `session_data` can be used for 0-RTT."""
        return early_data_size(self._ticket) == EARLY_DATA_SIZE

    def export(self, label: str, context: bytes = b"", length: int = 32) -> bytes:
        """Keying material bound to the TLS session (RFC 8446, 7.5)."""
        return self._session.export(label, context, length)

    def _advance(self) -> None:
        with self._guard.offered(offered_ticket(self._hello)) if self._guard else nullcontext():
            code = self._session.handshake()
        self._raise_failure()
        if code == 0:
            self._verify_resumed()
            self._finish()
        elif code not in _WAITING and lib.gnutls().gnutls_error_is_fatal(code):
            self._fail(code)

    def _verify_resumed(self) -> None:
        """GnuTLS does not ask in a resumed handshake; the certificate may have expired since, or been revoked."""
        settings = self.settings
        if isinstance(settings, ClientSettings) and settings.verify and self._session.resumed:
            self.verify_peer()

    def _finish(self) -> None:
        self.complete = True
        if isinstance(self.settings, ServerSettings) and self.settings.ticket_key:
            self._session.send_ticket()

    def _take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    # What GnuTLS calls back, see _callbacks.Hooks.

    def on_message(self, level: int, kind: int, data: bytes) -> None:
        """TLS bytes to send."""
        if kind == _CHANGE_CIPHER_SPEC:
            return
        if kind == _NEW_SESSION_TICKET and self._guard:
            self._guard.issued(ticket(data))
        last = self._actions[-1] if self._actions else None
        if isinstance(last, SendCrypto) and last.level == _LEVELS[level]:
            self._actions[-1] = SendCrypto(last.level, last.data + data)
        else:
            self._actions.append(SendCrypto(_LEVELS[level], data))

    def on_secrets(self, level: int, receive: bytes | None, send: bytes | None) -> None:
        """Traffic secrets of a level."""
        where = _LEVELS[level]
        if where == CryptoLevel.EARLY:
            self._on_early_secrets(receive, send)
            return
        cipher = self._session.cipher
        if where == CryptoLevel.APP:
            self._check_extensions()
        if send:
            self._actions.append(InstallSecret(where, True, cipher, send))
        if receive:
            self._check_level_is_done()
            self._read_level, self._framing = where, Framing()
            self._actions.append(InstallSecret(where, False, cipher, receive))

    def _on_early_secrets(self, receive: bytes | None, send: bytes | None) -> None:
        """Secrets of 0-RTT packets, in which TLS itself says nothing."""
        for sending, secret in ((True, send), (False, receive)):
            if secret:
                cipher = self._session.early_cipher
                self._actions.append(InstallSecret(CryptoLevel.EARLY, sending, cipher, secret))

    def on_parameters(self, extension: bytes) -> None:
        """The peer's transport parameters."""
        self._peer_parameters_seen = True
        self._parameters.received(extension)

    def own_parameters(self) -> bytes:
        """Our transport parameters."""
        return self._parameters.local()

    def verify_peer(self) -> None:
        """The peer's certificate is there: raise if it is not to be believed."""
        name = None if isinstance(self.settings, ServerSettings) else self.settings.server_name
        verify_peer(self._session.handle, is_server=self.is_server, name=name)
        self._check_access()

    def _check_access(self) -> None:
        """A good certificate is not enough if there is a list of clients."""
        access = self.settings.access if isinstance(self.settings, ServerSettings) else None
        chain = peer_chain(self._session.handle)
        if access is not None and chain and (objection := access.objection(chain)):
            raise CertificateRefused((objection,), subject_of(chain[0]), Alert.ACCESS_DENIED)

    def on_keylog(self, label: str, secret: bytes) -> None:
        """A line for the key log."""
        if self.settings.keylog:
            self.settings.keylog.write(label, self._session.client_random, secret)

    def find_psk(self, identity: str) -> bytes | None:
        """The key that an identity names."""
        keys = psk_server(self.settings)
        key = keys.lookup(identity) if keys is not None else None
        self._psk_identity, self._psk_unknown = identity, key is None
        return key

    # Checks that RFC 9001 asks for and GnuTLS leaves to us.

    def _check_extensions(self) -> None:
        """Before 1-RTT keys exist: RFC 9001, 8.1 and 8.2."""
        if not self._peer_parameters_seen:
            raise HandshakeError("the peer sent no quic_transport_parameters", Alert.MISSING_EXTENSION)
        if self.settings.alpn and self._session.alpn is None:
            raise HandshakeError(
                f"the peer agreed to none of {', '.join(self.settings.alpn)}",
                Alert.NO_APPLICATION_PROTOCOL,
            )

    def _check_session_id(self, data: bytes) -> None:
        """A ClientHello must not ask for compatibility mode: RFC 9001, 8.4."""
        self._hello += data
        if len(self._hello) > _SESSION_ID_OFFSET and self._hello[_SESSION_ID_OFFSET]:
            raise ProtocolViolation("the ClientHello has a legacy_session_id")

    def _check_level(self, level: CryptoLevel, data: bytes) -> None:
        """TLS bytes belong to the level that TLS reads: RFC 9001, 4.1.3."""
        if level != self._read_level:
            raise ProtocolViolation(f"TLS bytes at {level.name}, expected at {self._read_level.name}")
        self._framing.feed(data)

    def _check_level_is_done(self) -> None:
        """Nothing may be left over at a level when the next one begins: RFC 9001, 4.1.3."""
        framing, expected = self._framing, _LAST_OF_LEVEL[self._read_level]
        if framing.partial or framing.last_type not in expected:
            raise ProtocolViolation(f"excess TLS bytes at {self._read_level.name}")

    def _check_post_handshake(self, data: bytes) -> None:
        """Only a ticket for a client: no KeyUpdate (RFC 9001, 6), no client authentication."""
        kind = (self._ticket or data)[:1]
        if self.is_server or not self.complete or kind != bytes([_NEW_SESSION_TICKET]):
            raise HandshakeError("a TLS message that QUIC forbids after the handshake", Alert.UNEXPECTED_MESSAGE)

    # Failure.

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _fail(self, code: int) -> NoReturn:
        self._raise_failure()
        raise self._error(code)

    def _error(self, code: int) -> TlsError:
        if self.is_server and code in _NO_CERTIFICATE:
            return CertificateRefused(("none was presented",), "", Alert.CERTIFICATE_REQUIRED)
        if self._psk_unknown:
            return UnknownPskIdentity(
                f"no pre-shared key for identity {self._psk_identity!r}",
                Alert.UNKNOWN_PSK_IDENTITY,
            )
        if self._psk_identity is not None and code == lib.E_ILLEGAL_PARAMETER:
            return HandshakeError(
                f"the pre-shared key of {self._psk_identity!r} is not the client's",
                Alert.DECRYPT_ERROR,
            )
        alert = Alert.of(lib.gnutls().gnutls_error_to_alert(code, lib.ffi.new("int *")))
        return HandshakeError(lib.strerror(code), alert)
