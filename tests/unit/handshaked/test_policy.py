# SPDX-License-Identifier: GPL-2.0-or-later
"""Which credentials and checks a request is answered with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kquic.handshaked import sessions
from kquic.handshaked.config import Config as FileConfig
from kquic.handshaked.config import Tickets
from kquic.handshaked.family import AuthMode, MessageType, Request
from kquic.handshaked.materials import Materials, SideMaterials, load
from kquic.handshaked.policy import PSK_SIZE, TICKET_KEY_SIZE, NoMaterial, Policy, SocketFacts
from kquic.sock import CertificateRequest, Cipher, Config
from kquic.tls import (
    AccessList,
    ClientSettings,
    CredentialsError,
    KeyPair,
    PskClientCredentials,
    PskServerCredentials,
    ServerSettings,
    Trust,
    X509Credentials,
)
from kquic.tls.testca import TestCA

SESSION = 1000


@dataclass
class DictKeys:
    """A key store in memory: serial -> (type, description, payload, keyring)."""

    keys: dict[int, tuple[str, str, bytes, int]] = field(default_factory=dict)

    def read(self, serial: int) -> bytes:
        return self.keys[serial][2]

    def describe(self, serial: int) -> tuple[str, str]:
        return self.keys[serial][:2]

    def search(self, keyring: int, kind: str, description: str) -> int | None:
        wanted = (kind, description, keyring)
        found = [s for s, (k, d, _, ring) in self.keys.items() if (k, d, ring) == wanted]
        return found[0] if found else None

    def members(self, keyring: int) -> list[int]:
        return [s for s, (_, _, _, ring) in self.keys.items() if ring == keyring]


@pytest.fixture(scope="module")
def ca() -> TestCA:
    return TestCA.create()


@pytest.fixture(scope="module")
def bare() -> Materials:
    """No configuration."""
    return load(FileConfig())


def side_with_certificate(ca: TestCA) -> SideMaterials:
    identity = ca.server("server.test")
    pair = KeyPair(identity.cert_pem, identity.key_pem)
    return SideMaterials(ca.cert_pem, None, pair, X509Credentials(ca.cert_pem), X509Credentials(ca.cert_pem, pair))


def policy(materials: Materials, keys: DictKeys | None = None) -> Policy:
    return Policy(materials, keys or DictKeys(), SESSION)


def request(kind: str, auth: AuthMode, **more: Any) -> Request:
    side = MessageType.CLIENT_HELLO if kind == "client" else MessageType.SERVER_HELLO
    return Request(5, side, auth, **more)


def facts(ticket: bytes = b"", alpn: tuple[str, ...] = ("smb",), **config: int) -> SocketFacts:
    return SocketFacts(Config(**config), alpn, ticket, "192.0.2.7")


class TestClient:
    def ask(self, answering: Policy, asked: Request, seen: SocketFacts) -> ClientSettings:
        found = answering.settings(asked, seen)
        assert isinstance(found, ClientSettings)
        return found

    def test_server_is_verified_by_the_name_given(self, bare: Materials) -> None:
        asked = request("client", AuthMode.UNAUTH, peer_name="server.test")
        found = self.ask(policy(bare), asked, facts())
        assert found.server_name == "server.test"
        assert found.verify
        assert found.alpn == ("smb",)
        assert found.cipher is None

    def test_without_a_name_by_its_address(self, bare: Materials) -> None:
        asked = request("client", AuthMode.UNAUTH)
        assert self.ask(policy(bare), asked, facts()).server_name == "192.0.2.7"

    def test_address_in_brackets(self, bare: Materials) -> None:
        asked = request("client", AuthMode.UNAUTH, peer_name="[2001:db8::1]")
        assert self.ask(policy(bare), asked, facts()).server_name == "2001:db8::1"

    def test_anonymous_presents_nothing(self, bare: Materials, ca: TestCA) -> None:
        materials = Materials(side_with_certificate(ca), bare.server)
        asked = request("client", AuthMode.UNAUTH, peer_name="s")
        found = self.ask(policy(materials), asked, facts())
        assert isinstance(found.credentials, X509Credentials)
        assert not found.credentials.has_own

    def test_x509_presents_what_is_configured(self, bare: Materials, ca: TestCA) -> None:
        materials = Materials(side_with_certificate(ca), bare.server)
        found = self.ask(policy(materials), request("client", AuthMode.X509), facts())
        assert found.credentials is materials.client.complete

    def test_x509_without_a_certificate(self, bare: Materials) -> None:
        with pytest.raises(NoMaterial, match="no certificate"):
            policy(bare).settings(request("client", AuthMode.X509), facts())

    def test_certificate_by_serial_number(self, bare: Materials, ca: TestCA) -> None:
        identity = ca.client("joe")
        keys = DictKeys(
            {
                21: ("user", "c", identity.cert_der, SESSION),
                22: ("user", "k", identity.key_pem, SESSION),
            }
        )
        asked = request("client", AuthMode.X509, certificates=((21, 22),))
        found = self.ask(policy(bare, keys), asked, facts())
        assert isinstance(found.credentials, X509Credentials)
        assert found.credentials.has_own

    @pytest.mark.parametrize("auth", [AuthMode.UNAUTH, AuthMode.X509])
    def test_keyring_of_the_request_goes_first(self, bare: Materials, ca: TestCA, auth: AuthMode) -> None:
        identity = ca.client("joe")
        keys = DictKeys(
            {
                31: ("user", "x509.truststore", ca.cert_pem, 99),
                32: ("user", "x509.certificate", identity.cert_pem, 99),
                33: ("user", "x509.private_key", identity.key_pem, 99),
            }
        )
        found = self.ask(policy(bare, keys), request("client", auth, keyring=99), facts())
        assert found.credentials is not bare.client.anonymous
        assert isinstance(found.credentials, X509Credentials)
        assert found.credentials.has_own == (auth == AuthMode.X509)

    def test_psk(self, bare: Materials) -> None:
        keys = DictKeys({41: ("psk", "joe", b"k" * 32, SESSION)})
        asked = request("client", AuthMode.PSK, peer_identities=(41,))
        found = self.ask(policy(bare, keys), asked, facts())
        assert isinstance(found.credentials, PskClientCredentials)

    def test_psk_without_identity(self, bare: Materials) -> None:
        with pytest.raises(NoMaterial, match="pre-shared"):
            policy(bare).settings(request("client", AuthMode.PSK), facts())

    def test_hints_of_the_socket(self, bare: Materials) -> None:
        seen = facts(payload_cipher_type=Cipher.CHACHA20_POLY1305)
        found = self.ask(policy(bare), request("client", AuthMode.UNAUTH), seen)
        assert found.cipher == Cipher.CHACHA20_POLY1305
        assert found.session_data is None

    @pytest.mark.parametrize("kind", ["client", "server"])
    def test_ciphers_of_the_configuration(self, bare: Materials, ca: TestCA, kind: str) -> None:
        materials = Materials(bare.client, side_with_certificate(ca))
        wanted = (Cipher.AES_GCM_256, Cipher.AES_GCM_128)
        answering = replace(policy(materials), ciphers=wanted)
        found = answering.settings(request(kind, AuthMode.X509 if kind == "server" else AuthMode.UNAUTH), facts())
        assert found.ciphers == wanted

    def test_session_data_is_offered_on_the_same_terms_only(self, bare: Materials, ca: TestCA) -> None:
        asked = request("client", AuthMode.UNAUTH, peer_name="server.test")
        packed = sessions.pack(b"data", self.ask(policy(bare), asked, facts()), [ca.server("server.test").cert_der])
        assert packed is not None
        assert self.ask(policy(bare), asked, facts(packed)).session_data == b"data"
        elsewhere = Materials(side_with_certificate(ca), bare.server)
        assert self.ask(policy(elsewhere), asked, facts(packed)).session_data is None
        assert self.ask(policy(bare), asked, facts(b"of another agent" * 8)).session_data is None

    def test_verification_is_off_only_if_the_socket_says_so(self, bare: Materials) -> None:
        asked = request("client", AuthMode.UNAUTH)
        for value in CertificateRequest:
            found = self.ask(policy(bare), asked, facts(certificate_request=value))
            assert found.verify == (value != CertificateRequest.NO_AUTH)


class TestServer:
    def ask(self, answering: Policy, asked: Request, seen: SocketFacts) -> ServerSettings:
        found = answering.settings(asked, seen)
        assert isinstance(found, ServerSettings)
        return found

    def test_x509(self, bare: Materials, ca: TestCA) -> None:
        materials = Materials(bare.client, side_with_certificate(ca))
        found = self.ask(policy(materials), request("server", AuthMode.X509), facts(bytes(64), ("sunrpc",)))
        assert found.credentials is materials.server.complete
        assert found.request == CertificateRequest.IGNORE
        assert found.ticket_key == bytes(64)

    @pytest.mark.parametrize(("asked", "done"), [(0, 0), (1, 1), (2, 2), (3, 2), (255, 2)])
    def test_client_certificate(self, bare: Materials, ca: TestCA, asked: int, done: int) -> None:
        materials = Materials(bare.client, side_with_certificate(ca))
        seen = facts(certificate_request=asked)
        found = self.ask(policy(materials), request("server", AuthMode.X509), seen)
        assert found.request == done

    @pytest.mark.parametrize("auth", [AuthMode.X509, AuthMode.UNAUTH])
    def test_without_a_certificate(self, bare: Materials, auth: AuthMode) -> None:
        with pytest.raises(NoMaterial, match="no certificate"):
            policy(bare).settings(request("server", auth), facts())

    def test_no_tickets_for_smb(self, bare: Materials, ca: TestCA) -> None:
        materials = Materials(bare.client, side_with_certificate(ca))
        found = self.ask(policy(materials), request("server", AuthMode.X509), facts(bytes(64), ("smb",)))
        assert found.ticket_key is None

    @pytest.mark.parametrize("alpn", ["smb", "sunrpc"])
    def test_tickets_as_configured(self, bare: Materials, ca: TestCA, alpn: str) -> None:
        materials = Materials(bare.client, side_with_certificate(ca))
        for rule, key in ((Tickets.ALWAYS, bytes(64)), (Tickets.NEVER, None)):
            answering = replace(policy(materials), tickets=rule)
            found = self.ask(answering, request("server", AuthMode.X509), facts(bytes(64), (alpn,)))
            assert found.ticket_key == key

    def test_ticket_key_of_a_wrong_size_means_no_tickets(self, bare: Materials, ca: TestCA) -> None:
        materials = Materials(bare.client, side_with_certificate(ca))
        found = self.ask(policy(materials), request("server", AuthMode.X509), facts(bytes(63), ("sunrpc",)))
        assert found.ticket_key is None

    def test_psk_is_looked_for_in_order(self, bare: Materials) -> None:
        keys = DictKeys(
            {
                41: ("psk", "joe", b"of the request", 0),
                42: ("psk", "jim", b"of its keyring", 99),
                43: ("user", "jil", b"of the session", SESSION),
            }
        )
        asked = request("server", AuthMode.PSK, peer_identities=(41,), keyring=99)
        found = self.ask(policy(bare, keys), asked, facts())
        assert isinstance(found.credentials, PskServerCredentials)
        lookup = found.credentials.lookup
        assert lookup("joe") == b"of the request"
        assert lookup("jim") == b"of its keyring"
        assert lookup("jil") == b"of the session"
        assert lookup("eve") is None

    def test_trust_is_the_systems_by_default(self, bare: Materials) -> None:
        assert bare.server.trust is Trust.SYSTEM


def test_list_of_clients_demands_certificates_each_time(ca: TestCA) -> None:
    """Whatever the socket says, and without tickets."""
    access = AccessList(())
    side = replace(side_with_certificate(ca), access=access)
    asked = request("server", AuthMode.X509)
    found = policy(Materials(side, side)).settings(asked, facts(bytes(TICKET_KEY_SIZE), ("sunrpc",)))
    assert isinstance(found, ServerSettings)
    assert (found.access, found.request, found.ticket_key) == (access, CertificateRequest.REQUIRE, None)


class TestPreSharedKeysInPlaceOfCertificates:
    SECRET = b"k" * PSK_SIZE

    def keys(self, secret: bytes = SECRET) -> DictKeys:
        return DictKeys(
            {
                51: ("user", "joe@server.test", secret, 77),
                52: ("user", "joe@other.test", b"o" * 32, 77),
                53: ("user", "smb-password", b"p" * 32, SESSION),
            }
        )

    def client(self, answering: Policy, **more: Any) -> ClientSettings:
        asked = request("client", AuthMode.X509, peer_name="server.test", **more)
        found = answering.settings(asked, facts())
        assert isinstance(found, ClientSettings)
        return found

    def test_client_has_one_for_the_server(self, bare: Materials) -> None:
        answering = replace(policy(bare, self.keys()), psk_client=77)
        found = self.client(answering).credentials
        assert isinstance(found, PskClientCredentials)
        assert found.identity == "joe@server.test"
        assert answering.find_psk(request("client", AuthMode.X509), found.identity) == 51

    def test_other_servers_show_certificates(self, bare: Materials, ca: TestCA) -> None:
        answering = replace(policy(Materials(side_with_certificate(ca), bare.server), self.keys()), psk_client=77)
        found = answering.settings(request("client", AuthMode.X509, peer_name="third.test"), facts())
        assert found.credentials is answering.materials.client.complete

    def test_certificate_of_the_request_goes_first(self, bare: Materials, ca: TestCA) -> None:
        identity, keys = ca.client("joe"), self.keys()
        keys.keys |= {61: ("user", "c", identity.cert_der, SESSION), 62: ("user", "k", identity.key_pem, SESSION)}
        found = self.client(replace(policy(bare, keys), psk_client=77), certificates=((61, 62),))
        assert isinstance(found.credentials, X509Credentials)

    def test_short_key(self, bare: Materials) -> None:
        with pytest.raises(CredentialsError, match="pre-shared key 51: 15 bytes, fewer than 16"):
            self.client(replace(policy(bare, self.keys(self.SECRET[1:])), psk_client=77))

    def test_server_looks_into_that_keyring_only(self, bare: Materials, ca: TestCA) -> None:
        materials, asked = Materials(bare.client, side_with_certificate(ca)), request("server", AuthMode.X509)
        answering = replace(policy(materials, self.keys()), psk_server=77)
        found = answering.settings(asked, facts())
        assert isinstance(found, ServerSettings)
        assert found.psk is not None
        assert found.psk.lookup("joe@server.test") == self.SECRET
        assert found.psk.lookup("smb-password") is None
        assert answering.find_psk(asked, "joe@server.test") == 51
        assert answering.find_psk(asked, "smb-password") is None
        without = policy(materials, self.keys()).settings(asked, facts())
        assert isinstance(without, ServerSettings)
        assert without.psk is None
