# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python SMB server, over TCP, seen by an independent client: smbprotocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import smbclient
from smbprotocol.exceptions import SMBException, SMBOSError
from smbprotocol.header import Commands, NtStatus

from kquic.servers.smb import Action, Fault, Security, SmbServer


@pytest.fixture
def security(tmp_path: Path) -> Security:
    return Security(users_file=tmp_path / "users")


class Client:
    """smbclient's functions with a port and an account."""

    def __init__(self, port: int, security: Security, *, encrypt: bool = False, password: str = "") -> None:
        self.cache: dict[str, object] = {}
        self.options = {
            "username": security.user,
            "password": password or security.password,
            "port": port,
            "encrypt": encrypt,
            "connection_cache": self.cache,
            "auth_protocol": "ntlm",
        }

    def path(self, name: str) -> str:
        return rf"\\127.0.0.1\share\{name}"

    def write(self, name: str, data: bytes) -> None:
        with smbclient.open_file(self.path(name), "wb", **self.options) as file:
            file.write(data)

    def read(self, name: str) -> bytes:
        with smbclient.open_file(self.path(name), "rb", **self.options) as file:
            return file.read()

    def close(self) -> None:
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self.cache)


@pytest.fixture
def server(tmp_path: Path, security: Security) -> Iterator[SmbServer]:
    (tmp_path / "share").mkdir()
    with SmbServer({"share": tmp_path / "share"}, security) as made:
        yield made


@pytest.fixture
def client(server: SmbServer, security: Security) -> Iterator[Client]:
    made = Client(server.listen_tcp("127.0.0.1", 0), security)
    yield made
    made.close()


def test_files_go_both_ways(client: Client, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    client.write("up", data)
    assert (tmp_path / "share" / "up").read_bytes() == data
    (tmp_path / "share" / "down").write_bytes(data[::-1])
    assert client.read("down") == data[::-1]


def test_directories(client: Client, tmp_path: Path) -> None:
    smbclient.mkdir(client.path("d"), **client.options)
    for number in range(150):
        (tmp_path / "share" / "d" / f"file with a long name {number}").write_text(str(number))
    names = smbclient.listdir(client.path("d"), **client.options)
    assert sorted(names) == sorted(f"file with a long name {number}" for number in range(150))
    with pytest.raises(SMBOSError):
        smbclient.rmdir(client.path("d"), **client.options)
    smbclient.rename(client.path("d"), client.path("e"), **client.options)
    assert (tmp_path / "share" / "e").is_dir()


def test_stat_times_and_removal(client: Client, tmp_path: Path) -> None:
    client.write("x", b"12345")
    smbclient.utime(client.path("x"), times=(1_000_000_000, 1_100_000_000), **client.options)
    found = smbclient.stat(client.path("x"), **client.options)
    assert (found.st_size, found.st_mtime, found.st_atime) == (5, 1_100_000_000, 1_000_000_000)
    smbclient.truncate(client.path("x"), 2, **client.options)
    assert client.read("x") == b"12"
    smbclient.unlink(client.path("x"), **client.options)
    assert not (tmp_path / "share" / "x").exists()


def test_nothing_outside_of_the_share(client: Client, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("no")
    with pytest.raises((SMBOSError, SMBException)):
        client.read(r"..\secret")


def test_encryption(server: SmbServer, security: Security) -> None:
    client = Client(server.listen_tcp("127.0.0.1", 0), security, encrypt=True)
    client.write("sealed", b"x" * 100_000)
    assert client.read("sealed") == b"x" * 100_000
    client.close()


def test_wrong_password(server: SmbServer, security: Security) -> None:
    client = Client(server.listen_tcp("127.0.0.1", 0), security, password="wrong")
    with pytest.raises(SMBOSError) as refused:
        client.read("x")
    assert refused.value.ntstatus == NtStatus.STATUS_LOGON_FAILURE


def test_a_fault_is_applied_once_and_in_its_turn(server: SmbServer, client: Client) -> None:
    full = Fault(Commands.SMB2_WRITE, Action.STATUS, after=1, status=NtStatus.STATUS_DISK_FULL)
    server.script.add(full)
    client.write("a", b"1")
    with pytest.raises(SMBException):
        client.write("b", b"2")
    client.write("c", b"3")
    assert server.script.done == [full]


# smbprotocol's handle cannot be closed any more, and says so when it is collected.
@pytest.mark.filterwarnings("ignore:unclosed SMB handle:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_dropped_in_the_middle_of_a_write(server: SmbServer, client: Client, tmp_path: Path) -> None:
    server.script.add(Fault(Commands.SMB2_WRITE, Action.DROP_AFTER))
    with pytest.raises((SMBException, OSError)):
        client.write("gone", b"but written")
    assert (tmp_path / "share" / "gone").read_bytes() == b"but written"
    assert server.seen[-1] == "write"
