# SPDX-License-Identifier: GPL-2.0-or-later
"""The server's side of authentication: NTLMv2, in SPNEGO by pyspnego or, as Linux sends it, without.

pyspnego compares the whole response with one that it makes itself, with four zeros at its end. Linux leaves them out,
as it may: [MS-NLMP] 3.3.2 has the server compute the proof over what the client has sent. So the plain variant is here.
"""

from __future__ import annotations

import hmac
import os
import struct
import time
from typing import Protocol

import spnego
from smbprotocol.header import NtStatus
from spnego._ntlm_raw.crypto import hmac_md5, ntowfv1, ntowfv2, rc4k
from spnego.exceptions import SpnegoError

from .info import filetime
from .wire import Refused

SIGNATURE = b"NTLMSSP\0"
_NEGOTIATE, _CHALLENGE, _AUTHENTICATE = 1, 2, 3
_KEY_EXCHANGE = 0x4000_0000
# UNICODE, REQUEST_TARGET, SIGN, NTLM, ALWAYS_SIGN, TARGET_TYPE_SERVER, EXTENDED_SESSIONSECURITY, TARGET_INFO, 128, 56
_FLAGS = 0x1 | 0x4 | 0x10 | 0x200 | 0x8000 | 0x2_0000 | 0x8_0000 | 0x80_0000 | 0x2000_0000 | 0x8000_0000
_COMPUTER, _DOMAIN, _TIMESTAMP = 1, 2, 7


class Acceptor(Protocol):
    """Somebody who checks a password in several steps."""

    @property
    def complete(self) -> bool:
        """Whether the user is who they say."""

    @property
    def session_key(self) -> bytes:
        """What both ends know then."""

    def step(self, token: bytes) -> bytes:
        """The answer to a message of the client; Refused if it is wrong."""


class SpnegoAcceptor:
    """pyspnego; it knows the account from the file in NTLM_USER_FILE."""

    def __init__(self) -> None:
        self._context = spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate)

    @property
    def complete(self) -> bool:
        """Whether it is done."""
        return self._context.complete

    @property
    def session_key(self) -> bytes:
        """The key."""
        return self._context.session_key

    def step(self, token: bytes) -> bytes:
        """One step."""
        try:
            return self._context.step(token) or b""
        except (SpnegoError, ValueError, struct.error) as error:
            raise Refused(NtStatus.STATUS_LOGON_FAILURE) from error


class NtlmAcceptor:
    """NTLMv2 as it is."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._challenge = os.urandom(8)
        self.complete = False
        self.session_key = b""

    def step(self, token: bytes) -> bytes:
        """One step."""
        try:
            kind = int.from_bytes(token[8:12], "little")
            if kind == _NEGOTIATE:
                return self._challenge_message(int.from_bytes(token[12:16], "little"))
            if kind == _AUTHENTICATE:
                self._authenticate(token)
                return b""
        except (struct.error, UnicodeDecodeError) as error:
            raise Refused(NtStatus.STATUS_INVALID_PARAMETER) from error
        raise Refused(NtStatus.STATUS_INVALID_PARAMETER)

    def _challenge_message(self, asked: int) -> bytes:
        name = "KQUIC".encode("utf-16-le")
        now = struct.pack("<Q", filetime(time.time_ns()))
        target = b"".join(
            struct.pack("<HH", kind, len(value)) + value
            for kind, value in ((_DOMAIN, name), (_COMPUTER, name), (_TIMESTAMP, now), (0, b""))
        )
        flags, start = _FLAGS | asked & _KEY_EXCHANGE, 48
        head = SIGNATURE + struct.pack("<IHHII", _CHALLENGE, len(name), len(name), start, flags) + self._challenge
        fields = struct.pack("<8xHHI", len(target), len(target), start + len(name))
        return head + fields + name + target

    def _authenticate(self, token: bytes) -> None:
        def field(offset: int) -> bytes:
            length, _, start = struct.unpack_from("<HHI", token, offset)
            return token[start : start + length]

        response, domain, user, key = field(20), field(28).decode("utf-16-le"), field(36).decode("utf-16-le"), field(52)
        (flags,) = struct.unpack_from("<I", token, 60)
        hashed = ntowfv2(user, ntowfv1(self._password), domain)
        proof = hmac_md5(hashed, self._challenge + response[16:])
        if user != self._user or len(response) <= 24 or not hmac.compare_digest(proof, response[:16]):
            raise Refused(NtStatus.STATUS_LOGON_FAILURE)
        base = hmac_md5(hashed, proof)
        self.session_key = rc4k(base, key) if flags & _KEY_EXCHANGE and key else base
        self.complete = True


def acceptor(token: bytes, user: str, password: str) -> Acceptor:
    """Who can deal with a client's first message."""
    return NtlmAcceptor(user, password) if token.startswith(SIGNATURE) else SpnegoAcceptor()
