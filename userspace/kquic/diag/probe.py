# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic probe`: what a server says, without logging on to it.

First a packet of a version that does not exist: any QUIC server answers it
with the versions it has (RFC 9000, 6), so silence means that nothing gets
through. Then a handshake for each protocol.
"""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from kquic.diag.table import VERSIONS
from kquic.errors import KquicError
from kquic.sock import connect
from kquic.tls import (
    Alert,
    CertificateRefused,
    ClientSettings,
    HandshakeError,
    PeerClosed,
    TlsError,
    Trust,
    X509Credentials,
    run,
)
from kquic.tls.verify import subject_of

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

PROTOCOLS = ("smb", "sunrpc", "h3")
PORT = 443
#: Of the form that is kept free for this (RFC 9000, 15).
NO_VERSION = 0x1A2A3A4A
_SMALLEST = 1200
_TRIES = 3


class ProbeError(KquicError):
    """The server cannot be asked at all."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the server presented, and what the system's trust store thinks of it."""

    subject: str
    issuer: str
    expires: str
    trusted: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How the server took to one protocol."""

    alpn: str
    accepted: bool
    words: str
    cipher: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found out. `versions` is None if the server said nothing."""

    host: str
    address: str
    port: int
    versions: tuple[str, ...] | None
    answers: tuple[Answer, ...]
    certificate: Certificate | None

    @property
    def usable(self) -> bool:
        """Whether it speaks a protocol that was asked for."""
        return any(answer.accepted for answer in self.answers)


def add_probe(verbs: Subparsers) -> None:
    """Add `probe` to the command line."""
    parser = verbs.add_parser("probe", help="versions, protocols and certificate of a QUIC server")
    parser.add_argument("host", metavar="HOST[:PORT]", help="port 443 without one; IPv6 addresses in brackets")
    parser.add_argument("--alpn", default=",".join(PROTOCOLS), metavar="LIST", help="protocols to ask for, one by one")
    parser.add_argument("--name", help="the name that the certificate has to have; default: HOST")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS", help="for each question")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.set_defaults(call=cmd_probe)


def cmd_probe(args: argparse.Namespace) -> int:
    """Ask a server; 1 if it speaks none of the protocols."""
    host, port = split(args.host)
    report = probe(host, port, tuple(filter(None, args.alpn.split(","))), args.name, args.timeout)
    print(json.dumps(asdict(report), indent=2) if args.json else "\n".join(lines(report)))
    return 0 if report.usable else 1


def split(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT, [IPv6] or [IPv6]:PORT."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) < 1 << 16)):
        raise ProbeError(f"{text}: not HOST[:PORT]")
    return host, int(port or PORT)


def resolve(host: str, port: int) -> str:
    """The first address of a name."""
    try:
        return str(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][0])
    except OSError as error:
        raise ProbeError(f"{host}: no address: {error.strerror}") from error


def probe(host: str, port: int, alpn: tuple[str, ...], name: str | None, timeout: float) -> Report:
    """Ask everything."""
    address = resolve(host, port)
    versions = ask_versions(address, port, timeout)
    answers: list[Answer] = []
    certificate = None
    for protocol in alpn:
        answer, seen = _ask(address, port, protocol, name or host, timeout)
        answers.append(answer)
        certificate = certificate or seen
    return Report(host, address, port, versions, tuple(answers), certificate)


def ask_versions(address: str, port: int, timeout: float) -> tuple[str, ...] | None:
    """The versions of a Version Negotiation packet; None if there is no answer."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    ours, theirs = secrets.token_bytes(8), secrets.token_bytes(8)
    head = bytes([0xC0]) + struct.pack("!I", NO_VERSION) + b"\x08" + theirs + b"\x08" + ours
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout / _TRIES)
        for _ in range(_TRIES):
            try:
                sock.connect((address, port))
                sock.send(head.ljust(_SMALLEST, b"\0"))
                found = parse_versions(sock.recv(65536), ours, theirs)
            except OSError:
                continue
            if found is not None:
                return found
    return None


def parse_versions(packet: bytes, ours: bytes, theirs: bytes) -> tuple[str, ...] | None:
    """Version Negotiation (RFC 9000, 17.2.1) that answers us; None for anything else."""
    ids = b"\x08" + ours + b"\x08" + theirs
    if len(packet) < 5 or not packet[0] & 0x80 or packet[1:5] != bytes(4) or packet[5 : 5 + len(ids)] != ids:
        return None
    rest = packet[5 + len(ids) :]
    numbers = [struct.unpack_from("!I", rest, at)[0] for at in range(0, len(rest) - 3, 4)]
    return tuple(VERSIONS.get(number, f"{number:#010x}") for number in numbers if number & 0x0F0F0F0F != 0x0A0A0A0A)


def _ask(address: str, port: int, alpn: str, name: str, timeout: float) -> tuple[Answer, Certificate | None]:
    """One handshake. The certificate is judged afterwards: it is to be shown in any case."""
    settings = ClientSettings(X509Credentials(Trust.SYSTEM), name, (alpn,), verify=False)
    try:
        with connect(address, port) as connection:
            tls = run(connection, settings, timeout)
            chain = tls.result.peer_chain
            why = ""
            try:
                tls.verify_peer()
            except CertificateRefused as error:
                why = "; ".join(error.reasons)
            return Answer(alpn, True, "accepted", tls.result.cipher.name), _certificate(chain, why)
    except (TlsError, OSError) as error:
        return Answer(alpn, False, _words(error)), None


def _words(error: Exception) -> str:
    alert = error.alert if isinstance(error, PeerClosed | HandshakeError) else None
    if alert == Alert.NO_APPLICATION_PROTOCOL:
        return "not spoken here"
    if alert == Alert.CERTIFICATE_REQUIRED:
        return "the server demands a client certificate"
    return str(error)


def _certificate(chain: tuple[bytes, ...], why: str) -> Certificate | None:
    if not chain:
        return None
    cert = x509.load_der_x509_certificate(chain[0])
    issuer = cert.issuer.rfc4514_string()
    return Certificate(subject_of(chain[0]), issuer, f"{cert.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", not why, why)


def lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield f"server       {report.host} ({report.address}) UDP port {report.port}"
    if report.versions is None:
        yield "versions     no answer: no QUIC server there, or UDP does not get through"
    else:
        yield f"versions     {', '.join(report.versions)}"
    for answer in report.answers:
        yield f"{answer.alpn:12} {answer.words}{f', {answer.cipher}' if answer.cipher else ''}"
    if report.certificate:
        found = report.certificate
        yield f"certificate  {found.subject}"
        yield f"             issued by {found.issuer}, until {found.expires}"
        yield f"             {'trusted' if found.trusted else f'NOT trusted here: {found.why_not}'}"
