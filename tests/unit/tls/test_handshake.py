# SPDX-License-Identifier: GPL-2.0-or-later
"""Client and server handshake against each other, GnuTLS on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kquic.sock import CertificateRequest, Cipher, CryptoLevel
from kquic.tls import (
    Alert,
    CertificateRefused,
    ClientSettings,
    CredentialsError,
    Handshake,
    HandshakeError,
    InstallSecret,
    KeyLog,
    KeyPair,
    ProtocolViolation,
    PskClientCredentials,
    PskServerCredentials,
    SendCrypto,
    ServerSettings,
    Trust,
    UnknownPskIdentity,
    X509Credentials,
)
from kquic.tls.testca import Identity, TestCA

KEY = b"k" * 32
TICKET_KEY = bytes(range(64))
APP, INITIAL, HANDSHAKE = CryptoLevel.APP, CryptoLevel.INITIAL, CryptoLevel.HANDSHAKE


def own(identity: Identity) -> KeyPair:
    return KeyPair(identity.cert_pem, identity.key_pem)


def client(ca: TestCA, name: str | None = "server.test", **more: Any) -> ClientSettings:
    more.setdefault("alpn", ("smb",))
    return ClientSettings(X509Credentials(ca.cert_pem), name, **more)


def server(ca: TestCA, identity: Identity, **more: Any) -> ServerSettings:
    more.setdefault("alpn", ("smb",))
    return ServerSettings(X509Credentials(ca.cert_pem, own(identity)), **more)


def psk_client(key: bytes = KEY, identity: str = "joe", **more: Any) -> ClientSettings:
    return ClientSettings(PskClientCredentials(identity, key), "server.test", ("smb",), **more)


def psk_server(**keys: bytes) -> ServerSettings:
    return ServerSettings(PskServerCredentials(keys.get), ("smb",))


class TestEither:
    """A server with a certificate that takes pre-shared keys as well."""

    def both(self, ca: TestCA, identity: Identity) -> ServerSettings:
        return server(ca, identity, psk=PskServerCredentials({"joe": KEY}.get), request=CertificateRequest.REQUIRE)

    def test_pre_shared_key(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        result = talk(psk_client(), self.both(ca, server_id)).server.tls.result
        assert (result.psk_identity, result.peer_chain) == ("joe", ())

    def test_certificate(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        joe = ca.client("joe")
        settings = ClientSettings(X509Credentials(ca.cert_pem, own(joe)), "server.test", ("smb",))
        result = talk(settings, self.both(ca, server_id)).server.tls.result
        assert (result.psk_identity, result.peer_chain) == (None, (joe.cert_der,))

    def test_neither(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        with pytest.raises(CertificateRefused) as refused:
            talk(client(ca), self.both(ca, server_id))
        assert refused.value.alert == Alert.CERTIFICATE_REQUIRED

    @pytest.mark.parametrize("wrong", [{"identity": "eve"}, {"key": b"w" * 32}])
    def test_wrong_key(self, talk: Any, ca: TestCA, server_id: Identity, wrong: dict[str, Any]) -> None:
        with pytest.raises(HandshakeError):
            talk(psk_client(**wrong), self.both(ca, server_id))


class TestSuccess:
    def test_both_sides_agree(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        done = talk(client(ca), server(ca, server_id))
        assert done.client.tls.complete
        assert done.server.tls.complete
        assert done.client.tls.result.alpn == done.server.tls.result.alpn == "smb"
        assert done.server.tls.result.server_name == "server.test"
        assert done.client.tls.result.peer_chain == (server_id.cert_der,)
        assert done.client.tls.export("EXPORTER-test") == done.server.tls.export("EXPORTER-test")

    def test_secrets_match_crosswise(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        done = talk(client(ca), server(ca, server_id))
        for level in (HANDSHAKE, APP):
            for direction in (True, False):
                mine = done.client.secret(level, send=direction)
                assert mine == done.server.secret(level, send=not direction)
                assert len(mine) == 32

    def test_transport_parameters_cross(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        done = talk(client(ca), server(ca, server_id))
        assert done.client.parameters.peer == done.server.parameters.own
        assert done.server.parameters.peer == done.client.parameters.own
        assert done.server.parameters.asked == ["received", "local"]

    @pytest.mark.parametrize("chunk", [1, 7, 100])
    def test_any_cut_of_the_bytes(self, talk: Any, ca: TestCA, server_id: Identity, chunk: int) -> None:
        assert talk(client(ca), server(ca, server_id), chunk).server.tls.complete

    def test_client_is_established_only_after_it_has_verified(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        actions = talk(client(ca), server(ca, server_id)).client.actions
        finished = next(i for i, a in enumerate(actions) if isinstance(a, SendCrypto) and a.level == HANDSHAKE)
        app = [i for i, a in enumerate(actions) if isinstance(a, InstallSecret) and a.level == APP]
        assert finished < min(app)

    @pytest.mark.parametrize("cipher", Cipher)
    def test_restricted_cipher(self, talk: Any, ca: TestCA, server_id: Identity, cipher: Cipher) -> None:
        done = talk(client(ca, cipher=cipher), server(ca, server_id))
        assert done.client.tls.result.cipher == done.server.tls.result.cipher == cipher
        assert len(done.client.secret(APP, send=True)) == (48 if cipher == 52 else 32)

    @pytest.mark.parametrize("name", ["192.0.2.1", "2001:db8::1", "server.test."])
    def test_other_names_of_the_server(self, talk: Any, ca: TestCA, server_id: Identity, name: str) -> None:
        assert talk(client(ca, name), server(ca, server_id)).client.tls.complete

    def test_rsa(self, talk: Any, ca: TestCA) -> None:
        identity = ca.server("server.test", kind="rsa")
        assert talk(client(ca), server(ca, identity)).client.tls.complete

    def test_der_certificate_and_key(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        pair = KeyPair(server_id.cert_der, server_id.key_der)
        credentials = X509Credentials(ca.root.cert_der, pair)
        assert talk(client(ca), ServerSettings(credentials, ("smb",))).client.tls.complete

    def test_no_verification_if_asked(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        credentials = X509Credentials(Trust.NOBODY)
        settings = ClientSettings(credentials, "other.test", ("smb",), verify=False)
        assert talk(settings, server(ca, server_id)).client.tls.complete


def expired(ca: TestCA) -> Identity:
    return ca.expired("server.test")


def future(ca: TestCA) -> Identity:
    return ca.not_yet_valid("server.test")


def for_clients(ca: TestCA) -> Identity:
    return ca.client("server.test")


def foreign(_: TestCA) -> Identity:
    return TestCA.create().server("server.test")


class TestRefusedServer:
    @pytest.mark.parametrize(
        ("issue", "alert", "reason"),
        [
            (expired, Alert.CERTIFICATE_EXPIRED, "expired"),
            (future, Alert.CERTIFICATE_EXPIRED, "not valid yet"),
            (for_clients, Alert.UNSUPPORTED_CERTIFICATE, "purpose"),
            (foreign, Alert.UNKNOWN_CA, "issuer"),
        ],
    )
    def test_certificate(
        self, talk: Any, ca: TestCA, issue: Callable[[TestCA], Identity], alert: Alert, reason: str
    ) -> None:
        with pytest.raises(CertificateRefused, match=reason) as refused:
            talk(client(ca), server(ca, issue(ca)))
        assert refused.value.alert == alert
        assert "server.test" in refused.value.subject

    @pytest.mark.parametrize("name", ["other.test", "192.0.2.2", "2001:db8::2", "test"])
    def test_name(self, talk: Any, ca: TestCA, server_id: Identity, name: str) -> None:
        with pytest.raises(CertificateRefused, match=f"name.*{name}") as refused:
            talk(client(ca, name), server(ca, server_id))
        assert refused.value.alert == Alert.BAD_CERTIFICATE

    def test_revoked(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        credentials = X509Credentials(ca.cert_pem, crl=ca.crl(server_id))
        with pytest.raises(CertificateRefused, match="revoked") as refused:
            talk(ClientSettings(credentials, "server.test", ("smb",)), server(ca, server_id))
        assert refused.value.alert == Alert.CERTIFICATE_REVOKED

    def test_not_revoked(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        credentials = X509Credentials(ca.cert_pem, crl=ca.crl(ca.server("server.test")))
        settings = ClientSettings(credentials, "server.test", ("smb",))
        assert talk(settings, server(ca, server_id)).client.tls.complete

    def test_without_a_name_nothing_is_verified(self, ca: TestCA) -> None:
        with pytest.raises(HandshakeError, match="name"):
            Handshake(client(ca, None), NoParameters())


class TestClientCertificate:
    @pytest.mark.parametrize("mode", [CertificateRequest.IGNORE, CertificateRequest.REQUEST])
    def test_may_be_missing(self, talk: Any, ca: TestCA, server_id: Identity, mode: CertificateRequest) -> None:
        done = talk(client(ca), server(ca, server_id, request=mode))
        assert done.server.tls.result.peer_chain == ()

    def test_required(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        with pytest.raises(CertificateRefused, match="none was presented") as refused:
            talk(client(ca), server(ca, server_id, request=CertificateRequest.REQUIRE))
        assert refused.value.alert == Alert.CERTIFICATE_REQUIRED

    @pytest.mark.parametrize("mode", [CertificateRequest.REQUEST, CertificateRequest.REQUIRE])
    def test_accepted(
        self,
        talk: Any,
        ca: TestCA,
        server_id: Identity,
        client_id: Identity,
        mode: CertificateRequest,
    ) -> None:
        settings = ClientSettings(X509Credentials(ca.cert_pem, own(client_id)), "server.test", ("smb",))
        done = talk(settings, server(ca, server_id, request=mode))
        assert done.server.tls.result.peer_chain == (client_id.cert_der,)

    @pytest.mark.parametrize("mode", [CertificateRequest.REQUEST, CertificateRequest.REQUIRE])
    def test_of_an_unknown_authority(
        self, talk: Any, ca: TestCA, server_id: Identity, mode: CertificateRequest
    ) -> None:
        stranger = X509Credentials(ca.cert_pem, own(TestCA.create("stranger").client("client.test")))
        with pytest.raises(CertificateRefused, match="issuer") as refused:
            talk(
                ClientSettings(stranger, "server.test", ("smb",)),
                server(ca, server_id, request=mode),
            )
        assert refused.value.alert == Alert.UNKNOWN_CA


class TestApplicationProtocol:
    def test_servers_list_meets_clients_order(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        done = talk(client(ca, alpn=("a", "b", "c")), server(ca, server_id, alpn=("c", "b")))
        assert done.client.tls.result.alpn == done.server.tls.result.alpn
        assert done.client.tls.result.alpn in ("b", "c")

    @pytest.mark.parametrize(("offered", "known"), [(("smb",), ("h3",)), ((), ("smb",)), (("smb",), ())])
    def test_none_in_common(
        self,
        talk: Any,
        ca: TestCA,
        server_id: Identity,
        offered: tuple[str, ...],
        known: tuple[str, ...],
    ) -> None:
        with pytest.raises(HandshakeError) as failed:
            talk(client(ca, alpn=offered), server(ca, server_id, alpn=known))
        assert failed.value.alert == Alert.NO_APPLICATION_PROTOCOL

    def test_none_wanted(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        assert talk(client(ca, alpn=()), server(ca, server_id, alpn=())).client.tls.result.alpn is None


class TestPsk:
    def test_same_key(self, talk: Any) -> None:
        done = talk(psk_client(), psk_server(joe=KEY))
        assert done.server.tls.result.psk_identity == "joe"
        assert done.client.tls.result.peer_chain == ()

    def test_unknown_identity(self, talk: Any) -> None:
        with pytest.raises(UnknownPskIdentity, match="'joe'") as failed:
            talk(psk_client(), psk_server(jim=KEY))
        assert failed.value.alert == Alert.UNKNOWN_PSK_IDENTITY

    def test_other_key(self, talk: Any) -> None:
        with pytest.raises(HandshakeError, match="'joe'") as failed:
            talk(psk_client(b"x" * 32), psk_server(joe=KEY))
        assert failed.value.alert == Alert.DECRYPT_ERROR

    def test_server_without_certificate_refuses_who_has_no_psk(self, talk: Any, ca: TestCA) -> None:
        with pytest.raises(HandshakeError):
            talk(client(ca), psk_server(joe=KEY))

    def test_error_in_the_lookup_comes_through(self, talk: Any) -> None:
        def broken(_: str) -> bytes | None:
            raise LookupError("key store is gone")

        with pytest.raises(LookupError, match="key store is gone"):
            talk(psk_client(), ServerSettings(PskServerCredentials(broken), ("smb",)))


class TestResumption:
    def test_second_session_is_resumed(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        accepting = server(ca, server_id, ticket_key=TICKET_KEY)
        first = talk(client(ca), accepting).client.tls
        again = talk(client(ca, session_data=first.session_data()), accepting)
        assert not first.result.resumed
        assert again.client.tls.result.resumed
        assert again.server.tls.result.resumed
        assert again.client.tls.result.peer_chain == (server_id.cert_der,)

    def test_certificate_is_judged_again(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        """A resumed handshake has none, and yet a revoked one is not believed."""
        accepting = server(ca, server_id, ticket_key=TICKET_KEY)
        data = talk(client(ca), accepting).client.tls.session_data()
        knowing = replace(
            client(ca, session_data=data), credentials=X509Credentials(ca.cert_pem, crl=ca.crl(server_id))
        )
        with pytest.raises(CertificateRefused, match="revoked"):
            talk(knowing, accepting)
        unconcerned = replace(knowing, verify=False)
        assert talk(unconcerned, accepting).client.tls.result.resumed

    def test_other_ticket_key_costs_only_the_resumption(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        first = talk(client(ca), server(ca, server_id, ticket_key=TICKET_KEY)).client.tls
        other = server(ca, server_id, ticket_key=TICKET_KEY[::-1])
        again = talk(client(ca, session_data=first.session_data()), other)
        assert not again.client.tls.result.resumed

    def test_garbage_costs_only_the_resumption(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        done = talk(client(ca, session_data=b"\xff" * 100), server(ca, server_id))
        assert not done.client.tls.result.resumed

    def test_no_ticket_without_a_key(self, talk: Any, ca: TestCA, server_id: Identity) -> None:
        actions = talk(client(ca), server(ca, server_id)).server.actions
        assert not [a for a in actions if isinstance(a, SendCrypto) and a.level == APP]


class NoParameters:
    """A side without transport parameters would send an empty extension."""

    def local(self) -> bytes:
        return b"\0"

    def received(self, extension: bytes) -> None:
        del extension


class TestQuicRules:
    """What RFC 9001 adds to TLS."""

    def test_no_compatibility_mode(self, ca: TestCA) -> None:
        [hello] = Handshake(client(ca), NoParameters()).start()
        assert isinstance(hello, SendCrypto)
        assert hello.level == INITIAL
        assert hello.data[38] == 0  # length of legacy_session_id

    def test_legacy_session_id_is_refused(self, ca: TestCA, server_id: Identity) -> None:
        [hello] = Handshake(client(ca), NoParameters()).start()
        assert isinstance(hello, SendCrypto)
        forged = hello.data[:38] + b"\x20" + hello.data[39:]
        with pytest.raises(ProtocolViolation, match="legacy_session_id") as failed:
            Handshake(server(ca, server_id), NoParameters()).receive(INITIAL, forged)
        assert failed.value.errcode == 0xA

    @pytest.mark.parametrize("excess", [b"\x04", b"\x04\0\0\0", b"\x08\0\0\x02\0\0"])
    def test_excess_bytes_at_a_level(self, ca: TestCA, server_id: Identity, excess: bytes) -> None:
        [hello] = Handshake(client(ca), NoParameters()).start()
        assert isinstance(hello, SendCrypto)
        with pytest.raises(ProtocolViolation, match="excess TLS bytes at INITIAL"):
            Handshake(server(ca, server_id), NoParameters()).receive(INITIAL, hello.data + excess)

    def test_bytes_at_a_level_that_is_over(self, ca: TestCA, server_id: Identity) -> None:
        [hello] = Handshake(client(ca), NoParameters()).start()
        accepting = Handshake(server(ca, server_id), NoParameters())
        assert isinstance(hello, SendCrypto)
        accepting.receive(INITIAL, hello.data)
        with pytest.raises(ProtocolViolation, match="at INITIAL, expected at HANDSHAKE"):
            accepting.receive(INITIAL, b"\x01")

    def test_missing_transport_parameters(self, ca: TestCA, server_id: Identity) -> None:
        [hello] = Handshake(client(ca), NoParameters()).start()
        assert isinstance(hello, SendCrypto)
        forged = hello.data.replace(b"\x00\x39\x00\x01\x00", b"\xfa\xfa\x00\x01\x00")
        assert forged != hello.data
        with pytest.raises(HandshakeError, match="quic_transport_parameters") as failed:
            Handshake(server(ca, server_id), NoParameters()).receive(INITIAL, forged)
        assert failed.value.alert == Alert.MISSING_EXTENSION

    @pytest.mark.parametrize("at_server", [True, False])
    def test_key_update_is_refused(self, talk: Any, ca: TestCA, server_id: Identity, at_server: bool) -> None:
        done = talk(client(ca), server(ca, server_id))
        side = done.server if at_server else done.client
        with pytest.raises(HandshakeError) as failed:
            side.tls.receive(APP, b"\x18\x00\x00\x01\x00")
        assert failed.value.alert == Alert.UNEXPECTED_MESSAGE

    def test_garbage(self, ca: TestCA, server_id: Identity) -> None:
        with pytest.raises(HandshakeError):
            Handshake(server(ca, server_id), NoParameters()).receive(INITIAL, bytes(64))

    def test_error_of_the_transport_comes_through(self, ca: TestCA) -> None:
        class Broken(NoParameters):
            def local(self) -> bytes:
                raise OSError("socket is gone")

        with pytest.raises(OSError, match="socket is gone"):
            Handshake(client(ca), Broken()).start()


class TestKeyLog:
    def test_lines_are_what_tshark_reads(self, talk: Any, ca: TestCA, server_id: Identity, tmp_path: Path) -> None:
        log = KeyLog(tmp_path / "keys")
        done = talk(client(ca, keylog=log), server(ca, server_id))
        lines = [line.split() for line in log.path.read_text().splitlines()]
        secrets = {label: bytes.fromhex(secret) for label, _, secret in lines}
        assert secrets["CLIENT_TRAFFIC_SECRET_0"] == done.client.secret(APP, send=True)
        assert secrets["SERVER_TRAFFIC_SECRET_0"] == done.client.secret(APP, send=False)
        assert secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"] == done.client.secret(HANDSHAKE, send=True)
        assert secrets["SERVER_HANDSHAKE_TRAFFIC_SECRET"] == done.client.secret(HANDSHAKE, send=False)
        hello = done.client.actions[0]
        assert {random for _, random, _ in lines} == {hello.data[6:38].hex()}
        assert log.path.stat().st_mode & 0o777 == 0o600

    def test_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "k"))
        assert ClientSettings(X509Credentials(Trust.NOBODY)).keylog is not None
        monkeypatch.delenv("SSLKEYLOGFILE")
        assert ClientSettings(X509Credentials(Trust.NOBODY)).keylog is None


class TestCredentials:
    def test_files(self, talk: Any, ca: TestCA, server_id: Identity, tmp_path: Path) -> None:
        trusted, files = ca.write(tmp_path), server_id.write(tmp_path, "server")
        credentials = X509Credentials.from_files(truststore=trusted, cert=files.cert, key=files.key)
        assert talk(client(ca), ServerSettings(credentials, ("smb",))).client.tls.complete
        assert files.key.stat().st_mode & 0o777 == 0o600

    def test_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CredentialsError, match=r"nothing\.pem: No such file"):
            X509Credentials.from_files(truststore=tmp_path / "nothing.pem")

    def test_certificate_without_key(self, tmp_path: Path) -> None:
        with pytest.raises(CredentialsError, match="private key"):
            X509Credentials.from_files(cert=tmp_path / "cert.pem")

    def test_key_of_another_certificate(self, ca: TestCA, server_id: Identity, client_id: Identity) -> None:
        with pytest.raises(CredentialsError, match="private key"):
            X509Credentials(ca.cert_pem, KeyPair(server_id.cert_pem, client_id.key_pem))

    @pytest.mark.parametrize("pair", [KeyPair(b"junk", b"junk"), KeyPair(b"", b"")])
    def test_junk(self, pair: KeyPair) -> None:
        with pytest.raises(CredentialsError, match="certificate"):
            X509Credentials(Trust.NOBODY, pair)

    def test_private_key_is_not_printed(self) -> None:
        assert "topsecret" not in repr(KeyPair(b"", b"topsecret"))
