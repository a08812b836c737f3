# SPDX-License-Identifier: GPL-2.0-or-later
"""C programs written for the published interface of libquic, with each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import NAME, ask, serve

if TYPE_CHECKING:
    from .conftest import Files

CRYPTO = 0x100
BAD_CERTIFICATE, UNKNOWN_CA, DECRYPT_ERROR, UNKNOWN_PSK, CERTIFICATE_REQUIRED, NO_PROTOCOL = 42, 48, 51, 115, 116, 120
ANSWERS = ("stream 0 hello", "stream 8 again")


def told(alert: int) -> str:
    """What the option CONNECTION_CLOSE says when TLS sent this alert."""
    return hex(CRYPTO + alert)


class TestFiles:
    """quic_client_handshake() and quic_server_handshake()."""

    @pytest.mark.smoke
    @pytest.mark.parametrize("name", [NAME, "127.0.0.1"])
    def test_verified(self, files: Files, name: str) -> None:
        with serve("-k", files.key, "-c", files.cert, "-A", "echo") as server:
            client = ask(server.port, "-n", name, "-A", "smb, echo")
            assert client.status == 0, client.output
            assert all(line in client.output.splitlines() for line in ANSWERS)
            assert server.end().value("end") == "ENOTCONN"

    def test_psk(self, files: Files) -> None:
        with serve("-k", files.psk, "-A", "echo") as server:
            client = ask(server.port, "-k", files.psk, "-A", "echo")
            assert (client.value("handshake"), client.value("stream")) == ("0 OK", "8 again")

    def test_client_certificate(self, files: Files) -> None:
        """Demanded by the option CONFIG, and presented from a file with key and certificate."""
        with serve("-k", files.key, "-c", files.cert, "-A", "echo", "-R") as server:
            client = ask(server.port, "-n", NAME, "-k", files.client, "-A", "echo")
            assert client.value("stream") == "8 again"

    def test_client_certificate_missing(self, files: Files) -> None:
        with serve("-k", files.key, "-c", files.cert, "-A", "echo", "-R") as server:
            ask(server.port, "-n", NAME, "-A", "echo")
            end = server.end()
            assert (end.value("handshake"), end.value("close")) == ("-129 EKEYREJECTED", told(CERTIFICATE_REQUIRED))

    def test_nobody_in_particular(self, files: Files) -> None:
        """Without a host the server is not verified: it is not the one of the trust store."""
        with serve("-k", files.stranger_key, "-c", files.stranger, "-A", "echo") as server:
            assert ask(server.port, "-A", "echo").value("stream") == "8 again"

    def test_protocols_of_the_listener(self, files: Files) -> None:
        """NULL: the list that the socket has inherited; what was chosen stays there to be seen."""
        with serve("-k", files.key, "-c", files.cert, "-A", "smb,echo", "-I") as server:
            assert ask(server.port, "-n", NAME, "-A", "echo").status == 0
            assert server.end().value("alpn") == "echo"


class TestRefused:
    """Why reaches the other side (RFC 9001, 4.8)."""

    @pytest.mark.smoke
    def test_wrong_name(self, files: Files) -> None:
        with serve("-k", files.key, "-c", files.cert, "-A", "echo") as server:
            client = ask(server.port, "-n", "other.test", "-A", "echo")
            assert (client.status, client.value("handshake")) == (1, "-129 EKEYREJECTED")
            assert client.value("close") == told(BAD_CERTIFICATE)
            assert server.end().value("close") == told(BAD_CERTIFICATE)

    def test_wrong_address(self, files: Files) -> None:
        with serve("-k", files.key, "-c", files.cert, "-A", "echo") as server:
            assert ask(server.port, "-n", "127.0.0.2", "-A", "echo").value("close") == told(BAD_CERTIFICATE)

    def test_unknown_authority(self, files: Files) -> None:
        with serve("-k", files.stranger_key, "-c", files.stranger, "-A", "echo") as server:
            assert ask(server.port, "-n", NAME, "-A", "echo").value("close") == told(UNKNOWN_CA)
            assert server.end().value("close") == told(UNKNOWN_CA)

    @pytest.mark.parametrize("mode", [(), ("-o",)])
    def test_no_common_protocol(self, files: Files, mode: tuple[str, ...]) -> None:
        """The listener has no list, so that it is TLS that refuses."""
        with serve("-k", files.key, "-c", files.cert, "-A", "echo", "-L", *mode) as server:
            client = ask(server.port, "-n", NAME, "-A", "smb")
            assert (client.status, client.value("close")) == (1, told(NO_PROTOCOL))
            assert server.end().value("handshake") == "-92 ENOPROTOOPT"

    def test_server_without_protocols(self, files: Files) -> None:
        with serve("-k", files.key, "-c", files.cert) as server:
            client = ask(server.port, "-n", NAME, "-A", "echo")
            assert (client.value("handshake"), client.value("close")) == ("-92 ENOPROTOOPT", told(NO_PROTOCOL))

    def test_wrong_psk(self, files: Files) -> None:
        with serve("-k", files.psk, "-A", "echo") as server:
            client = ask(server.port, "-k", files.other_psk, "-A", "echo")
            assert (client.status, client.value("close")) == (1, told(DECRYPT_ERROR))

    def test_unknown_psk(self, files: Files) -> None:
        with serve("-k", files.other_psk, "-A", "echo") as server:
            client = ask(server.port, "-k", files.stranger_psk, "-A", "echo")
            assert (client.status, client.value("close")) == (1, told(UNKNOWN_PSK))
            assert server.end().value("handshake") == "-129 EKEYREJECTED"

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            (("-k", "/nonexistent"), "-2 ENOENT"),
            (("-k", "/etc/passwd"), "-22 EINVAL"),
            (("-A", "echo,,smb"), "-22 EINVAL"),
            (("-A", "x" * 256), "-22 EINVAL"),
        ],
    )
    def test_arguments(self, files: Files, options: tuple[str, ...], error: str) -> None:
        """The peer hears nothing of it."""
        with serve("-k", files.key, "-c", files.cert) as server:
            assert ask(server.port, *options).value("handshake") == error

    def test_nobody_listens(self) -> None:
        assert ask(9, "-A", "echo").value("handshake") == "-111 ECONNREFUSED"


class TestSession:
    """quic_handshake() and its steps, with a session that the program has set up."""

    @pytest.mark.parametrize("mode", ["-o", "-s"])
    def test_handshake(self, files: Files, mode: str) -> None:
        with serve("-k", files.key, "-c", files.cert, "-A", "echo", mode) as server:
            client = ask(server.port, mode, "-C", files.ca, "-n", NAME, "-A", "smb,echo")
            assert client.status == 0, client.output
            assert (client.value("alpn"), client.value("stream")) == ("echo", "8 again")
            end = server.end()
            assert end.value("alpn") == "echo"
            if mode == "-s":
                assert client.value("steps") == end.value("steps") == "both"

    @pytest.mark.parametrize("mode", ["-o", "-s"])
    def test_wrong_name(self, files: Files, mode: str) -> None:
        with serve("-k", files.key, "-c", files.cert, "-A", "echo", mode) as server:
            client = ask(server.port, mode, "-C", files.ca, "-n", "other.test", "-A", "echo")
            assert (client.status, client.value("handshake")) == (1, "-129 EKEYREJECTED")
            assert server.end().value("close") == client.value("close")

    def test_resumption(self, files: Files, tmp_path: Path) -> None:
        """The server has tickets by the key that the kernel derives."""
        kept = str(tmp_path / "session")
        common = ("-o", "-C", files.ca, "-n", NAME, "-A", "echo", "-r", kept)
        with serve("-k", files.key, "-c", files.cert, "-A", "echo", "-N", "2") as server:
            first = ask(server.port, *common)
            assert (first.value("resumed"), first.value("get_data")) == ("0", "0 some")
            again = ask(server.port, *common)
            assert (again.value("set_data"), again.value("resumed")) == ("0", "1")
            assert again.value("stream") == "8 again"
