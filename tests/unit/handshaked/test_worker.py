# SPDX-License-Identifier: GPL-2.0-or-later
"""What a peer says must not forge a line of the log."""

from __future__ import annotations

import socket

import pytest

from kquic.handshaked.config import Config
from kquic.handshaked.family import AuthMode, MessageType, Request
from kquic.handshaked.materials import load
from kquic.handshaked.policy import Policy
from kquic.handshaked.worker import Worker, printable


class NoKeys:
    def read(self, serial: int) -> bytes:
        raise KeyError(serial)

    def describe(self, serial: int) -> tuple[str, str]:
        raise KeyError(serial)

    def search(self, keyring: int, kind: str, description: str) -> int | None:
        return None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=server.test", "CN=server.test"),
        ("Zürich 東京", "Zürich 東京"),
        ("a\nkquic-handshaked: INFO: b", "a\\nkquic-handshaked: INFO: b"),
        ("\x1b[2J\r\x00\u2028", "\\x1b[2J\\r\\x00\\u2028"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_tcp_socket_is_turned_down_and_left_open() -> None:
    """A request for kTLS: the kernel user is told, its socket goes on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lent = socket.create_connection(listener.getsockname(), timeout=5)
        request = Request(lent.detach(), MessageType.CLIENT_HELLO, AuthMode.UNAUTH)
        worker = Worker(request, Policy(load(Config()), NoKeys(), 0))
        outcome = worker.run()
        assert (outcome.ok, outcome.status) == (False, 95)
        accepted, _ = listener.accept()
        with accepted, worker.sock:
            worker.sock.sendall(b"still open")
            assert accepted.recv(100) == b"still open"
