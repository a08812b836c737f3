# SPDX-License-Identifier: GPL-2.0-or-later
"""Protection of a server against replayed 0-RTT (RFC 8446, 8.1; RFC 9001, 9.2)."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import CredentialsError
from .lib import E_DB_ENTRY_EXISTS, ffi, gnutls, strerror

#: Tickets that are remembered; of more than that, the oldest bring no 0-RTT.
CAPACITY = 65_536
#: GnuTLS forgets every ticket that is older than the last window (milliseconds, 32 bits), so there is only one.
_WINDOW = (1 << 32) - 1


class AntiReplay:
    """The tickets of a server that have not brought 0-RTT yet: each may do so once.

    One object for all handshakes of a server that share a ticket key, from any
    number of threads. It lives in one process: a ticket of another one, or of one
    before, resumes its session and brings no 0-RTT.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        holder = ffi.new("gnutls_anti_replay_t *")
        code = gnutls().gnutls_anti_replay_init(holder)
        if code < 0:
            raise CredentialsError(f"anti-replay: {strerror(code)}")
        self.handle = ffi.gc(holder[0], gnutls().gnutls_anti_replay_deinit)
        self._capacity = capacity
        self._lock = threading.Lock()
        self._unused: dict[bytes, None] = {}
        self._offered = threading.local()
        self._own_handle = ffi.new_handle(self)
        gnutls().gnutls_anti_replay_set_window(self.handle, _WINDOW)
        gnutls().gnutls_anti_replay_set_add_function(self.handle, _add)
        gnutls().gnutls_anti_replay_set_ptr(self.handle, self._own_handle)

    def issued(self, ticket: bytes) -> None:
        """A client is given this ticket."""
        with self._lock:
            self._unused[_digest(ticket)] = None
            while len(self._unused) > self._capacity:
                del self._unused[next(iter(self._unused))]

    @contextmanager
    def offered(self, ticket: bytes | None) -> Iterator[None]:
        """Meanwhile GnuTLS looks, in this thread, at a ClientHello whose first identity is this."""
        self._offered.ticket = ticket
        try:
            yield
        finally:
            self._offered.ticket = None

    def spend(self) -> bool:
        """Whether the ticket that was offered may bring 0-RTT; it may not do so again."""
        ticket: bytes | None = getattr(self._offered, "ticket", None)
        if ticket is None:
            return False
        with self._lock:
            try:
                del self._unused[_digest(ticket)]
            except KeyError:
                return False
            return True


def _digest(ticket: bytes) -> bytes:
    return hashlib.sha256(ticket).digest()


@ffi.callback("gnutls_db_add_func", error=E_DB_ENTRY_EXISTS)
def _add(pointer: Any, _expires: int, _key: Any, _data: Any) -> int:
    """GnuTLS asks once it knows that the ticket is a good one, and the ClientHello its owner's."""
    guard: AntiReplay = ffi.from_handle(pointer)
    return 0 if guard.spend() else E_DB_ENTRY_EXISTS
