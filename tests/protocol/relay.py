# SPDX-License-Identifier: GPL-2.0-or-later
"""A NAT between a client and a server: datagrams pass through, and its own address can change."""

from __future__ import annotations

import select
import socket
import threading
from types import TracebackType
from typing import Self

_ROUND = 0.05
LONG_HEADER = 0x80


class Relay:
    """Forwards UDP datagrams; clients send to `port`, the server sees the address that `rebind` has chosen last."""

    def __init__(self, server: tuple[str, int], host: str = "127.0.0.1") -> None:
        self._server = server
        self._inside = _bound(host)
        self._outside = [_bound(host)]
        self._forgotten: list[socket.socket] = []
        self._client: tuple[str, int] | None = None
        self._divert: socket.socket | None = None
        self._divert_stays = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: Bytes that were diverted.
        self.diverted = 0
        #: Nothing that the server sends passes while this is set.
        self.deaf = False
        #: Of what the server sends, packets with a short header do not pass.
        self.early_only = False
        #: What the server sends reaches the client from here, if it is set.
        self.disguise: socket.socket | None = None
        #: What a client sends from this address does not pass.
        self.ignored: str | None = None
        self.dropped = 0
        self._hold = 0
        self._held = b""
        #: How many of the client's next datagrams are lost, and of the server's.
        self.lose_from_client = 0
        self.lose_from_server = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        for sock in (self._inside, *self._outside, *self._forgotten):
            sock.close()

    @property
    def port(self) -> int:
        """Where the client sends to."""
        return int(self._inside.getsockname()[1])

    @property
    def seen(self) -> tuple[str, int]:
        """The client's address as the server sees it."""
        host, port = self._outside[-1].getsockname()
        return host, port

    def rebind(self, host: str = "127.0.0.1", *, forget: bool = True) -> None:
        """Take another outside address; the old one is deaf from then on, unless it is kept."""
        new = _bound(host)
        if forget:
            self._forgotten += self._outside
            self._outside = [new]
        else:
            self._outside = [*self._outside, new]

    def back(self) -> None:
        """Take the outside address before the present one, which has been kept."""
        *others, old, new = self._outside
        self._outside = [*others, new, old]

    def divert(self, sock: socket.socket | None, *, stay: bool = False) -> None:
        """Let the client's next datagram leave by another socket, as one who forges its sender would.

        If it is to stay like that, those behind it, too, until None is diverted to.
        """
        self._divert_stays, self._divert = stay, sock

    def hold(self, number: int) -> None:
        """Let that many of the client's datagrams overtake the next one."""
        self._held, self._hold = b"", number

    @property
    def holding(self) -> bool:
        """Whether that one has not been let go yet."""
        return self._hold > 0

    def _run(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._inside, *self._outside], [], [], _ROUND)
            for sock in ready:
                self._pass(sock)

    def _pass(self, sock: socket.socket) -> None:
        try:
            data, where = sock.recvfrom(65536)
        except OSError:  # an ICMP error
            return
        if sock is self._inside and where[0] == self.ignored:
            self.dropped += 1
        elif self._hold and sock is self._inside:
            self._overtake(data)
        elif sock is self._inside and self.lose_from_client:
            self.lose_from_client -= 1
        elif sock is not self._inside and self.lose_from_server:
            self.lose_from_server -= 1
        elif sock is self._inside:
            self._client = where
            self._send(data)
        elif self._client and not self.deaf and not (self.early_only and not data[0] & LONG_HEADER):
            (self.disguise or self._inside).sendto(data, self._client)

    def _overtake(self, data: bytes) -> None:
        if not self._held:
            self._held = data
            return
        self._send(data)
        if self._hold == 1:
            self._send(self._held)
        self._hold -= 1

    def _send(self, data: bytes) -> None:
        sock = self._divert or self._outside[-1]
        if sock is not self._outside[-1]:
            self.diverted += len(data)
        if not self._divert_stays:
            self._divert = None
        sock.sendto(data, self._server)


def _bound(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock
