# SPDX-License-Identifier: GPL-2.0-or-later
"""Protection of a server against replayed 0-RTT (RFC 8446, 8.2; RFC 9001, 9.2)."""

from __future__ import annotations

import threading
import time
from typing import Any

from .errors import CredentialsError
from .lib import E_DB_ENTRY_EXISTS, ffi, gnutls, strerror, to_bytes

#: How far a client's clock may be off, in milliseconds; older ClientHellos get no 0-RTT.
WINDOW = 10_000
#: ClientHellos that are remembered; with more of them in a window there is no 0-RTT.
CAPACITY = 65_536


class AntiReplay:
    """Remembers the ClientHellos whose 0-RTT was accepted: each may bring it once.

    One object for all handshakes of a server that share a ticket key, from any
    number of threads. It lives in one process: servers in several processes, or
    on several machines, that share a ticket key must not accept 0-RTT with it.
    """

    def __init__(self, window: int = WINDOW, capacity: int = CAPACITY) -> None:
        holder = ffi.new("gnutls_anti_replay_t *")
        code = gnutls().gnutls_anti_replay_init(holder)
        if code < 0:
            raise CredentialsError(f"anti-replay: {strerror(code)}")
        self.handle = ffi.gc(holder[0], gnutls().gnutls_anti_replay_deinit)
        self._capacity = capacity
        self._lock = threading.Lock()
        self._seen: dict[bytes, int] = {}
        self._own_handle = ffi.new_handle(self)
        gnutls().gnutls_anti_replay_set_window(self.handle, window)
        gnutls().gnutls_anti_replay_set_add_function(self.handle, _add)
        gnutls().gnutls_anti_replay_set_ptr(self.handle, self._own_handle)

    def is_new(self, hello: bytes, expires: int) -> bool:
        """Remember a ClientHello; False if it is known, or if there is no room for it."""
        with self._lock:
            self._forget()
            if hello in self._seen or len(self._seen) >= self._capacity:
                return False
            self._seen[hello] = expires
            return True

    def _forget(self) -> None:
        """Drop what has expired; entries come in order of time, nearly."""
        now = _now()
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= now:
                return
            del self._seen[oldest]


def _now() -> int:
    """GnuTLS reckons expiry in seconds of the wall clock."""
    return int(time.time())


@ffi.callback("gnutls_db_add_func", error=E_DB_ENTRY_EXISTS)
def _add(pointer: Any, expires: int, key: Any, _data: Any) -> int:
    guard: AntiReplay = ffi.from_handle(pointer)
    return 0 if guard.is_new(to_bytes(key), expires) else E_DB_ENTRY_EXISTS
