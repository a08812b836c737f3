# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that GnuTLS calls back.

One set serves every session: the session's user pointer leads to a Hooks
object. An exception must not cross C: it is kept in the object, the handshake
is told to fail, and `kquic.tls.session` raises it again on the other side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .lib import E_INTERNAL_ERROR, ffi, gnutls, text, to_bytes


class Hooks(Protocol):
    """What a session does when GnuTLS calls."""

    failure: BaseException | None

    def on_message(self, level: int, kind: int, data: bytes) -> None:
        """TLS bytes to send."""

    def on_secrets(self, level: int, receive: bytes | None, send: bytes | None) -> None:
        """Traffic secrets of a level."""

    def on_parameters(self, extension: bytes) -> None:
        """The peer's transport parameters."""

    def own_parameters(self) -> bytes:
        """Our transport parameters."""

    def verify_peer(self) -> None:
        """The peer's certificate is there: raise if it is not to be believed."""

    def on_keylog(self, label: str, secret: bytes) -> None:
        """A line for the key log."""

    def find_psk(self, identity: str) -> bytes | None:
        """The key that an identity names."""


def _guard(session: Any, work: Callable[[Hooks], int | None]) -> int:
    hooks: Hooks = ffi.from_handle(gnutls().gnutls_session_get_ptr(session))
    try:
        return work(hooks) or 0
    except BaseException as error:
        hooks.failure = hooks.failure or error
        return E_INTERNAL_ERROR


@ffi.callback("gnutls_handshake_read_func")
def read_function(session: Any, level: int, kind: int, data: Any, size: int) -> int:
    """GnuTLS has a handshake message for the peer."""
    message = bytes(ffi.buffer(data, size))
    return _guard(session, lambda hooks: hooks.on_message(level, kind, message))


@ffi.callback("gnutls_handshake_secret_func")
def secret_function(session: Any, level: int, receive: Any, send: Any, size: int) -> int:
    """GnuTLS derived traffic secrets."""
    keys = [None if p == ffi.NULL else bytes(ffi.buffer(p, size)) for p in (receive, send)]
    return _guard(session, lambda hooks: hooks.on_secrets(level, *keys))


@ffi.callback("gnutls_alert_read_func")
def alert_function(_session: Any, _level: int, _alert_level: int, _alert: int) -> int:
    """GnuTLS would send an alert; QUIC puts it into CONNECTION_CLOSE instead."""
    return 0


@ffi.callback("gnutls_certificate_verify_function")
def verify_function(session: Any) -> int:
    """GnuTLS has the peer's certificate."""
    return _guard(session, lambda hooks: hooks.verify_peer())


@ffi.callback("gnutls_keylog_func")
def keylog_function(session: Any, label: Any, secret: Any) -> int:
    """GnuTLS has a secret for the key log."""
    name, key = text(label), to_bytes(secret)
    return _guard(session, lambda hooks: hooks.on_keylog(name, key))


@ffi.callback("gnutls_ext_recv_func")
def parameters_received(session: Any, data: Any, size: int) -> int:
    """The peer's quic_transport_parameters extension."""
    body = bytes(ffi.buffer(data, size))
    return _guard(session, lambda hooks: hooks.on_parameters(body))


@ffi.callback("gnutls_ext_send_func")
def parameters_wanted(session: Any, buffer: Any) -> int:
    """Our quic_transport_parameters extension."""

    def append(hooks: Hooks) -> int:
        body = hooks.own_parameters()
        code: int = gnutls().gnutls_buffer_append_data(buffer, body, len(body))
        return code if code < 0 else len(body)

    return _guard(session, append)


@ffi.callback("gnutls_psk_server_credentials_function2")
def psk_wanted(session: Any, identity: Any, key: Any) -> int:
    """A client named a pre-shared key."""
    name = to_bytes(identity).decode("utf-8", "replace")

    def fill(hooks: Hooks) -> int:
        found = hooks.find_psk(name)
        if not found:
            return -1
        key.data = ffi.cast("unsigned char *", gnutls().gnutls_malloc(len(found)))
        ffi.memmove(key.data, found, len(found))
        key.size = len(found)
        return 0

    return _guard(session, fill)
