# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes there and back between the kernel's QUIC and an independent implementation, both ways round."""

from __future__ import annotations

import pytest

from kquic.lab.topology import Impairment, Network

MIB = 1 << 20
ALL_PAIRS = [("kquic_echo", "aioquic_echo"), ("aioquic_echo", "kquic_echo"), ("kquic_echo", "kquic_echo")]


def exchange(peers, server: str, client: str, address: str, size: int, *options: str) -> None:
    with (
        peers.server(server, address, 4433, *options) as srv,
        peers.client(client, address, 4433, "--bytes", str(size), *options) as cli,
    ):
        report = cli.finish(timeout=110)
        assert "equal" in report
        digest = report.split("sent ")[1].split()[0]
        srv.wait_for(f"{size} bytes, sha256 {digest}")


@pytest.mark.smoke
@pytest.mark.parametrize(("client", "server"), ALL_PAIRS)
@pytest.mark.parametrize("address", [Network.SERVER_V4, Network.SERVER_V6])
def test_short_message_is_echoed(peers, client: str, server: str, address: str) -> None:
    exchange(peers, server, client, address, 100)


@pytest.mark.parametrize(("client", "server"), ALL_PAIRS)
def test_ten_mebibytes_are_echoed(peers, client: str, server: str) -> None:
    exchange(peers, server, client, Network.SERVER_V4, 10 * MIB)


@pytest.mark.parametrize("cipher", ["aes128", "aes256", "chacha20"])
@pytest.mark.parametrize(("client", "server"), ALL_PAIRS[:2])
def test_every_cipher(peers, client: str, server: str, cipher: str) -> None:
    exchange(peers, server, client, Network.SERVER_V4, 300_000, "--cipher", cipher)


@pytest.mark.parametrize(("client", "server"), ALL_PAIRS)
def test_loss_delay_and_reordering(peers, net: Network, client: str, server: str) -> None:
    net.link.impair(Impairment(delay_ms=10, jitter_ms=3, loss_percent=1))
    exchange(peers, server, client, Network.SERVER_V4, MIB)


@pytest.mark.parametrize("groups", ["X25519", "X25519MLKEM768:X25519"])
def test_openssl_client(peers, net: Network, certs, groups: str) -> None:
    """With a post-quantum key share the ClientHello takes two packets, and the server asks for another one."""
    script = (
        f"(printf hello; sleep 1) | openssl s_client -quic -alpn echo -connect {Network.SERVER_V4}:4433"
        f" -servername server.test -CAfile {certs.ca} -verify_return_error -groups {groups}"
    )
    with peers.server("kquic_echo", Network.SERVER_V4) as server:
        report = net.cli.run("sh", "-c", script, timeout=30)
        server.wait_for("handshake HandshakeResult(alpn='echo'")
        server.wait_for("errcode=0")
    assert "Verify return code: 0 (ok)" in report


def test_client_follows_a_retry(peers, net: Network) -> None:
    with (
        peers.server("aioquic_echo", Network.SERVER_V4, 4433, "--retry"),
        peers.client("kquic_echo", Network.SERVER_V4, 4433, "--bytes", "1000") as cli,
    ):
        assert "equal" in cli.finish()
