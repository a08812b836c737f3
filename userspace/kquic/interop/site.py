# SPDX-License-Identifier: GPL-2.0-or-later
"""What servers serve and who they are: files, a certificate, and one with a long chain."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kquic.tls.testca import Identity, KeyFiles, TestCA

from .cases import FILES
from .link import Routed
from .peers import PROGRAMS

NAME = "server.test"
#: The page with which a browser fetches the others.
BROWSED = "chromium.html"
#: As many as rustls follows.
LINKS = 6


@dataclass(frozen=True, slots=True)
class Site:
    """Files of all cells."""

    root: Path
    ca: Path
    keys: KeyFiles
    chain: KeyFiles


def make(folder: Path) -> Site:
    """Write it all below a folder."""
    root = folder / "root"
    root.mkdir(parents=True)
    for name, size in FILES.items():
        (root / name).write_bytes(os.urandom(size))
    shutil.copy(PROGRAMS / BROWSED, root)
    authority = TestCA.create("interop CA")
    names = (NAME, Routed.SERVER, Routed.SERVER_V6)
    site = Site(
        root,
        authority.write(folder),
        authority.server(*names).write(folder, "server"),
        _chain(authority, names, folder),
    )
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | 0o755)
    site.keys.key.chmod(0o644)
    site.chain.key.chmod(0o644)
    return site


def _chain(root: TestCA, names: tuple[str, ...], folder: Path) -> KeyFiles:
    """A certificate below a row of authorities, each of two kilobytes."""
    issuer = root
    pems: list[bytes] = []
    for number in range(LINKS):
        issuer = TestCA(_authority(issuer.root, number))
        pems.insert(0, issuer.cert_pem)
    files = issuer.server(*names).write(folder, "chain")
    files.cert.write_bytes(files.cert.read_bytes() + b"".join(pems))
    return files


def _authority(issuer: Identity, number: int) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"interop authority {number}")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(f"{'long-name-' * 5}{index}.test") for index in range(30)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=29))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    return Identity(builder.sign(issuer.key, hashes.SHA256()), key)
