# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic doctor` finds, and what it advises."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from kquic.diag import doctor
from kquic.diag.doctor import Verdict
from kquic.tls.testca import TestCA

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def test_agents(tmp_path: Path) -> None:
    for number, line in (("7", "python3\0/usr/bin/kquic-handshaked\0"), ("9", "bash\0-c\0x\0"), ("self", "tlshd")):
        (tmp_path / number).mkdir()
        (tmp_path / number / "cmdline").write_text(line)
    found = doctor.agents(tmp_path)
    assert found == ["kquic-handshaked (process 7)"]
    assert doctor.agent(found).verdict is Verdict.OK
    assert doctor.agent([]).verdict is Verdict.BAD
    assert doctor.agent([*found, "tlshd (process 8)"]).verdict is Verdict.NOTE


@pytest.mark.parametrize(
    ("after", "verdict", "words"),
    [
        (-100 * DAY, Verdict.BAD, "not valid yet"),
        (0 * DAY, Verdict.OK, "until"),
        (20 * DAY, Verdict.NOTE, "expires on"),
        (100 * DAY, Verdict.BAD, "expired on"),
    ],
)
def test_certificate(tmp_path: Path, after: dt.timedelta, verdict: Verdict, words: str) -> None:
    keys = TestCA.create().server("server.test").write(tmp_path, "server")
    found = doctor.certificate("server certificate", keys.cert, NOW + after)
    assert (found.verdict, words in found.words) == (verdict, True)


def test_configuration(tmp_path: Path) -> None:
    keys = TestCA.create().server("server.test").write(tmp_path, "server")
    path = tmp_path / "conf"
    text = f"[authenticate.server]\nx509.certificate={keys.cert}\nx509.private_key={keys.key}\n"
    path.write_text(text)
    assert [found.verdict for found in doctor.settings(path)] == [Verdict.OK, Verdict.OK]
    path.write_text(text + "x509.truststore=/nonexistent\n")
    (bad,) = doctor.settings(path)
    assert (bad.verdict, f"{path}:4" in bad.words) == (Verdict.BAD, True)


def test_trust(tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert doctor.trust(store).verdict is Verdict.NOTE
    store.write_bytes(TestCA.create().cert_pem)
    assert doctor.trust(store).verdict is Verdict.OK


def test_every_bad_line_says_what_to_do() -> None:
    found = doctor.reach("no-such-host.invalid")
    assert found.verdict is Verdict.BAD
    assert str(found).startswith("BAD   server no-such-host.invalid: ")
    assert " -> look at the name and at DNS" in str(found)
