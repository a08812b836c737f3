# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates, keys and trust of the configuration, loaded once per (re)load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kquic.tls import AccessList, CredentialsError, KeyPair, KeyUrls, Trust, X509Credentials

from .config import Config, ConfigError, SideConfig


@dataclass(frozen=True, slots=True)
class SideMaterials:
    """What one side has: whom it believes, and what it can present."""

    trust: Trust | bytes
    crl: bytes | None
    own: KeyPair | KeyUrls | None
    anonymous: X509Credentials  # believes, presents nothing
    complete: X509Credentials | None  # believes and presents; None without a certificate
    access: AccessList | None = None  # which clients a server admits; None: all it believes


@dataclass(frozen=True, slots=True)
class Materials:
    """Both sides' materials."""

    client: SideMaterials
    server: SideMaterials
    warnings: tuple[str, ...] = ()


def load(config: Config) -> Materials:
    """Load what the configuration names; ConfigError says which line is to blame."""
    path = config.path or Path("(no configuration file)")
    client, server = _load_side(config.client, path), _load_side(config.server, path)
    warnings = [w for side in (config.client, config.server) for w in _key_warnings(side)]
    return Materials(client, server, tuple(warnings))


def _load_side(side: SideConfig, path: Path) -> SideMaterials:
    trust = _read(side, "truststore", path) if side.truststore else Trust.SYSTEM
    crl = _read(side, "crl", path) if side.crl else None
    own = _own(side, path)
    anonymous = _build(side, path, "truststore", trust, None, None)
    if crl:
        anonymous = _build(side, path, "crl", trust, None, crl)
    complete = _build(side, path, "certificate", trust, own, crl) if own else None
    return SideMaterials(trust, crl, own, anonymous, complete, _access(side, path))


def _own(side: SideConfig, path: Path) -> KeyPair | KeyUrls | None:
    if not side.certificate and not side.private_key:
        return None
    if not side.certificate or not side.private_key:
        line = next(n for key, n in side.lines.items() if key in ("certificate", "private_key"))
        raise ConfigError(path, line, "x509.certificate and x509.private_key belong together")
    if _is_url(side.certificate) or _is_url(side.private_key):
        return KeyUrls(side.certificate, side.private_key)
    return KeyPair(_read(side, "certificate", path), _read(side, "private_key", path))


def _access(side: SideConfig, path: Path) -> AccessList | None:
    if not side.clients:
        return None
    try:
        return AccessList.parse(_read(side, "clients", path).decode())
    except (CredentialsError, UnicodeDecodeError) as error:
        raise ConfigError(path, side.lines["clients"], f"{side.clients}: {error}") from error


def _is_url(name: str) -> bool:
    return ":" in name.split("/", 1)[0]


def _read(side: SideConfig, name: str, path: Path) -> bytes:
    file = Path(getattr(side, name))
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(path, side.lines.get(name, 0), f"{file}: {error.strerror}") from error


def _build(
    side: SideConfig,
    path: Path,
    blame: str,
    trust: Trust | bytes,
    own: KeyPair | KeyUrls | None,
    crl: bytes | None,
) -> X509Credentials:
    try:
        return X509Credentials(trust, own or (), crl or ())
    except CredentialsError as error:
        line = side.lines.get(blame, 0)
        raise ConfigError(path, line, f"{getattr(side, blame) or blame}: {error}") from error


def _key_warnings(side: SideConfig) -> list[str]:
    if not side.private_key or _is_url(side.private_key):
        return []
    mode = Path(side.private_key).stat().st_mode & 0o777
    return [f"{side.private_key}: mode {mode:04o} lets others read the key"] if mode & 0o077 else []
