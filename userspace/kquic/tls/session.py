# SPDX-License-Identifier: GPL-2.0-or-later
"""A GnuTLS session set up for QUIC: creation, and the questions one can ask it."""

from __future__ import annotations

from typing import Any

from kquic.sock import CertificateRequest, Cipher

from . import _callbacks as callbacks
from .credentials import CRD_PSK, handle_of
from .errors import HandshakeError
from .lib import Datum, datum_array, ffi, gnutls, strerror, take, to_bytes
from .settings import ClientSettings, ServerSettings, Settings, priority_string, psk_server
from .ticket import EARLY_DATA_SIZE
from .verify import is_address

SERVER, CLIENT = 1 << 0, 1 << 1
NONBLOCK = 1 << 3
NO_TICKETS = 1 << 10
NO_AUTO_SEND_TICKET = 1 << 21
ENABLE_EARLY_DATA = 1 << 20
NO_END_OF_EARLY_DATA = 1 << 22
SFLAG_EARLY_DATA = 1 << 10

NAME_DNS = 1
OMIT_ISSUER_NAMES = 1  # else a client keeps a certificate of another issuer to itself
ALPN_MANDATORY = 1
EXTENSION_PARAMETERS = 0x39
EXT_PARSE_TLS = 2
EXT_CLIENT_HELLO, EXT_EE, EXT_TLS = 1 << 1, 1 << 4, 1 << 7

_CIPHERS = {
    10: Cipher.AES_GCM_128,
    11: Cipher.AES_GCM_256,
    19: Cipher.AES_CCM_128,
    23: Cipher.CHACHA20_POLY1305,
}


class Session:
    """Owns one gnutls_session_t; `hooks` is told what GnuTLS has for the transport."""

    def __init__(self, settings: Settings, hooks: callbacks.Hooks) -> None:
        holder = ffi.new("gnutls_session_t *")
        _check(gnutls().gnutls_init(holder, _flags(settings)), "session")
        self.handle = ffi.gc(holder[0], gnutls().gnutls_deinit)
        self._keep: list[Any] = [settings.credentials]
        self._own_handle = ffi.new_handle(hooks)
        gnutls().gnutls_session_set_ptr(self.handle, self._own_handle)
        self._set_up_common(settings)
        if isinstance(settings, ServerSettings):
            self._set_up_server(settings)
        else:
            self._set_up_client(settings)

    def _set_up_common(self, settings: Settings) -> None:
        lib = gnutls()
        psk = settings.credentials.kind == CRD_PSK or psk_server(settings) is not None
        priority = priority_string(settings, psk=psk).encode()
        _check(lib.gnutls_priority_set_direct(self.handle, priority, ffi.NULL), "priorities")
        credentials = handle_of(settings.credentials)
        code = lib.gnutls_credentials_set(self.handle, settings.credentials.kind, credentials)
        _check(code, "credentials")
        lib.gnutls_handshake_set_read_function(self.handle, callbacks.read_function)
        lib.gnutls_handshake_set_secret_function(self.handle, callbacks.secret_function)
        lib.gnutls_alert_set_read_function(self.handle, callbacks.alert_function)
        keylog = callbacks.keylog_function if settings.keylog else ffi.NULL
        lib.gnutls_session_set_keylog_function(self.handle, keylog)
        self._set_alpn(settings.alpn)
        self._register_parameters()

    def _register_parameters(self) -> None:
        code = gnutls().gnutls_session_ext_register(
            self.handle,
            b"quic_transport_parameters",
            EXTENSION_PARAMETERS,
            EXT_PARSE_TLS,
            callbacks.parameters_received,
            callbacks.parameters_wanted,
            ffi.NULL,
            ffi.NULL,
            ffi.NULL,
            EXT_TLS | EXT_CLIENT_HELLO | EXT_EE,
        )
        _check(code, "quic_transport_parameters")

    def _set_alpn(self, protocols: tuple[str, ...]) -> None:
        if not protocols:
            return
        array, _keep = datum_array([p.encode() for p in protocols])
        code = gnutls().gnutls_alpn_set_protocols(self.handle, array, len(protocols), ALPN_MANDATORY)
        _check(code, "ALPN")

    def _set_up_client(self, settings: ClientSettings) -> None:
        name = settings.server_name
        if name and not is_address(name):
            raw = name.encode("idna") if not name.isascii() else name.encode()
            code = gnutls().gnutls_server_name_set(self.handle, NAME_DNS, raw, len(raw))
            _check(code, "server name")
        if settings.verify and settings.credentials.kind != CRD_PSK:
            if not name:
                raise HandshakeError("verification needs the name of the server")
            lib = gnutls()
            lib.gnutls_session_set_verify_function(self.handle, callbacks.verify_function)
        if settings.session_data:
            data = settings.session_data
            # Data that does not fit the connection only costs the resumption.
            gnutls().gnutls_session_set_data(self.handle, data, len(data))

    def _set_up_psk(self, settings: ServerSettings) -> None:
        keys = psk_server(settings)
        if keys is None:
            return
        gnutls().gnutls_psk_set_server_credentials_function2(keys.handle, callbacks.psk_wanted)
        if keys is not settings.credentials:
            self._keep.append(keys)
            _check(gnutls().gnutls_credentials_set(self.handle, CRD_PSK, handle_of(keys)), "credentials")

    def _set_up_server(self, settings: ServerSettings) -> None:
        self._set_up_psk(settings)
        asks = settings.request in (CertificateRequest.REQUEST, CertificateRequest.REQUIRE)
        if asks and settings.credentials.kind != CRD_PSK:
            lib = gnutls()
            lib.gnutls_certificate_server_set_request(self.handle, settings.request)
            lib.gnutls_certificate_send_x509_rdn_sequence(self.handle, OMIT_ISSUER_NAMES)
            lib.gnutls_session_set_verify_function(self.handle, callbacks.verify_function)
        if settings.ticket_key:
            key = Datum(settings.ticket_key)
            code = gnutls().gnutls_session_ticket_enable_server(self.handle, key.pointer)
            _check(code, "session ticket key")
        if settings.early_data:
            self._keep.append(settings.early_data)
            gnutls().gnutls_anti_replay_enable(self.handle, settings.early_data.handle)
            code = gnutls().gnutls_record_set_max_early_data_size(self.handle, EARLY_DATA_SIZE)
            _check(code, "early data")

    def handshake(self) -> int:
        """Go on with the handshake; GnuTLS's code."""
        return int(gnutls().gnutls_handshake(self.handle))

    def write(self, level: int, data: bytes) -> int:
        """Give GnuTLS bytes that arrived; its code."""
        return int(gnutls().gnutls_handshake_write(self.handle, level, data, len(data)))

    def send_ticket(self) -> None:
        """Make one NewSessionTicket."""
        _check(gnutls().gnutls_session_ticket_send(self.handle, 1, 0), "session ticket")

    @property
    def cipher(self) -> Cipher:
        """The cipher of the session."""
        return _known_cipher(gnutls().gnutls_cipher_get(self.handle))

    @property
    def early_cipher(self) -> Cipher:
        """The cipher of 0-RTT, that of the session resumed."""
        return _known_cipher(gnutls().gnutls_early_cipher_get(self.handle))

    @property
    def early_data(self) -> bool:
        """Whether the server accepted 0-RTT."""
        return bool(gnutls().gnutls_session_get_flags(self.handle) & SFLAG_EARLY_DATA)

    @property
    def alpn(self) -> str | None:
        """The protocol that was agreed on."""
        out = ffi.new("gnutls_datum_t *")
        if gnutls().gnutls_alpn_get_selected_protocol(self.handle, out) < 0:
            return None
        return to_bytes(out).decode("utf-8", "replace")

    @property
    def server_name(self) -> str | None:
        """The name that the client indicated (server side)."""
        size, kind = ffi.new("size_t *", 256), ffi.new("unsigned int *")
        buffer = ffi.new("char[]", 256)
        code = gnutls().gnutls_server_name_get(self.handle, buffer, size, kind, 0)
        return bytes(ffi.buffer(buffer, size[0])).rstrip(b"\0").decode("utf-8", "replace") if code == 0 else None

    @property
    def psk_identity(self) -> str | None:
        """The identity that the client's pre-shared key has (server side)."""
        out = ffi.new("gnutls_datum_t *")
        if gnutls().gnutls_psk_server_get_username2(self.handle, out) < 0:
            return None
        return to_bytes(out).decode("utf-8", "replace")

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was resumed."""
        return bool(gnutls().gnutls_session_is_resumed(self.handle))

    @property
    def client_random(self) -> bytes:
        """The ClientHello's random, which names the session in a key log."""
        client, server = ffi.new("gnutls_datum_t *"), ffi.new("gnutls_datum_t *")
        gnutls().gnutls_session_get_random(self.handle, client, server)
        return to_bytes(client)

    def data(self) -> bytes:
        """What a client needs to resume the TLS session."""
        out = ffi.new("gnutls_datum_t *")
        _check(gnutls().gnutls_session_get_data2(self.handle, out), "session data")
        return take(out)

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """Exported keying material (RFC 8446, 7.5)."""
        out, name = ffi.new("char[]", length), label.encode()
        code = gnutls().gnutls_prf_rfc5705(self.handle, len(name), name, len(context), context, length, out)
        _check(code, "exporter")
        return bytes(ffi.buffer(out, length))


def _flags(settings: Settings) -> int:
    flags = NONBLOCK | NO_AUTO_SEND_TICKET | NO_END_OF_EARLY_DATA
    if settings.early_data:
        flags |= ENABLE_EARLY_DATA
    if isinstance(settings, ServerSettings):
        return flags | SERVER | (0 if settings.ticket_key else NO_TICKETS)
    return flags | CLIENT


def _known_cipher(number: int) -> Cipher:
    if number not in _CIPHERS:
        raise HandshakeError(f"GnuTLS chose cipher {number}, which QUIC does not know")
    return _CIPHERS[number]


def _check(code: int, what: str) -> None:
    if code < 0:
        raise HandshakeError(f"{what}: {strerror(code)}")
