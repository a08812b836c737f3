# SPDX-License-Identifier: GPL-2.0-or-later
"""A C program linked with libquic, as a server or a client on the loopback device."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Host
from kquic.tls.testca import TestCA

PROGRAMS = Path(os.environ.get("KQUIC_PROGRAMS", "/nonexistent"))
PEER = PROGRAMS / "peer"
STORE = Path("/etc/ssl/certs/ca-certificates.crt")
NAME = "server.test"
LIMIT = 30.0
PSKS = {"psk": {"joe": "6b", "jane": "6c"}, "other": {"joe": "00"}, "unknown": {"jim": "6b"}}


class Here(Host):
    """The network namespace that the test is in."""

    def __init__(self) -> None:
        self.name = "here"

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """As it is."""
        return [str(word) for word in command]


@dataclass(frozen=True, slots=True)
class Files:
    """Certificates and keys."""

    ca: str
    cert: str
    key: str
    client: str
    stranger: str
    stranger_key: str
    psk: str
    other_psk: str
    stranger_psk: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program left."""

    status: int
    output: str

    def value(self, word: str) -> str:
        """The rest of the line that begins with this word."""
        found = [line.partition(" ")[2] for line in self.output.splitlines() if line.split(" ")[0] == word]
        assert found, f"no {word} in\n{self.output}"
        return found[-1]


@pytest.fixture(scope="session")
def authority() -> TestCA:
    """Who issues certificates."""
    return TestCA.create()


@pytest.fixture(scope="session")
def files(authority: TestCA, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A certificate for the server, one for a client, and pre-shared keys."""
    folder = tmp_path_factory.mktemp("keys")
    server, client = authority.server(NAME, "127.0.0.1"), authority.client("client.test")
    written = server.write(folder, "server")
    both = folder / "client.both"
    both.write_bytes(client.key_pem + client.cert_pem)
    stranger = TestCA.create().server(NAME).write(folder, "stranger")
    for name, lines in PSKS.items():
        (folder / name).write_text("".join(f"{who}:{key * 32}\n" for who, key in lines.items()))
    return Files(
        ca=str(authority.write(folder)),
        cert=str(written.cert),
        key=str(written.key),
        client=str(both),
        stranger=str(stranger.cert),
        stranger_key=str(stranger.key),
        psk=str(folder / "psk"),
        other_psk=str(folder / "other"),
        stranger_psk=str(folder / "unknown"),
    )


@pytest.fixture(scope="package", autouse=True)
def trusted(authority: TestCA) -> Iterator[None]:
    """The system believes the authority, as after update-ca-certificates(8)."""
    before = STORE.read_bytes() if STORE.exists() else None
    STORE.parent.mkdir(parents=True, exist_ok=True)
    STORE.write_bytes((before or b"") + b"\n" + authority.cert_pem)
    yield
    if before is None:
        STORE.unlink()
    else:
        STORE.write_bytes(before)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    program: Program
    port: int

    def end(self) -> Ended:
        """Wait until it has had all of its clients."""
        try:
            return Ended(0, self.program.finish())
        except Exception:
            return Ended(1, self.program.output)


@contextmanager
def serve(*options: str) -> Iterator[Server]:
    """A server; it serves as many clients as option -N says, 1 without."""
    with Program(Here(), [PEER, "-l", *options], ready="port ") as program:
        program.wait_for("\n")
        lines = [line for line in program.output.splitlines() if line.startswith("port ")]
        yield Server(program, int(lines[0].split()[1]))


def ask(port: int, *options: str) -> Ended:
    """Run a client to its end."""
    argv = [PEER, "-p", str(port), *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return Ended(done.returncode, done.stdout + done.stderr)
