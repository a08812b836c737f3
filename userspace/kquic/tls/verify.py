# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a certificate was refused, in words and as an alert."""

from __future__ import annotations

import ipaddress
from typing import Any

from cryptography import x509

from .alerts import Alert
from .errors import CertificateRefused
from .lib import CRT_X509, ffi, gnutls, take, to_bytes

# gnutls_certificate_status_t, most telling first: the alert (RFC 8446, 6.2) and our words.
_REASONS = (
    (1 << 5, Alert.CERTIFICATE_REVOKED, "it is revoked"),
    (1 << 10, Alert.CERTIFICATE_EXPIRED, "it has expired"),
    (1 << 9, Alert.CERTIFICATE_EXPIRED, "it is not valid yet"),
    (1 << 6, Alert.UNKNOWN_CA, "its issuer is not trusted"),
    (1 << 7, Alert.UNKNOWN_CA, "its issuer is not a certificate authority"),
    (1 << 16, Alert.BAD_CERTIFICATE, "it violates its issuer's constraints"),
    (1 << 14, Alert.BAD_CERTIFICATE, "its name is not the one expected"),
    (1 << 18, Alert.UNSUPPORTED_CERTIFICATE, "it is not meant for this purpose"),
    (1 << 8, Alert.BAD_CERTIFICATE, "it uses an insecure algorithm"),
    (1 << 11, Alert.BAD_CERTIFICATE, "its signature does not verify"),
)
_INVALID = 1 << 1

DT_DNS_HOSTNAME, DT_KEY_PURPOSE_OID, DT_IP_ADDRESS = 1, 2, 4
PURPOSE_SERVER, PURPOSE_CLIENT = b"1.3.6.1.5.5.7.3.1", b"1.3.6.1.5.5.7.3.2"


def peer_chain(session: Any) -> tuple[bytes, ...]:
    """The peer's certificates, DER, its own first."""
    count = ffi.new("unsigned int *")
    chain = gnutls().gnutls_certificate_get_peers(session, count)
    if chain == ffi.NULL:
        return ()
    return tuple(to_bytes(chain[i]) for i in range(count[0]))


def subject_of(der: bytes) -> str:
    """The subject of a certificate and the names it is valid for, for a log line."""
    try:
        cert = x509.load_der_x509_certificate(der)
        return f"{cert.subject.rfc4514_string()}{_names(cert)}"
    except ValueError:
        return "(unreadable certificate)"


def _names(cert: x509.Certificate) -> str:
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return f" [{', '.join(str(n.value) for n in names)}]"


def is_address(name: str) -> bool:
    """Whether a peer is named by an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def verify_peer(session: Any, *, is_server: bool, name: str | None) -> None:
    """Check the peer's chain, its purpose and its name; raise CertificateRefused."""
    chain = peer_chain(session)
    if not chain:  # whether a certificate is required is GnuTLS's to enforce
        return
    expected = _expectations(PURPOSE_CLIENT if is_server else PURPOSE_SERVER, name)
    status = _verify(session, expected)
    if status:
        raise _refusal(status, chain[0], name)


def _expectations(purpose: bytes, name: str | None) -> list[tuple[int, bytes]]:
    expected = [(DT_KEY_PURPOSE_OID, purpose)]
    if name and is_address(name):
        expected.append((DT_IP_ADDRESS, ipaddress.ip_address(name).packed))
    elif name:
        expected.append((DT_DNS_HOSTNAME, name.rstrip(".").encode()))
    return expected


def _verify(session: Any, expected: list[tuple[int, bytes]]) -> int:
    array, keep = ffi.new("gnutls_typed_vdata_st[]", len(expected)), []
    for slot, (kind, value) in zip(array, expected, strict=True):
        keep.append(ffi.new("unsigned char[]", value + b"\0"))
        slot.type, slot.data, slot.size = kind, keep[-1], len(value)
    status = ffi.new("unsigned int *")
    code = gnutls().gnutls_certificate_verify_peers(session, array, len(expected), status)
    return int(status[0]) if code >= 0 else int(status[0]) | _INVALID


def _refusal(status: int, der: bytes, name: str | None) -> CertificateRefused:
    found = [(alert, words) for bit, alert, words in _REASONS if status & bit]
    if not found:
        found = [(Alert.BAD_CERTIFICATE, _print(status))]
    reasons = tuple(_with_name(words, name) for _, words in found)
    return CertificateRefused(reasons, subject_of(der), found[0][0])


def _with_name(words: str, expected_name: str | None) -> str:
    is_about_name = words.startswith("its name") and expected_name
    return f"{words} ({expected_name})" if is_about_name else words


def _print(status: int) -> str:
    out = ffi.new("gnutls_datum_t *")
    gnutls().gnutls_certificate_verification_status_print(status or _INVALID, CRT_X509, out, 0)
    return take(out).decode("utf-8", "replace").strip("\0 ") or "it is not valid"
