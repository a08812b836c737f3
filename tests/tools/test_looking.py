# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic stats`, `probe` and `doctor` on a kernel that has QUIC."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kquic.diag.top import HEADINGS
from kquic.sock import Listener, listen
from kquic.tls import KeyPair, ServerSettings, TlsError, X509Credentials, server_handshake
from quic_pair import CA, LOCALHOST, established
from terminal import Terminal, drawn

STORE = Path("/etc/ssl/certs/ca-certificates.crt")


def kquic(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "kquic.cli", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)


@pytest.fixture
def server() -> Iterator[Listener]:
    """A server that speaks SMB's protocol as far as the handshake."""
    own = CA.server("server.test", LOCALHOST)
    settings = ServerSettings(X509Credentials(own=KeyPair(own.cert_pem, own.key_pem)), ("smb",))
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            with suppress(OSError, TlsError), listener.accept() as connection:
                server_handshake(connection, settings)
                connection.recv()

    with listen(LOCALHOST, alpn=("smb",)) as listener:
        listener.set_timeout(1.0)
        thread = threading.Thread(target=run)
        thread.start()
        yield listener
        ended.set()
        thread.join(30)


@pytest.fixture
def trusted() -> Iterator[None]:
    """The system believes the server's authority."""
    before = STORE.read_bytes()
    STORE.write_bytes(before + b"\n" + CA.cert_pem)
    yield
    STORE.write_bytes(before)


def test_stats(tmp_path: Path) -> None:
    with established():
        out = tmp_path / "quic.prom"
        assert kquic("stats", "--connections", "-o", str(out)).returncode == 0
        text = out.read_text()
    # The protocol is known at a socket that has a list: the accepted one has its listener's.
    assert 'quic_connections{alpn=""} 1\nquic_connections{alpn="data"} 1\n' in text
    assert "quic_conn_current_estabs 2\n" in text
    assert text.count("\nquic_connection_smoothed_rtt_seconds{local=") == 2
    assert "\nquic_connection_smoothed_rtt_seconds{" not in kquic("stats").stdout


def test_probe(server: Listener, trusted: None) -> None:
    done = kquic("probe", f"{LOCALHOST}:{server.port}", "--alpn", "smb,h3")
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if not line.startswith(" "))
    assert "1" in lines["versions"].split(", ")
    assert (lines["smb"].split(",")[0], lines["h3"]) == ("accepted", "not spoken here")
    assert "server.test" in lines["certificate"]
    assert done.stdout.splitlines()[-1].strip() == "trusted"


def test_probe_of_a_stranger(server: Listener) -> None:
    """The certificate is shown although nobody vouches for it."""
    report = json.loads(kquic("probe", f"{LOCALHOST}:{server.port}", "--alpn", "smb", "--json").stdout)
    assert (report["certificate"]["trusted"], report["answers"][0]["accepted"]) == (False, True)
    assert "its issuer is not trusted" in report["certificate"]["why_not"]


def test_probe_of_nobody() -> None:
    done = kquic("probe", f"{LOCALHOST}:9", "--alpn", "smb", "--timeout", "1")
    assert (done.returncode, "no answer" in done.stdout) == (1, True)


def test_doctor(server: Listener, trusted: None) -> None:
    """The guest has the kernel, and no agent."""
    place = f"{LOCALHOST}:{server.port}"
    done = kquic("doctor", place)
    verdicts = {line[6:].split(":")[0]: line.split()[0] for line in done.stdout.splitlines()}
    assert done.returncode == 1
    assert (verdicts["kernel"], verdicts["SMB client"], verdicts["agent"]) == ("ok", "ok", "BAD")
    assert f"ok    server {place}: smb" in done.stdout


def test_top_as_text() -> None:
    with established() as pair:
        done = kquic("top", "-b", "2", "-d", "0.25")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(f"{LOCALHOST}:{pair.client.port}") == 4
        assert done.stdout.count("Sent/s") == 2


def test_top_needs_a_terminal() -> None:
    done = kquic("top")
    assert (done.returncode, "needs a terminal" in done.stderr) == (2, True)


def test_top_on_a_terminal(tmp_path: Path) -> None:
    """As over ssh: a pseudo terminal, keys in, escape sequences out; and a picture of it in the end."""
    picture = tmp_path / "top.svg"
    argv = [sys.executable, "-m", "kquic.cli", "top", "-d", "0.25", "--svg", str(picture)]
    with established() as pair, Terminal(argv, columns=140) as terminal:
        client = f"{LOCALHOST}:{pair.client.port}"
        terminal.wait_for(client)
        terminal.press("p")
        terminal.wait_for("PAUSED")
        terminal.press("\n")
        terminal.wait_for("ssthresh")
        terminal.press("q")
        assert terminal.end() == 0
    lines = drawn(picture.read_text())
    assert lines[0].endswith("PAUSED")
    assert lines[1].split() == " ".join(HEADINGS).split()
    assert any(client in line for line in lines[2:4])
    assert any("ssthresh" in line for line in lines[4:-1])
