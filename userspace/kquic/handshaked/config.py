# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration file, in tlshd's format (a GLib key file).

[debug]
loglevel=1
keylog=/run/kquic/secrets
[authenticate]
keyrings=.nfs;mykeys
ciphers=AES-256-GCM;AES-128-GCM
[authenticate.client]
x509.truststore=/etc/ssl/certs/private-ca.pem
[authenticate.server]
x509.certificate=/etc/kquic/server.pem
x509.private_key=/etc/kquic/server.key
x509.clients=/etc/kquic/clients
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from kquic.errors import KquicError
from kquic.sock import Cipher
from kquic.tls.ciphers import named

DEFAULT_PATHS = (Path("/etc/kquic/handshaked.conf"), Path("/etc/tlshd/config"), Path("/etc/tlshd.conf"))

#: Linked without being asked for, as tlshd does; it is no error if they do not exist.
USUAL_KEYRINGS = (".nfs", ".nfsd", ".nvme", ".smb")


class ConfigError(KquicError):
    """Something is wrong with the file; says where."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        self.path, self.line = path, line
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")


@dataclass(frozen=True, slots=True)
class SideConfig:
    """[authenticate.client] or [authenticate.server]; `lines` tells where each was set."""

    truststore: str | None = None
    crl: str | None = None
    certificate: str | None = None
    private_key: str | None = None
    clients: str | None = None
    psk_keyring: str | None = None
    lines: dict[str, int] = field(default_factory=dict, compare=False)


class Tickets(Enum):
    """To which clients a server gives session tickets."""

    AUTO = "auto"  # to those that are known to stand it
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the file says."""

    path: Path | None = None
    loglevel: int = 0
    keylog: str | None = None
    keyrings: tuple[str, ...] = ()
    ciphers: tuple[Cipher, ...] = ()
    client: SideConfig = SideConfig()
    server: SideConfig = SideConfig()
    tickets: Tickets = Tickets.AUTO
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    group: str
    key: str
    value: str
    line: int


_ESCAPES = {"\\s": " ", "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
_SIDE_KEYS = {f"x509.{name}": name for name in ("truststore", "crl", "certificate", "private_key")} | {
    "psk.keyring": "psk_keyring"
}
#: What only a server has.
_SERVER_KEYS = {**_SIDE_KEYS, "x509.clients": "clients"}
_IGNORED = {("debug", "tls"), ("debug", "nl"), ("debug", "delay_done")}


def load(path: Path) -> Config:
    """Read and check a file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(path, 0, "is not UTF-8 text") from error
    except OSError as error:
        raise ConfigError(path, 0, error.strerror or "cannot be read") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Parse the text of a file; `path` is for messages."""
    config = Config(path=path)
    for entry in _entries(text, path):
        config = _apply(config, entry, path)
    return config


def _entries(text: str, path: Path) -> Iterator[_Entry]:
    group = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            group = _group(line, path, number)
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ConfigError(path, number, f"expected KEY=VALUE or [GROUP], found {line!r}")
        if not group:
            raise ConfigError(path, number, f"{key.strip()} stands before any [GROUP]")
        yield _Entry(group, key.strip(), _unescape(value.strip()), number)


def _group(line: str, path: Path, number: int) -> str:
    if not line.endswith("]") or not line[1:-1]:
        raise ConfigError(path, number, f"not a group: {line!r}")
    return line[1:-1]


def _unescape(value: str) -> str:
    out, rest = "", value
    while rest:
        taken = _ESCAPES.get(rest[:2])
        out, rest = (out + taken, rest[2:]) if taken else (out + rest[0], rest[1:])
    return out


def _apply(config: Config, entry: _Entry, path: Path) -> Config:
    match entry.group, entry.key:
        case "debug", "loglevel":
            return replace(config, loglevel=_number(entry, path))
        case "debug", "keylog":
            return replace(config, keylog=entry.value or None)
        case "authenticate", "keyrings":
            return replace(config, keyrings=_listed(entry))
        case "authenticate", "ciphers":
            return replace(config, ciphers=_ciphers(entry, path))
        case "authenticate.client", key if key in _SIDE_KEYS:
            return replace(config, client=_set(config.client, entry))
        case "authenticate.server", key if key in _SERVER_KEYS:
            return replace(config, server=_set(config.server, entry))
        case "authenticate.server", "session_tickets":
            return replace(config, tickets=_tickets(entry, path))
        case place if place in _IGNORED:
            return config
        case _:
            words = f"{path}:{entry.line}: [{entry.group}] {entry.key} is not known and has no effect"
            return replace(config, warnings=(*config.warnings, words))


def _number(entry: _Entry, path: Path) -> int:
    if not entry.value.isdecimal():
        raise ConfigError(path, entry.line, f"{entry.key} is a number, not {entry.value!r}")
    return int(entry.value)


def _listed(entry: _Entry) -> tuple[str, ...]:
    return tuple(name.strip() for name in entry.value.split(";") if name.strip())


def _ciphers(entry: _Entry, path: Path) -> tuple[Cipher, ...]:
    try:
        return named(_listed(entry))
    except ValueError as error:
        raise ConfigError(path, entry.line, f"{entry.key}: {error}") from None


def _tickets(entry: _Entry, path: Path) -> Tickets:
    try:
        return Tickets(entry.value)
    except ValueError:
        raise ConfigError(path, entry.line, f"{entry.key} is auto, always or never, not {entry.value!r}") from None


def _set(side: SideConfig, entry: _Entry) -> SideConfig:
    name = _SERVER_KEYS[entry.key]
    lines = {**side.lines, name: entry.line}
    values = {n: getattr(side, n) for n in _SERVER_KEYS.values()}
    return SideConfig(**{**values, name: entry.value or None}, lines=lines)
