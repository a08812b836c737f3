# SPDX-License-Identifier: GPL-2.0-or-later
"""Negotiation and authentication: from the first message to a session with keys."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smbprotocol.connection import Capabilities, Ciphers, HashAlgorithms, NegotiateContextType, SecurityMode
from smbprotocol.header import NtStatus
from smbprotocol.session import SessionFlags

from .auth import Acceptor
from .info import filetime
from .secure import Keys
from .wire import HEADER_SIZE, Refused, pad, part, read

DIALECT = 0x0311
MAX_IO = 4 * 1024 * 1024
TRANSPORT_CAPABILITIES = 6
ACCEPT_TRANSPORT_SECURITY = 1
AES_CMAC = 1


@dataclass(frozen=True, slots=True)
class Security:
    """What a server demands, and who may come in.

    Attributes:
        user, password: the one account.
        users_file: where pyspnego reads it from; made by `write_users`.
        sign: messages must be signed.
        encrypt: sessions are encrypted, unless the transport does it and the client agrees.
        transport_security: over QUIC, offer to do without encryption.
    """

    user: str = "user"
    password: str = "sesame-7"
    users_file: Path = Path("users")
    sign: bool = False
    encrypt: bool = False
    transport_security: bool = True

    def write_users(self) -> None:
        """Tell pyspnego's NTLM who there is."""
        self.users_file.write_text(f":{self.user}:{self.password}\n")
        os.environ["NTLM_USER_FILE"] = str(self.users_file)


@dataclass(slots=True)
class Negotiated:
    """What both ends agreed on."""

    preauth: bytes = bytes(64)
    encryption: bool = False
    transport_security: bool = False
    done: bool = False

    def hash(self, message: bytes) -> None:
        """One more message before authentication ([MS-SMB2] 3.1.4.4.1)."""
        self.preauth = hashlib.sha512(self.preauth + message).digest()


@dataclass(slots=True)
class Session:
    """A user on a connection."""

    id: int
    acceptor: Acceptor
    preauth: bytes
    keys: Keys | None = None
    encrypt: bool = False
    ended: bool = False
    trees: dict[int, str] = field(default_factory=dict)

    def hash(self, message: bytes) -> None:
        """One more message of the authentication."""
        self.preauth = hashlib.sha512(self.preauth + message).digest()


def _contexts(request: bytes, offset: int, count: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for _ in range(count):
        kind, length = struct.unpack("<HH4x", part(request, offset, 8).ljust(8, b"\0"))
        found[kind] = part(request, offset + 8, length)
        offset += 8 + length + (-length % 8)
    return found


def _context(kind: int, data: bytes) -> bytes:
    return struct.pack("<HHI", kind, len(data), 0) + data


def _numbers(data: bytes) -> Sequence[int]:
    count = int.from_bytes(data[:2], "little")
    return struct.unpack_from(f"<{count}H", data, 2) if len(data) >= 2 + 2 * count else ()


def negotiate(request: bytes, state: Negotiated, security: Security, *, quic: bool, guid: bytes) -> bytes:
    """The body of the response to NEGOTIATE."""
    _, count, _, _, _, _, offset, contexts, _ = read("<HHHHI16sIHH", request)
    dialects = struct.unpack(f"<{count}H", part(request, HEADER_SIZE + 36, 2 * count))
    if DIALECT not in dialects or state.done:
        raise Refused(NtStatus.STATUS_NOT_SUPPORTED)
    offered = _contexts(request, offset, contexts)
    ciphers = _numbers(offered.get(NegotiateContextType.SMB2_ENCRYPTION_CAPABILITIES, b""))
    state.encryption = Ciphers.AES_128_GCM in ciphers
    flags = int.from_bytes(offered.get(TRANSPORT_CAPABILITIES, b"")[:4], "little")
    wants = bool(flags & ACCEPT_TRANSPORT_SECURITY)
    state.transport_security = wants and quic and security.transport_security
    state.done = True
    return _negotiate_response(state, security, guid)


def _negotiate_response(state: Negotiated, security: Security, guid: bytes) -> bytes:
    hashes = struct.pack("<HHH", 1, 32, HashAlgorithms.SHA_512) + os.urandom(32)
    answers = [_context(NegotiateContextType.SMB2_PREAUTH_INTEGRITY_CAPABILITIES, hashes)]
    if state.encryption:
        cipher = struct.pack("<HH", 1, Ciphers.AES_128_GCM)
        answers.append(_context(NegotiateContextType.SMB2_ENCRYPTION_CAPABILITIES, cipher))
    answers.append(_context(NegotiateContextType.SMB2_SIGNING_CAPABILITIES, struct.pack("<HH", 1, AES_CMAC)))
    if state.transport_security:
        answers.append(_context(TRANSPORT_CAPABILITIES, struct.pack("<I", ACCEPT_TRANSPORT_SECURITY)))
    mode = SecurityMode.SMB2_NEGOTIATE_SIGNING_ENABLED
    mode |= SecurityMode.SMB2_NEGOTIATE_SIGNING_REQUIRED if security.sign else 0
    able = Capabilities.SMB2_GLOBAL_CAP_LARGE_MTU | Capabilities.SMB2_GLOBAL_CAP_LEASING
    now = filetime(0)
    start = HEADER_SIZE + 64
    sizes = (able, MAX_IO, MAX_IO, MAX_IO, now, now, start, 0, start)
    fixed = struct.pack("<HHHH16s4I2QHHI", 65, mode, DIALECT, len(answers), guid, *sizes)
    return fixed + b"".join(pad(answer) for answer in answers[:-1]) + answers[-1]


def token_of(request: bytes) -> bytes:
    """The authentication's message in SESSION_SETUP."""
    _, _, _, _, _, offset, length, _ = read("<HBBIIHHQ", request)
    return part(request, offset, length)


def finish(session: Session, state: Negotiated, security: Security) -> None:
    """The user is who they say: make keys."""
    session.keys = Keys.of(session.acceptor.session_key, session.preauth)
    session.encrypt = security.encrypt and state.encryption and not state.transport_security


def setup_body(session: Session, token: bytes) -> bytes:
    """The body of the response to SESSION_SETUP."""
    flags = SessionFlags.SMB2_SESSION_FLAG_ENCRYPT_DATA if session.encrypt and session.keys else 0
    return struct.pack("<HHHH", 9, flags, HEADER_SIZE + 8, len(token)) + token
