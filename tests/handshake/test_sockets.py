# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes by kquic.tls on the kernel's sockets."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kquic.sock import (
    AsyncConnection,
    AsyncListener,
    CertificateRequest,
    Cipher,
    Config,
    StreamFlags,
    connect,
    listen,
)
from kquic.tls import (
    Alert,
    CertificateRefused,
    ClientSettings,
    Handshake,
    HandshakeError,
    HandshakeTimeout,
    KeyLog,
    KeyPair,
    PeerClosed,
    PskClientCredentials,
    PskServerCredentials,
    ServerSettings,
    X509Credentials,
    client_handshake,
    client_handshake_async,
    server_handshake_async,
    wait_for_ticket,
)
from kquic.tls.testca import Identity, TestCA

if TYPE_CHECKING:
    from .conftest import Shake

KERNEL_CIPHERS = list(Cipher)


def client(ca: TestCA, own: Identity | None = None, name: str = "server.test", **more: Any) -> ClientSettings:
    pair = KeyPair(own.cert_pem, own.key_pem) if own else ()
    return ClientSettings(X509Credentials(ca.cert_pem, pair), name, ("smb",), **more)


def server(ca: TestCA, own: Identity, **more: Any) -> ServerSettings:
    pair = KeyPair(own.cert_pem, own.key_pem)
    more.setdefault("alpn", ("smb",))
    return ServerSettings(X509Credentials(ca.cert_pem, pair), **more)


class TestSuccess:
    @pytest.mark.smoke
    def test_data_flows(self, shake: Shake, ca: TestCA, server_id: Identity) -> None:
        done = shake(client(ca), server(ca, server_id))
        mine, theirs = done.established()
        assert mine.result.alpn == theirs.result.alpn == "smb"
        assert done.echo(b"x" * 100_000) == b"x" * 100_000
        deadline = time.monotonic() + 5
        while done.client.unacknowledged and time.monotonic() < deadline:
            time.sleep(0.01)
        assert done.client.unacknowledged == 0
        assert done.server.unread == 0

    @pytest.mark.parametrize("cipher", KERNEL_CIPHERS)
    def test_ciphers(self, shake: Shake, ca: TestCA, server_id: Identity, cipher: Cipher) -> None:
        done = shake(client(ca, cipher=cipher), server(ca, server_id))
        assert done.established()[1].result.cipher == cipher
        assert done.echo(b"hello") == b"hello"

    def test_mutual(self, shake: Shake, ca: TestCA, server_id: Identity) -> None:
        own = ca.client("client.test")
        done = shake(client(ca, own), server(ca, server_id, request=CertificateRequest.REQUIRE))
        assert done.established()[1].result.peer_chain == (own.cert_der,)

    def test_psk(self, shake: Shake) -> None:
        key = b"k" * 32
        done = shake(
            ClientSettings(PskClientCredentials("joe", key), "server.test", ("smb",)),
            ServerSettings(PskServerCredentials({"joe": key}.get), ("smb",)),
        )
        assert done.established()[1].result.psk_identity == "joe"
        assert done.echo(b"hello") == b"hello"

    def test_long_chain_needs_several_packets(self, shake: Shake, ca: TestCA) -> None:
        own = ca.server("server.test", *(f"a-rather-long-name-number-{n}.test" for n in range(400)))
        assert len(own.cert_der) > 8000
        done = shake(client(ca), server(ca, own))
        assert done.established()[0].result.peer_chain == (own.cert_der,)

    def test_resumption(self, shake: Shake, ca: TestCA, server_id: Identity) -> None:
        accepting = server(ca, server_id, ticket_key=bytes(range(64)))
        first = shake(client(ca), accepting)
        data = wait_for_ticket(first.client, first.established()[0], 5.0)
        assert data is not None
        again = shake(client(ca, session_data=data), accepting)
        assert again.established()[1].result.resumed

    def test_key_log(self, shake: Shake, ca: TestCA, server_id: Identity, tmp_path: Path) -> None:
        log = KeyLog(tmp_path / "keys")
        shake(client(ca, keylog=log), server(ca, server_id)).established()
        labels = [line.split()[0] for line in log.path.read_text().splitlines()]
        assert "CLIENT_TRAFFIC_SECRET_0" in labels


class TestRefused:
    """Who is refused and why reaches the other side as a CRYPTO_ERROR (RFC 9001, 4.8)."""

    def alert_at(self, end: Handshake | Exception) -> Alert | None:
        assert isinstance(end, PeerClosed), repr(end)
        return end.alert

    @pytest.mark.smoke
    def test_wrong_name(self, shake: Shake, ca: TestCA, server_id: Identity) -> None:
        done = shake(client(ca, name="other.test"), server(ca, server_id))
        assert isinstance(done.client_end, CertificateRefused)
        assert done.client.close_info.errcode == Alert.BAD_CERTIFICATE.errcode
        assert self.alert_at(done.server_end) == Alert.BAD_CERTIFICATE

    def test_expired(self, shake: Shake, ca: TestCA) -> None:
        done = shake(client(ca), server(ca, ca.expired("server.test")))
        assert isinstance(done.client_end, CertificateRefused)
        assert self.alert_at(done.server_end) == Alert.CERTIFICATE_EXPIRED

    def test_unknown_authority(self, shake: Shake, ca: TestCA) -> None:
        done = shake(client(ca), server(ca, TestCA.create().server("server.test")))
        assert isinstance(done.client_end, CertificateRefused)
        assert self.alert_at(done.server_end) == Alert.UNKNOWN_CA

    def test_client_certificate_missing(self, shake: Shake, ca: TestCA, server_id: Identity) -> None:
        done = shake(client(ca), server(ca, server_id, request=CertificateRequest.REQUIRE))
        assert isinstance(done.server_end, CertificateRefused)
        assert done.server.close_info.errcode == Alert.CERTIFICATE_REQUIRED.errcode

    def test_no_common_protocol(self, ca: TestCA, server_id: Identity, shake: Shake) -> None:
        # The listener has no list: the refusal is TLS's, not the demultiplexer's.
        def forget(end: Any) -> None:
            del end

        accepting = ServerSettings(server(ca, server_id).credentials, ())
        done = shake(client(ca), accepting, forget)
        assert isinstance(done.client_end, HandshakeError)
        assert done.client_end.alert == Alert.NO_APPLICATION_PROTOCOL


class TestTime:
    def test_silent_server(self, ca: TestCA) -> None:
        """A listener that never accepts: the client gives up in time, and says so."""
        with listen("127.0.0.1", alpn=("smb",)) as listener, connect("127.0.0.1", listener.port) as connection:
            started = time.monotonic()
            with pytest.raises(HandshakeTimeout):
                client_handshake(connection, client(ca), timeout=1.0)
            assert 0.9 < time.monotonic() - started < 5.0
            assert connection.close_info.errcode == 0

    def test_nobody_listens(self, ca: TestCA) -> None:
        with connect("127.0.0.1", 9) as connection:
            started = time.monotonic()
            with pytest.raises(Exception) as failed:
                client_handshake(connection, client(ca), timeout=3.0)
            assert getattr(failed.value, "errno", None) == errno.ECONNREFUSED
            assert time.monotonic() - started < 2.0


class TestAsyncio:
    def test_many_at_once(self, ca: TestCA, server_id: Identity) -> None:
        assert asyncio.run(self._many(20, client(ca), server(ca, server_id))) == 20

    async def _many(self, count: int, mine: ClientSettings, theirs: ServerSettings) -> int:
        with listen("127.0.0.1", alpn=("smb",)) as plain:
            listener = AsyncListener(plain)
            serving = asyncio.create_task(self._serve(listener, theirs, count))
            answers = await asyncio.gather(*(self._ask(plain.port, mine, n) for n in range(count)))
            await serving
        return sum(answers)

    async def _serve(self, listener: AsyncListener, settings: ServerSettings, count: int) -> None:
        async def one(connection: AsyncConnection) -> None:
            async with connection:
                await server_handshake_async(connection, settings)
                stream = await connection.accept_stream()
                data = await connection.read_stream(stream)
                await connection.send_all(data[::-1], stream, fin=True)
                with pytest.raises(OSError, match="not connected"):
                    await connection.recv()

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one(await listener.accept()))

    async def _ask(self, port: int, settings: ClientSettings, number: int) -> int:
        async with AsyncConnection(connect("127.0.0.1", port)) as connection:
            await client_handshake_async(connection, settings)
            stream = await connection.open_stream()
            await connection.send_all(b"ab" * number + b"c", stream, fin=True)
            return int(await connection.read_stream(stream) == b"c" + b"ba" * number)


class TestSocketOptions:
    def test_unread_bytes_are_counted(self, shake: Shake, ca: TestCA, server_id: Identity) -> None:
        done = shake(client(ca), server(ca, server_id))
        done.established()
        done.client.send(b"12345", flags=StreamFlags.NEW)
        deadline = time.monotonic() + 5
        while not done.server.unread and time.monotonic() < deadline:
            time.sleep(0.01)
        assert done.server.unread == 5

    def test_hints_for_an_agent(self) -> None:
        """What a kernel user leaves on a socket for its agent."""
        with listen("127.0.0.1") as listener, connect("127.0.0.1", listener.port) as connection:
            connection.set_alpn("smb", "h3")
            assert connection.alpn == ("smb", "h3")
            connection.configure(Config(payload_cipher_type=Cipher.AES_GCM_256, certificate_request=2))
            assert connection.config.payload_cipher_type == Cipher.AES_GCM_256
            assert connection.config.certificate_request == CertificateRequest.REQUIRE
            assert connection.session_ticket == b""
            connection.set_session_ticket(b"t" * 100)
            assert connection.session_ticket == b"t" * 100
            assert len(connection.own_parameters_extension()) <= 256
