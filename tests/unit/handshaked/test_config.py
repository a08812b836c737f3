# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration file: tlshd's format, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kquic.handshaked import config, materials
from kquic.handshaked.config import ConfigError, Tickets
from kquic.sock import Cipher
from kquic.tls import Trust
from kquic.tls.testca import TestCA

PATH = Path("agent.conf")

TLSHD_EXAMPLE = r"""
# The comment block of a packaged file
[debug]
loglevel=1
tls=0
nl=0

[authenticate]
keyrings= .nfs;mykeys;1234;

[authenticate.client]
x509.truststore= /etc/ca.pem
x509.certificate=/etc/with\sspace.pem
x509.private_key=/etc/client.key

[authenticate.server]
x509.crl=/etc/crl.pem
"""


def test_tlshd_file() -> None:
    found = config.parse(TLSHD_EXAMPLE, PATH)
    assert found.loglevel == 1
    assert found.keyrings == (".nfs", "mykeys", "1234")
    assert found.client.truststore == "/etc/ca.pem"
    assert found.client.certificate == "/etc/with space.pem"
    assert found.client.private_key == "/etc/client.key"
    assert found.client.lines["certificate"] == 13
    assert found.server.crl == "/etc/crl.pem"
    assert found.server.truststore is None
    assert found.warnings == ()


@pytest.mark.parametrize("rule", list(Tickets))
def test_session_tickets(rule: Tickets) -> None:
    text = f"[authenticate.server]\nsession_tickets = {rule.value}\n"
    assert config.parse(text, PATH).tickets is rule
    assert config.parse("", PATH).tickets is Tickets.AUTO


def test_ciphers() -> None:
    found = config.parse("[authenticate]\nciphers = aes-256-gcm; CHACHA20-POLY1305;\n", PATH)
    assert found.ciphers == (Cipher.AES_GCM_256, Cipher.CHACHA20_POLY1305)
    assert config.parse("[authenticate]\nciphers =\n", PATH).ciphers == ()


def test_unknown_cipher() -> None:
    with pytest.raises(ConfigError, match=r"agent.conf:2: ciphers: 'DES' is none of AES-128-GCM, .*AES-128-CCM"):
        config.parse("[authenticate]\nciphers = AES-128-GCM;DES\n", PATH)


def test_empty_value_is_unset() -> None:
    found = config.parse("[authenticate.client]\nx509.truststore=\n", PATH)
    assert found.client.truststore is None


def test_unknown_entry_is_told_with_its_line() -> None:
    found = config.parse("[authenticate.client]\n\nx509.trustore=/etc/ca.pem\n", PATH)
    assert found.warnings == ("agent.conf:3: [authenticate.client] x509.trustore is not known and has no effect",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[debug]\nloglevel=much\n", 2, "loglevel is a number"),
        ("[authenticate.server]\nsession_tickets=yes\n", 2, "session_tickets is auto, always or never"),
        ("[debug]\n\nloglevel\n", 3, "expected KEY=VALUE"),
        ("[debug]\n=1\n", 2, "expected KEY=VALUE"),
        ("loglevel=1\n", 1, "before any"),
        ("[debug\nloglevel=1\n", 1, "not a group"),
        ("[]\n", 1, "not a group"),
    ],
)
def test_error_names_file_and_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"^agent\.conf:{line}: .*{words}") as error:
        config.parse(text, PATH)
    assert error.value.line == line


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.conf: No such file"):
        config.load(tmp_path / "nothing.conf")


def test_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.conf"
    path.write_bytes(b"[debug]\nloglevel=\xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load(path)


class TestMaterials:
    """What the file names, loaded."""

    def _load(self, tmp_path: Path, text: str) -> materials.Materials:
        path = tmp_path / "agent.conf"
        path.write_text(text)
        return materials.load(config.load(path))

    def test_nothing_named(self, tmp_path: Path) -> None:
        loaded = self._load(tmp_path, "")
        assert loaded.client.trust is Trust.SYSTEM
        assert loaded.client.complete is None
        assert loaded.server.own is None

    def test_all_named(self, tmp_path: Path) -> None:
        ca = TestCA.create()
        trusted = ca.write(tmp_path)
        files = ca.server("server.test").write(tmp_path, "server")
        crl = tmp_path / "crl.pem"
        crl.write_bytes(ca.crl(ca.client("bad")))
        loaded = self._load(
            tmp_path,
            f"[authenticate.server]\nx509.truststore={trusted}\nx509.crl={crl}\n"
            f"x509.certificate={files.cert}\nx509.private_key={files.key}\n",
        )
        assert loaded.server.complete is not None
        assert loaded.server.complete.has_own
        assert not loaded.server.anonymous.has_own
        assert loaded.warnings == ()

    def test_key_that_others_can_read(self, tmp_path: Path) -> None:
        files = TestCA.create().client("c").write(tmp_path, "client")
        files.key.chmod(0o644)
        text = f"[authenticate.client]\nx509.certificate={files.cert}\nx509.private_key={files.key}\n"
        assert "mode 0644" in self._load(tmp_path, text).warnings[0]

    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            ("\n[authenticate.client]\nx509.truststore=/no/such/file\n", 3, "No such file"),
            ("[authenticate.server]\nx509.certificate=/x\n", 2, "belong together"),
            ("[authenticate.client]\nx509.truststore={junk}\n", 2, "trust store"),
            ("[authenticate.client]\nx509.crl={junk}\n", 2, "revocation list"),
            (
                "[authenticate.server]\nx509.private_key={junk}\nx509.certificate={junk}\n",
                3,
                "certificate",
            ),
        ],
    )
    def test_error_names_the_line(self, tmp_path: Path, text: str, line: int, words: str) -> None:
        junk = tmp_path / "junk"
        junk.write_text("this is no certificate")
        with pytest.raises(ConfigError, match=words) as error:
            self._load(tmp_path, text.format(junk=junk))
        assert error.value.line == line
        assert f"agent.conf:{line}: " in str(error.value)


def test_list_of_clients(tmp_path: Path) -> None:
    """For a server only; what is wrong in it is named."""
    clients = tmp_path / "clients"
    clients.write_text("allow issuer CN=test\n")
    found = config.parse(f"[authenticate.server]\nx509.clients = {clients}\n", PATH)
    assert materials.load(found).server.access is not None
    assert materials.load(config.parse("", PATH)).server.access is None
    clients.write_text("allow everybody\n")
    with pytest.raises(ConfigError, match=r"agent\.conf:2: .*clients: line 1: "):
        materials.load(found)
    clients.unlink()
    with pytest.raises(ConfigError, match=r"agent\.conf:2: .*No such file"):
        materials.load(found)
    (warning,) = config.parse(f"[authenticate.client]\nx509.clients = {clients}\n", PATH).warnings
    assert "x509.clients is not known" in warning


def test_keyrings_of_pre_shared_keys() -> None:
    found = config.parse("[authenticate.client]\npsk.keyring = a\n[authenticate.server]\npsk.keyring = b\n", PATH)
    assert (found.client.psk_keyring, found.server.psk_keyring) == ("a", "b")
    assert found.warnings == ()
