# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent's key log: off unless asked for, and for nobody else's eyes."""

from __future__ import annotations

import logging
import os
import stat
from argparse import Namespace
from pathlib import Path

import pytest

from kquic.handshaked import __main__ as program
from kquic.handshaked.secretlog import SecretLog, SecretLogError

LINE = ("CLIENT_TRAFFIC_SECRET_0", bytes(32), bytes(48))


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key log in the environment, and no keyrings of the kernel."""
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    monkeypatch.setattr(program, "_link_keyrings", lambda _names: None)


def loaded(folder: Path, text: str, given: Path | None = None) -> SecretLog | None:
    """The key log that a configuration and the option `--keylog` make."""
    path = folder / "agent.conf"
    path.write_text(text)
    found = program._load(Namespace(config=path, keylog=given)).keylog
    assert found is None or isinstance(found, SecretLog)
    return found


def test_off(alone: None, tmp_path: Path) -> None:
    assert loaded(tmp_path, "[debug]\nloglevel = 0\n") is None
    assert loaded(tmp_path, "[debug]\nkeylog =\n") is None


def test_who_asks_for_it(alone: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    option, configured, environment = (tmp_path / name for name in ("option", "configured", "environment"))
    text = f"[debug]\nkeylog = {configured}\n"
    monkeypatch.setenv("SSLKEYLOGFILE", str(environment))
    for given, config, expected in ((option, text, option), (None, text, configured), (None, "", environment)):
        found = loaded(tmp_path, config, given)
        assert found is not None
        assert found.path == expected


def test_it_is_private_and_announced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = os.umask(0)
    try:
        secrets = SecretLog(tmp_path / "secrets")
    finally:
        os.umask(before)
    assert "the secrets of all connections are written to" in caplog.text
    secrets.write(*LINE)
    assert secrets.path.read_text() == f"{LINE[0]} {'00' * 32} {'00' * 48}\n"
    assert stat.S_IMODE(secrets.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_file_that_others_see_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secrets"
    path.touch()
    path.chmod(mode)
    with pytest.raises(SecretLogError, match="only user"):
        SecretLog(path)


def test_links_and_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "target").touch(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "fifo", 0o600)
    for name in ("link", "fifo", "missing/secrets", "."):
        with pytest.raises(SecretLogError, match="key log"):
            SecretLog(tmp_path / name)
    reading = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(SecretLogError, match="only user"):
            SecretLog(tmp_path / "fifo")
    finally:
        os.close(reading)
    assert (tmp_path / "target").read_bytes() == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.touch(0o600)
    os.chown(path, 1, -1)
    with pytest.raises(SecretLogError, match="only user"):
        SecretLog(path)


def test_connections_do_not_fail_with_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody opens the file to all while the agent runs."""
    secrets = SecretLog(tmp_path / "secrets")
    secrets.path.chmod(0o644)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        secrets.write(*LINE)
        secrets.write(*LINE)
    assert secrets.path.read_bytes() == b""
    assert len(caplog.records) == 1
    assert "not written any more" in caplog.text
