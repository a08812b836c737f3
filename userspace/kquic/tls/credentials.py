# SPDX-License-Identifier: GPL-2.0-or-later
"""What a side proves itself with and whom it believes: X.509 and pre-shared keys.

Made once and used by any number of handshakes, from any number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .errors import CredentialsError
from .lib import FMT_DER, FMT_PEM, Datum, ffi, gnutls, strerror

CRD_CERTIFICATE = 1
CRD_PSK = 4
PSK_KEY_RAW = 0

_PEM_MARK = b"-----BEGIN "


class Trust(Enum):
    """Whose certificates are believed."""

    SYSTEM = "system"  # the distribution's trust store
    NOBODY = "nobody"  # every certificate is refused


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate chain and its private key, each PEM or DER."""

    cert: bytes
    key: bytes = field(repr=False)

    @classmethod
    def load(cls, cert: Path | str, key: Path | str) -> KeyPair:
        """Read both from files."""
        return cls(_read(Path(cert)), _read(Path(key)))


@dataclass(frozen=True, slots=True)
class KeyUrls:
    """A certificate and a private key by GnuTLS URL (pkcs11:, tpmkey:, system:) or path."""

    cert: str
    key: str


class X509Credentials:
    """Certificates: own ones to present, authorities to believe, revocation lists.

    `trust` is a Trust, or PEM/DER certificates of authorities.
    """

    kind = CRD_CERTIFICATE

    def __init__(
        self,
        trust: Trust | bytes | Sequence[bytes] = Trust.SYSTEM,
        own: KeyPair | KeyUrls | Sequence[KeyPair] = (),
        crl: bytes | Sequence[bytes] = (),
    ) -> None:
        holder = ffi.new("gnutls_certificate_credentials_t *")
        _check(gnutls().gnutls_certificate_allocate_credentials(holder), "credentials")
        self.handle = ffi.gc(holder[0], gnutls().gnutls_certificate_free_credentials)
        self._believe(trust)
        for revoked in _many(crl):
            self._revoke(revoked)
        self.has_own = bool(own)
        self._present(own)
        #: The same for credentials that judge alike and present the same.
        self.fingerprint = _fingerprint(trust, own, crl)

    @classmethod
    def from_files(
        cls,
        *,
        truststore: Path | str | None = None,
        crl: Path | str | None = None,
        cert: Path | str | None = None,
        key: Path | str | None = None,
    ) -> X509Credentials:
        """Load PEM files; without `truststore` the system's authorities are believed."""
        own: KeyPair | KeyUrls | tuple[()] = ()
        if cert and key:
            is_url = ":" in str(key).split("/", 1)[0]
            own = KeyUrls(str(cert), str(key)) if is_url else KeyPair.load(cert, key)
        elif cert or key:
            raise CredentialsError("a certificate needs its private key, and the other way round")
        return cls(
            trust=_read(Path(truststore)) if truststore else Trust.SYSTEM,
            own=own,
            crl=_read(Path(crl)) if crl else (),
        )

    def _believe(self, trust: Trust | bytes | Sequence[bytes]) -> None:
        if trust is Trust.SYSTEM:
            _check(gnutls().gnutls_certificate_set_x509_system_trust(self.handle), "trust store")
        elif not isinstance(trust, Trust):
            for bundle in _many(trust):
                self._believe_bundle(bundle)

    def _believe_bundle(self, bundle: bytes) -> None:
        datum, kind = Datum(bundle), _format(bundle)
        found = gnutls().gnutls_certificate_set_x509_trust_mem(self.handle, datum.pointer, kind)
        if _check(found, "trust store") == 0:
            raise CredentialsError("trust store: no certificate in it")

    def _revoke(self, crl: bytes) -> None:
        datum, kind = Datum(crl), _format(crl)
        found = gnutls().gnutls_certificate_set_x509_crl_mem(self.handle, datum.pointer, kind)
        if _check(found, "revocation list") == 0:
            raise CredentialsError("revocation list: none in it")

    def _present(self, own: KeyPair | KeyUrls | Sequence[KeyPair]) -> None:
        if isinstance(own, KeyUrls):
            self._present_urls(own)
            return
        for pair in [own] if isinstance(own, KeyPair) else own:
            self._present_pair(pair)

    def _present_pair(self, pair: KeyPair) -> None:
        cert, key = Datum(_cert_pem(pair.cert)), Datum(_key_pem(pair.key))
        code = gnutls().gnutls_certificate_set_x509_key_mem2(
            self.handle, cert.pointer, key.pointer, FMT_PEM, ffi.NULL, 0
        )
        _check(code, "certificate and private key")

    def _present_urls(self, own: KeyUrls) -> None:
        code = gnutls().gnutls_certificate_set_x509_key_file2(
            self.handle, own.cert.encode(), own.key.encode(), FMT_PEM, ffi.NULL, 0
        )
        _check(code, f"{own.cert}, {own.key}")


class PskClientCredentials:
    """One external pre-shared key (RFC 8446, 4.2.11) and the identity that names it."""

    kind = CRD_PSK

    def __init__(self, identity: str, key: bytes) -> None:
        holder = ffi.new("gnutls_psk_client_credentials_t *")
        _check(gnutls().gnutls_psk_allocate_client_credentials(holder), "credentials")
        self.handle = ffi.gc(holder[0], gnutls().gnutls_psk_free_client_credentials)
        self.identity = identity
        name, secret = Datum(identity.encode()), Datum(key)
        code = gnutls().gnutls_psk_set_client_credentials2(self.handle, name.pointer, secret.pointer, PSK_KEY_RAW)
        _check(code, "pre-shared key")


PskLookup = Callable[[str], bytes | None]


class PskServerCredentials:
    """Pre-shared keys of a server: `lookup` finds the key that an identity names."""

    kind = CRD_PSK

    def __init__(self, lookup: PskLookup) -> None:
        holder = ffi.new("gnutls_psk_server_credentials_t *")
        _check(gnutls().gnutls_psk_allocate_server_credentials(holder), "credentials")
        self.handle = ffi.gc(holder[0], gnutls().gnutls_psk_free_server_credentials)
        self.lookup = lookup


ClientCredentials = X509Credentials | PskClientCredentials
ServerCredentials = X509Credentials | PskServerCredentials


def _check(code: int, what: str) -> int:
    if code < 0:
        raise CredentialsError(f"{what}: {strerror(code)}")
    return code


def _fingerprint(
    trust: Trust | bytes | Sequence[bytes],
    own: KeyPair | KeyUrls | Sequence[KeyPair],
    crl: bytes | Sequence[bytes],
) -> bytes:
    pairs = [own] if isinstance(own, KeyPair | KeyUrls) else own
    presented = [pair.cert.encode() if isinstance(pair, KeyUrls) else pair.cert for pair in pairs]
    believed = [trust.value.encode()] if isinstance(trust, Trust) else _many(trust)
    digest = hashlib.sha256()
    for part in (believed, presented, _many(crl)):
        digest.update(b"".join(hashlib.sha256(item).digest() for item in part) + b"|")
    return digest.digest()


def _many(items: bytes | Sequence[bytes]) -> Sequence[bytes]:
    return [items] if isinstance(items, bytes) else items


def _format(data: bytes) -> int:
    return FMT_PEM if _PEM_MARK in data else FMT_DER


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialsError(f"{path}: {error.strerror}") from error


def _cert_pem(cert: bytes) -> bytes:
    if _PEM_MARK in cert:
        return cert
    return _convert(
        lambda: x509.load_der_x509_certificate(cert).public_bytes(serialization.Encoding.PEM),
        "certificate",
    )


def _key_pem(key: bytes) -> bytes:
    return key if _PEM_MARK in key else _convert(lambda: _der_key_pem(key), "private key")


def _der_key_pem(key: bytes) -> bytes:
    return serialization.load_der_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _convert(load: Callable[[], bytes], what: str) -> bytes:
    try:
        return load()
    except (ValueError, TypeError) as error:
        raise CredentialsError(f"{what}: neither PEM nor DER: {error}") from error


def handle_of(credentials: ClientCredentials | ServerCredentials) -> Any:
    """The GnuTLS object behind credentials, for kquic.tls only."""
    return ffi.cast("void *", credentials.handle)
