# SPDX-License-Identifier: GPL-2.0-or-later
"""The pictures of docs/seeing.md: what the tools show while a share is written to over a link that loses packets.

    ./kquic lab run -- env KQUIC_PICTURES=docs python3 -m pytest -q tests/tools/test_pictures.py

replaces those of the manual. tests/unit/docs sees to it that they show what the tools look like today.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kquic.diag import picture, table, top
from kquic.lab.program import Program
from kquic.lab.topology import Impairment, Network
from kquic.servers.samba import Samba, TlsFiles
from terminal import Terminal, drawn

NAME = "server.test"
CONFIG = Path("/etc/kquic/handshaked.conf")
STORE = Path("/etc/ssl/certs/ca-certificates.crt")
ECHO = Path(__file__).parents[1] / "peers/kquic_echo.py"
KQUIC = (sys.executable, "-m", "kquic.cli")
COPY = "while cp /usr/bin/openssl {0}/file && sync {0}/file; do :; done"


@contextmanager
def settings(authority: Path) -> Iterator[None]:
    """The agent's configuration and the system's trust, as on a machine that is set up."""
    before = STORE.read_bytes()
    STORE.write_bytes(before + b"\n" + authority.read_bytes())
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(f"[authenticate.client]\nx509.truststore = {STORE}\n")
    yield
    STORE.write_bytes(before)
    CONFIG.unlink()


@contextmanager
def share(net: Network, folder: Path, server: Samba) -> Iterator[Path]:
    """A mount over QUIC, to which a program writes all the time."""
    folder.mkdir()
    options = f"quic,username={server.user},password={server.password}"
    net.cli.run("mount", "-t", "cifs", f"//{NAME}/share", folder, "-o", options)
    try:
        with Program(net.cli, ["sh", "-c", COPY.format(folder)]):
            yield folder
    finally:
        net.cli.run("umount", folder)


@pytest.fixture(scope="module")
def busy(network: Network, certs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The network, with a mount and another program's connection at work."""
    folder = tmp_path_factory.mktemp("busy")
    place = ["--address", Network.SERVER_V4, "--port", "4433"]
    echo = [sys.executable, ECHO, "server", *place, "--cert", certs.server.cert, "--key", certs.server.key]
    client = [sys.executable, ECHO, "client", *place, "--ca", certs.ca, "--name", NAME, "--bytes", str(64 << 20)]
    tls = TlsFiles(certs.server.cert, certs.server.key, certs.ca)
    with ExitStack() as stack:
        stack.enter_context(settings(certs.ca))
        samba = stack.enter_context(Samba(network.srv, folder, tls))
        stack.enter_context(Program(network.cli, [sys.executable, "-m", "kquic.handshaked"], ready="ready"))
        stack.enter_context(Program(network.srv, echo, ready="ready"))
        stack.callback(network.link.impair, None)
        network.link.impair(Impairment(delay_ms=5, loss_percent=0.5))
        stack.enter_context(Program(network.cli, client, ready="handshake"))
        stack.enter_context(share(network, folder / "mount", samba))
        yield network


@pytest.fixture
def keep(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where a picture is to be put: into the folder that is asked for, if one is."""
    path = tmp_path / f"{request.node.name.removeprefix('test_')}.svg"
    yield path
    if wanted := os.environ.get("KQUIC_PICTURES"):
        shutil.copy(path, wanted)


def shown(net: Network, *words: str, keep: Path, status: int = 0) -> list[str]:
    """What a command prints on the client's host; it is drawn, too."""
    argv = net.cli.argv([*KQUIC, *words])
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == status, done.stdout + done.stderr
    line = " ".join(("$ kquic", *words))
    keep.write_text(picture.svg(picture.of_text(f"{line}\n{done.stdout}"), line[2:]))
    assert drawn(keep.read_text()) == [line, *(text.rstrip() for text in done.stdout.splitlines() if text)]
    return done.stdout.splitlines()


def test_top(busy: Network, keep: Path) -> None:
    argv = busy.cli.argv([*KQUIC, "top", "-d", "0.5", "--svg", str(keep)])
    with Terminal(argv, columns=124, lines=16) as terminal:
        terminal.wait_for("smb")
        terminal.press("w\n")
        terminal.wait_for("ssthresh")
        terminal.press("s")
        terminal.wait_for("by streams")
        terminal.press("q")
        assert terminal.end() == 0
    first, heading, *rows, keys = drawn(keep.read_text())
    assert first.startswith("2 connections, ")
    assert heading.split() == " ".join(top.HEADINGS).split()
    assert sum("smb" in row.split() for row in rows) == 1
    assert any(row.startswith("streams ") for row in rows)
    assert keys == top.HELP


def test_ss(busy: Network, keep: Path) -> None:
    heading, *rows = shown(busy, "ss", keep=keep)
    assert heading.split() == " ".join(table.HEADINGS).split()
    assert len(rows) == 2


def test_probe(busy: Network, keep: Path) -> None:
    lines = shown(busy, "probe", NAME, keep=keep)
    assert any(line.split()[:2] == ["smb", "accepted,"] for line in lines)


def test_doctor(busy: Network, keep: Path) -> None:
    lines = shown(busy, "doctor", NAME, keep=keep)
    assert {line.split()[0] for line in lines} <= {"ok", "note"}
