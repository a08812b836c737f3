# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic probe` asks without a kernel that has QUIC: aioquic answers."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from aioquic.asyncio import serve
from aioquic.quic.configuration import QuicConfiguration

from kquic.diag.probe import ProbeError, Report, ask_versions, lines, parse_versions, split
from kquic.tls.testca import TestCA

OURS, THEIRS = b"o" * 8, b"t" * 8
HEAD = b"\xff" + bytes(4) + b"\x08" + OURS + b"\x08" + THEIRS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", 443)),
        ("host:4433", ("host", 4433)),
        ("[::1]", ("::1", 443)),
        ("[::1]:2049", ("::1", 2049)),
        ("::1", ("::1", 443)),
    ],
)
def test_split(text: str, expected: tuple[str, int]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize("text", ["", ":443", "host:x", "host:0", "host:65536", "[]:1"])
def test_split_refuses(text: str) -> None:
    with pytest.raises(ProbeError):
        split(text)


def test_versions() -> None:
    listed = bytes.fromhex("00000001 6b3343cf 1a2a3a4a ff00001d")
    assert parse_versions(HEAD + listed, OURS, THEIRS) == ("1", "2", "0xff00001d")


@pytest.mark.parametrize(
    "packet", [b"", b"\xff\0\0\0", b"\x7f" + HEAD[1:], HEAD[:1] + b"\0\0\0\1" + HEAD[5:], HEAD[:10], HEAD[::-1]]
)
def test_not_an_answer(packet: bytes) -> None:
    assert parse_versions(packet, OURS, THEIRS) is None


def test_a_real_server(tmp_path: Path) -> None:
    keys = TestCA.create().server("server.test").write(tmp_path, "server")

    async def ask() -> tuple[str, ...] | None:
        config = QuicConfiguration(is_client=False)
        config.load_cert_chain(keys.cert, keys.key)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = await serve("127.0.0.1", port, configuration=config)
        found = await asyncio.to_thread(ask_versions, "127.0.0.1", port, 30.0)
        server.close()
        return found

    assert "1" in (asyncio.run(ask()) or ())


def test_nobody() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        versions = ask_versions("127.0.0.1", silent.getsockname()[1], 0.3)
    assert versions is None
    text = "\n".join(lines(Report("h", "192.0.2.1", 443, versions, (), None)))
    assert "UDP does not get through" in text
