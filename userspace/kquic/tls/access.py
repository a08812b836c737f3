# SPDX-License-Identifier: GPL-2.0-or-later
"""Which clients a server admits, of those whose certificates are good: a list of rules, one a line.

    allow sha256 3A:5B:…        this certificate
    allow issuer CN=Laptops,O=Example
    deny  sha256 77:01:…        this one nevertheless, or whatever it has signed

A client is admitted if a rule allows its certificate and none denies any certificate of its chain, as Windows has it
(Grant-SmbClientAccessToServer, Block-SmbClientAccessToServer).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509

from .errors import CredentialsError

_DIGEST_SIZE = 32
DENIED, NOT_LISTED = REASONS = "the list of clients denies it", "it is not in the list of clients"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line; `value` is a digest (DER's SHA-256), or the name of an issuer (its DER)."""

    allows: bool
    kind: str
    value: bytes

    def fits(self, certificate: bytes) -> bool:
        """Whether it speaks of this certificate, DER."""
        if self.kind == "sha256":
            return hashlib.sha256(certificate).digest() == self.value
        return x509.load_der_x509_certificate(certificate).issuer.public_bytes() == self.value


@dataclass(frozen=True, slots=True)
class AccessList:
    """The rules; none at all admit nobody."""

    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> AccessList:
        """The rules of a file.

        Raises:
            CredentialsError: a line is no rule.
        """
        return cls(tuple(_rules(text)))

    def objection(self, chain: Sequence[bytes]) -> str | None:
        """Why a client with these certificates, its own first, is not admitted; None if it is."""
        if any(rule.fits(certificate) for rule in self.rules if not rule.allows for certificate in chain):
            return DENIED
        if not any(rule.fits(chain[0]) for rule in self.rules if rule.allows):
            return NOT_LISTED
        return None


def _rules(text: str) -> Iterator[Rule]:
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        words = line.split(None, 2)
        try:
            yield _rule(*words)
        except (TypeError, ValueError) as error:
            what = str(error) if isinstance(error, ValueError) else "allow or deny, sha256 or issuer, and a value"
            raise CredentialsError(f"line {number}: {what}") from error


def _rule(action: str, kind: str, value: str) -> Rule:
    if action not in ("allow", "deny") or kind not in ("sha256", "issuer"):
        raise ValueError(f"not a rule: {action} {kind}")
    return Rule(action == "allow", kind, _digest(value) if kind == "sha256" else _issuer(value))


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text.replace(":", ""))
    if len(digest) != _DIGEST_SIZE:
        raise ValueError(f"a SHA-256 digest has {_DIGEST_SIZE} bytes, not {len(digest)}")
    return digest


def _issuer(text: str) -> bytes:
    return x509.Name.from_rfc4514_string(text).public_bytes()
