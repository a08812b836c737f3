# SPDX-License-Identifier: GPL-2.0-or-later
"""What a handshake is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from kquic.sock import CertificateRequest, Cipher

from .access import AccessList
from .ciphers import NAMES, fastest_first
from .credentials import ClientCredentials, PskServerCredentials, ServerCredentials
from .keylog import KeyLog
from .replay import AntiReplay


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """A client's side. `server_name` is the name indicated and verified (or an address).

    `verify=False` believes any certificate: for tests only. `ciphers` are offered
    in their order; without any, all of QUIC's, the one first that the kernel is
    fastest with. `cipher` is one for this connection, and goes before them. `early_data`
    offers 0-RTT, with `session_data` of a session that allows it.
    """

    credentials: ClientCredentials
    server_name: str | None = None
    alpn: tuple[str, ...] = ()
    verify: bool = True
    cipher: Cipher | None = None
    ciphers: tuple[Cipher, ...] = ()
    session_data: bytes | None = field(default=None, repr=False)
    early_data: bool = False
    keylog: KeyLog | None = field(default_factory=KeyLog.from_environment)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """A server's side. `ticket_key` (64 bytes) switches session tickets on.

    `cipher` and `ciphers` say what is accepted; the client's order decides.
    `early_data` accepts 0-RTT, which somebody else can repeat (RFC 9001, 9.2):
    off unless the application protocol says what may come so early. With `psk`
    clients may have a pre-shared key in place of a certificate. `access` goes
    with REQUIRE, and without tickets, which say nothing of whom the list admits now.
    """

    credentials: ServerCredentials
    alpn: tuple[str, ...] = ()
    request: CertificateRequest = CertificateRequest.IGNORE
    cipher: Cipher | None = None
    ciphers: tuple[Cipher, ...] = ()
    ticket_key: bytes | None = field(default=None, repr=False)
    early_data: AntiReplay | None = None
    access: AccessList | None = None
    psk: PskServerCredentials | None = None
    keylog: KeyLog | None = field(default_factory=KeyLog.from_environment)

    def __post_init__(self) -> None:
        if self.access is not None and (self.request is not CertificateRequest.REQUIRE or self.ticket_key):
            raise ValueError("access needs a certificate each time")


Settings = ClientSettings | ServerSettings


def psk_server(settings: Settings) -> PskServerCredentials | None:
    """The pre-shared keys of a server, if it has some."""
    if not isinstance(settings, ServerSettings):
        return None
    return settings.credentials if isinstance(settings.credentials, PskServerCredentials) else settings.psk


def priority_string(settings: Settings, *, psk: bool) -> str:
    """GnuTLS priorities: TLS 1.3 alone, QUIC's ciphers, no middlebox compatibility.

    RFC 9001, 4.2 (version), 5.3 (AEADs; not CCM_8), 8.4 (no compatibility mode).
    """
    wanted = (settings.cipher,) if settings.cipher else settings.ciphers or fastest_first()
    parts = ["NORMAL", "-VERS-ALL", "+VERS-TLS1.3", "-CIPHER-ALL"]
    parts += [f"+{NAMES[Cipher(cipher)]}" for cipher in wanted]
    if psk:
        parts += ["+ECDHE-PSK", "+DHE-PSK"]
    return ":".join([*parts, "%DISABLE_TLS13_COMPAT_MODE"])
