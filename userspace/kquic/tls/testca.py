# SPDX-License-Identifier: GPL-2.0-or-later
"""A throw-away certificate authority for tests and demonstrations.

``TestCA.create()`` makes a root; ``server()``, ``client()``, ``expired()`` and
``issue()`` make certificates under it; ``write()`` puts PEM files where a
program can read them. ``python3 -m kquic.tls.testca DIR NAME`` does it all.
"""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KeyKind = Literal["ec", "rsa"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where `Identity.write` put the certificate and the private key."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its private key."""

    cert: x509.Certificate
    key: PrivateKey

    @property
    def cert_pem(self) -> bytes:
        """The certificate, PEM."""
        return self.cert.public_bytes(serialization.Encoding.PEM)

    @property
    def cert_der(self) -> bytes:
        """The certificate, DER."""
        return self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The private key, PKCS#8 PEM without a passphrase."""
        return self._key_bytes(serialization.Encoding.PEM)

    @property
    def key_der(self) -> bytes:
        """The private key, PKCS#8 DER without a passphrase."""
        return self._key_bytes(serialization.Encoding.DER)

    def _key_bytes(self, encoding: serialization.Encoding) -> bytes:
        return self.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def write(self, directory: Path | str, stem: str) -> KeyFiles:
        """Write STEM.pem and STEM.key (mode 0600) into `directory`."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        files = KeyFiles(folder / f"{stem}.pem", folder / f"{stem}.key")
        files.cert.write_bytes(self.cert_pem)
        files.key.touch(mode=0o600)
        files.key.chmod(0o600)
        files.key.write_bytes(self.key_pem)
        return files


@dataclass(frozen=True, slots=True)
class TestCA:
    """A self-signed root that issues certificates."""

    __test__ = False  # not a test class, whatever its name says to pytest

    root: Identity

    @classmethod
    def create(cls, name: str = "", kind: KeyKind = "ec") -> TestCA:
        """Make a new root; without a name it gets one that no other has."""
        key = _new_key(kind)
        subject = _name(name or f"kquic test CA {secrets.token_hex(4)}")
        builder = (
            _builder(subject, subject, key, *_validity(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(Identity(builder.sign(key, hashes.SHA256()), key))

    @property
    def cert_pem(self) -> bytes:
        """The root certificate, PEM: what a peer has to trust."""
        return self.root.cert_pem

    def write(self, directory: Path | str, stem: str = "ca") -> Path:
        """Write the root certificate as STEM.pem; its key stays in memory."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stem}.pem"
        path.write_bytes(self.cert_pem)
        return path

    def issue(
        self,
        common_name: str,
        *,
        names: Iterable[str] = (),
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        kind: KeyKind = "ec",
    ) -> Identity:
        """Issue a certificate; `names` are DNS names or IP addresses as text."""
        key = _new_key(kind)
        start, end = _validity(days=29)
        builder = _builder(_name(common_name), self.root.cert.subject, key, not_before or start, not_after or end)
        for extension in _leaf_extensions([_general_name(n) for n in names], usage):
            builder = builder.add_extension(extension, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root.key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        builder = builder.add_extension(_key_usage(ca=False), critical=True)
        return Identity(builder.sign(self.root.key, hashes.SHA256()), key)

    def server(self, *names: str, kind: KeyKind = "ec") -> Identity:
        """A server certificate for these DNS names or IP addresses."""
        return self.issue(names[0], names=names, kind=kind)

    def client(self, name: str, kind: KeyKind = "ec") -> Identity:
        """A client certificate."""
        return self.issue(name, names=(name,), usage=ExtendedKeyUsageOID.CLIENT_AUTH, kind=kind)

    def expired(self, *names: str) -> Identity:
        """A server certificate that ran out yesterday."""
        now = dt.datetime.now(dt.UTC)
        return self.issue(names[0], names=names, not_before=now - 10 * _DAY, not_after=now - 1 * _DAY)

    def not_yet_valid(self, *names: str) -> Identity:
        """A server certificate that becomes valid tomorrow."""
        now = dt.datetime.now(dt.UTC)
        return self.issue(names[0], names=names, not_before=now + 1 * _DAY, not_after=now + 10 * _DAY)

    def crl(self, *revoked: Identity) -> bytes:
        """A revocation list, PEM, that names these certificates."""
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.cert.subject)
            .last_update(now - _DAY)
            .next_update(now + 7 * _DAY)
        )
        for identity in revoked:
            entry = x509.RevokedCertificateBuilder(identity.cert.serial_number, now - _DAY)
            builder = builder.add_revoked_certificate(entry.build())
        signed = builder.sign(self.root.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _new_key(kind: KeyKind) -> PrivateKey:
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _validity(*, days: int) -> tuple[dt.datetime, dt.datetime]:
    now = dt.datetime.now(dt.UTC)
    return now - _DAY, now + days * _DAY


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    start: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _leaf_extensions(names: Sequence[x509.GeneralName], usage: x509.ObjectIdentifier) -> list[x509.ExtensionType]:
    extensions: list[x509.ExtensionType] = [
        x509.BasicConstraints(ca=False, path_length=None),
        x509.ExtendedKeyUsage([usage]),
    ]
    if names:
        extensions.append(x509.SubjectAlternativeName(names))
    return extensions


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write a new CA, a server and a client certificate into a directory."""
    parser = argparse.ArgumentParser(prog="kquic.tls.testca", description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="+", help="DNS names or addresses of the server")
    parser.add_argument("--client", default="client.test", help="name of the client")
    args = parser.parse_args(argv)
    authority = TestCA.create()
    authority.write(args.directory)
    authority.server(*args.names).write(args.directory, "server")
    authority.client(args.client).write(args.directory, "client")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
