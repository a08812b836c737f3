# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python package as a wheel, installed where nothing of the checkout is: it runs, and a type checker knows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from kquic.lab.gitrepo import GitRepo
from kquic.lab.paths import REPO

PARTS = ("userspace/kquic", "pyproject.toml", "README.md")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
OFFLINE = ("--no-deps", "--no-index")

GOOD = """\
from kquic.sock import Connection, StreamData, Streams, connect
from kquic.tls import ClientSettings, HandshakeResult, X509Credentials, client_handshake

def ask(host: str, question: bytes) -> bytes:
    with connect(host, 4433) as connection:
        result: HandshakeResult = client_handshake(connection, ClientSettings(X509Credentials(), host, ("echo",)))
        print(result.alpn)
        stream = Streams(connection).open()
        stream.send(question, fin=True)
        return stream.read()

def next_data(connection: Connection) -> bytes:
    message = connection.recv()
    return message.data if isinstance(message, StreamData) else b""
"""
BAD = """\
from kquic.sock import connect
from kquic.tls import ClientSettings, X509Credentials, client_handshake

connection = connect("host", "4433")
client_handshake(connection, ClientSettings(X509Credentials(), "host", alpn="echo"))
connection.send_all("text")
connection.no_such_call()
"""


@dataclass(frozen=True)
class Installed:
    """A wheel, and the environment that has it."""

    wheel: Path
    python: Path

    def run(self, *words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
        """A program of the environment; only what the package depends on comes from ours."""
        env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
        return attempt([self.python, *words], folder, env)


def attempt(argv: list[str | Path], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=100)


def successful(argv: list[str | Path], folder: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = attempt(argv, folder, env)
    assert not done.returncode, done.stdout + done.stderr


def sources() -> list[str]:
    """What git knows of the package."""
    names = GitRepo(REPO).git("ls-files", "-z", "-co", "--exclude-standard", *PARTS).split("\0")
    return [name for name in names if name and (REPO / name).is_file()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built from a copy of the sources, in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in sources():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, folder / "source" / name)
    build = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", folder / "out", folder / "source"]
    successful(build, folder)
    (wheel,) = (folder / "out").glob("*.whl")
    successful([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    successful([*PIP, "--python", python, "install", *OFFLINE, wheel], folder)
    return Installed(wheel, python)


def test_everything_is_in_it(installed: Installed) -> None:
    """Modules, and the files that modules read."""
    with zipfile.ZipFile(installed.wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("kquic/")}
        inside -= {name for name in inside if name.endswith("/")}
    assert inside == {name.removeprefix("userspace/") for name in sources() if name.startswith("userspace/kquic/")}


def test_it_runs(installed: Installed, tmp_path: Path) -> None:
    where = installed.run("-c", "import kquic.sock; print(kquic.sock.__file__)", folder=tmp_path)
    assert str(installed.python.parents[1]) in where.stdout, where.stderr
    for name in ("kquic", "kquic-handshaked"):
        done = installed.run(installed.python.parent / name, "--help", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "usage: kquic" in done.stdout


def check_types(installed: Installed, folder: Path, text: str) -> list[str]:
    """What mypy says to a program that uses the package: all of it is typed, or --strict complains."""
    (folder / "program.py").write_text(text)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed.python, "--cache-dir", ".cache"]
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    done = attempt([*mypy, "--no-error-summary", "program.py"], folder, env)
    assert done.returncode < 2, done.stderr
    return done.stdout.splitlines()


def test_types_are_known(installed: Installed, tmp_path: Path) -> None:
    assert check_types(installed, tmp_path, GOOD) == []


def test_wrong_types_are_noticed(installed: Installed, tmp_path: Path) -> None:
    lines = [line.split(":")[1] for line in check_types(installed, tmp_path, BAD) if ": error: " in line]
    assert sorted(set(lines)) == ["4", "5", "6", "7"]
