# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire that loses exactly what a test tells it to lose."""

from __future__ import annotations

import os
import select
import socket
import threading
from types import TracebackType
from typing import Self

LOCALHOST = "127.0.0.1"
ALL = 1 << 30


class Relay:
    """Carries datagrams between one client and a server on the loopback device.

    Attributes:
        lose_from_client: how many of the client's next datagrams are lost.
        lose_from_server: how many of the server's.
        smallest_lost: shorter ones pass, as ACKs do.
        from_client: first byte of each datagram that the client has sent.
        from_server: of each that the server has sent.
    """

    def __init__(self, server_port: int) -> None:
        self.lose_from_client = 0
        self.lose_from_server = 0
        self.smallest_lost = 0
        self.from_client: list[int] = []
        self.from_server: list[int] = []
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((LOCALHOST, 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect((LOCALHOST, server_port))
        self._stop, self._stopper = os.pipe()
        self._client: tuple[str, int] | None = None
        self._thread = threading.Thread(target=self._run)

    @property
    def port(self) -> int:
        """Where the client has to connect to."""
        return int(self._front.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._stopper, b"x")
        self._thread.join()
        for sock in (self._front, self._back):
            sock.close()
        for end in (self._stop, self._stopper):
            os.close(end)

    def _run(self) -> None:
        while True:
            readable, _, _ = select.select([self._front, self._back, self._stop], [], [])
            if self._stop in readable:
                return
            if self._front in readable:
                self._from_client()
            if self._back in readable:
                self._from_server()

    def _from_client(self) -> None:
        data, self._client = self._front.recvfrom(65536)
        self.from_client.append(data[0])
        if self.lose_from_client and len(data) >= self.smallest_lost:
            self.lose_from_client -= 1
        else:
            self._back.send(data)

    def _from_server(self) -> None:
        data = self._back.recv(65536)
        self.from_server.append(data[0])
        if self.lose_from_server and len(data) >= self.smallest_lost:
            self.lose_from_server -= 1
        elif self._client:
            self._front.sendto(data, self._client)
