# SPDX-License-Identifier: GPL-2.0-or-later
"""Pre-shared keys in place of certificates: the agents find them in keyrings, and mounts need no option."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import SERVER_NAME
from .test_security import OPTIONS

IDENTITY = f"laptop@{SERVER_NAME}"


def keyctl(*words: str, payload: bytes = b"") -> str:
    done = subprocess.run(["keyctl", *words], input=payload, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def rings() -> Iterator[dict[str, str]]:
    """Keyrings of the client and of the server, empty."""
    made = {side: keyctl("newring", f"psk-{side}", "@u") for side in ("client", "server")}
    yield made
    for serial in made.values():
        keyctl("unlink", serial, "@u")


@pytest.fixture
def with_keys(rings: dict[str, str], agent, server_agent, certs) -> None:
    """Both agents use them; that the client does not believe the server's certificate shows that it is not asked."""
    agent.start(f"[authenticate.client]\nx509.truststore = {certs.other_ca}\npsk.keyring = {rings['client']}\n")
    server_agent.start(
        f"[authenticate.server]\nx509.certificate = {certs.server.cert}\nx509.private_key = {certs.server.key}\n"
        f"x509.truststore = {certs.ca}\npsk.keyring = {rings['server']}\n"
    )


def add(ring: str, secret: bytes) -> None:
    keyctl("padd", "user", IDENTITY, ring, payload=secret)


def test_mount_and_export_for_clients_that_prove_who_they_are(
    mounts, nfsd, rings: dict[str, str], with_keys: None, server_agent
) -> None:
    secret = secrets.token_bytes(32)
    for ring in rings.values():
        add(ring, secret)
    nfsd.export(f"{OPTIONS},xprtsec=mtls")
    try:
        with mounts.mounted() as point:
            (point / "file").write_text("by a shared secret")
            assert (nfsd.path("export") / "file").read_text() == "by a shared secret"
    finally:
        nfsd.export(OPTIONS)
    assert f"peer has the key of {IDENTITY}" in server_agent.output


def test_who_shares_no_key_is_refused(mounts, rings: dict[str, str], with_keys: None, server_agent) -> None:
    """Without a key for the server, its certificate is looked at. An unknown key is refused, and a wrong one."""
    assert "Key was rejected" in mounts.failure()
    add(rings["client"], secrets.token_bytes(32))
    assert "Protocol error" in mounts.failure()
    assert f"no pre-shared key for identity {IDENTITY!r}" in server_agent.output
    add(rings["server"], secrets.token_bytes(32))
    assert "Protocol error" in mounts.failure()
    assert f"the pre-shared key of {IDENTITY!r} is not the client's" in server_agent.output
