# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that misbehaves: our client comes through, with the right error where there has to be one."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable

import pytest
from smbprotocol.create_contexts import LeaseState
from smbprotocol.header import Commands, NtStatus

from kquic.servers.smb import Action, Fault
from scripted_smb import FAST, PORTS, Scripted, put, put_again

MIB = 1 << 20
RWH = LeaseState.SMB2_LEASE_READ_CACHING | LeaseState.SMB2_LEASE_WRITE_CACHING | LeaseState.SMB2_LEASE_HANDLE_CACHING


@pytest.fixture(params=["quic", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def wait_for(reached: Callable[[], bool], timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_files_go_both_ways(scripted: Scripted, transport: str) -> None:
    server = scripted.start()
    data = os.urandom(5 * MIB)
    with scripted.mounted(transport) as point:
        assert server.connections == [transport]
        put(point / "up", data)
        assert scripted.path("up").read_bytes() == data
        scripted.path("down").write_bytes(data[::-1])
        assert (point / "down").read_bytes() == data[::-1]
        (point / "d").mkdir()
        for number in range(20):
            (point / "d" / f"{number}").write_text(str(number))
        assert sorted(path.name for path in (point / "d").iterdir()) == sorted(map(str, range(20)))
        (point / "d" / "3").rename(point / "renamed")
        assert scripted.path("renamed").read_text() == "3"
        (point / "renamed").unlink()
        assert os.statvfs(point).f_bsize
    wait_for(lambda: not server.connections)


@pytest.mark.parametrize("security", [{"sign": True}, {"encrypt": True, "transport_security": False}])
def test_signing_and_encryption(scripted: Scripted, transport: str, security: dict[str, bool]) -> None:
    scripted.start(**security)
    data = os.urandom(MIB)
    with scripted.mounted(transport) as point:
        put(point / "secured", data)
        assert scripted.path("secured").read_bytes() == data


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Commands.SMB2_WRITE, Action.DROP, after=2),
        Fault(Commands.SMB2_WRITE, Action.DROP_AFTER, after=2),
        Fault(Commands.SMB2_WRITE, Action.RESET, after=2),
        Fault(Commands.SMB2_WRITE, Action.DELAY, after=2, seconds=1.0),
        Fault(Commands.SMB2_WRITE, Action.SILENCE, after=2),
        Fault(Commands.SMB2_WRITE, Action.HUGE_FRAME, after=2),
        Fault(Commands.SMB2_WRITE, Action.LONG_FRAME, after=2),
        Fault(Commands.SMB2_WRITE, Action.GARBAGE, after=2),
    ],
    ids=lambda fault: fault.action.name.lower(),
)
def test_a_write_survives(scripted: Scripted, transport: str, fault: Fault) -> None:
    """What fsync() has confirmed is there, whatever the server did to one of the answers."""
    server = scripted.start()
    data = os.urandom(2 * MIB)
    with scripted.mounted(transport, *FAST, "wsize=262144") as point:
        server.script.add(Fault(fault.command, fault.action, fault.after, seconds=fault.seconds))
        put(point / "kept", data)
        assert [done.action for done in server.script.done] == [fault.action]
        assert scripted.path("kept").read_bytes() == data


@pytest.mark.parametrize(("waits", "code"), [("soft", errno.EAGAIN), ("hard", errno.EBADF)])
@pytest.mark.parametrize("action", [Action.DROP, Action.RESET])
def test_a_flush_without_an_answer_is_no_success(
    scripted: Scripted, transport: str, action: Action, waits: str, code: int
) -> None:
    """A server that has restarted may have lost what it had taken, so the program is told.

    On a hard mount cifs repeats the request, with a handle that went with the connection.
    """
    server = scripted.start()
    with scripted.mounted(transport, waits, *FAST[1:]) as point, (point / "flushed").open("wb") as file:
        file.write(b"data")
        file.flush()
        server.script.add(Fault(Commands.SMB2_FLUSH, action))
        with pytest.raises(OSError, match="Errno") as told:
            os.fsync(file.fileno())
        assert told.value.errno == code
        put_again(point / "flushed", b"again")
        assert scripted.path("flushed").read_bytes() == b"again"


@pytest.mark.parametrize(
    "action", [Action.DROP, Action.RESET, Action.SHORT_DATA, Action.LONG_DATA, Action.HUGE_FRAME, Action.GARBAGE]
)
def test_a_read_gets_the_truth_or_an_error(scripted: Scripted, transport: str, action: Action) -> None:
    server = scripted.start()
    data = os.urandom(MIB)
    scripted.path("truth").write_bytes(data)
    with scripted.mounted(transport, *FAST, "rsize=262144") as point:
        server.script.add(Fault(Commands.SMB2_READ, action, after=1))
        try:
            seen: bytes | None = (point / "truth").read_bytes()
        except OSError as error:
            # ENOMEM was seen once, over TCP, after GARBAGE: an error, so the program is not deceived.
            assert error.errno in (errno.EIO, errno.EHOSTDOWN, errno.ENOMEM)
        else:
            assert seen in (data, None), "None is Python's way to say EAGAIN"
        assert [done.action for done in server.script.done] == [action]
        assert (point / "truth").read_bytes() == data


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (NtStatus.STATUS_DISK_FULL, errno.ENOSPC),
        (NtStatus.STATUS_ACCESS_DENIED, errno.EACCES),
    ],
)
def test_errors_of_the_server_arrive(scripted: Scripted, transport: str, status: int, code: int) -> None:
    server = scripted.start()
    with scripted.mounted(transport, *FAST) as point:
        server.script.add(Fault(Commands.SMB2_WRITE, Action.STATUS, status=status, times=-1))
        with pytest.raises(OSError, match="Errno") as failed:
            put(point / "full", b"x")
        assert failed.value.errno == code


def test_a_lease_is_broken(scripted: Scripted, transport: str) -> None:
    """What the client had kept to itself goes to the server, before anybody closes the file."""
    server = scripted.start(leases=RWH)
    with scripted.mounted(transport) as point, (point / "leased").open("wb") as file:
        file.write(b"kept by the client")
        file.flush()
        assert scripted.path("leased").read_bytes() == b""
        server.break_leases()
        wait_for(lambda: scripted.path("leased").read_bytes() == b"kept by the client")
        wait_for(lambda: "oplock_break" in server.seen)


def test_refused_for_a_while(scripted: Scripted, transport: str) -> None:
    server = scripted.start()
    with scripted.mounted(transport, *FAST) as point:
        put(point / "before", b"1")
        server.refuse()
        server.drop_all()
        failed: list[OSError] = []

        def write() -> None:
            try:
                put(point / "meanwhile", b"2")
            except OSError as error:
                failed.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        wait_for(lambda: not server.connections)
        server.refuse(refuse=False)
        writer.join(60)
        assert not writer.is_alive()
        assert {error.errno for error in failed} <= {errno.EHOSTDOWN, errno.EAGAIN, errno.EIO, errno.ECONNABORTED}
        put(point / "after", b"3")
        assert scripted.path("after").read_bytes() == b"3"


def test_wrong_password(scripted: Scripted, transport: str) -> None:
    scripted.start()
    options = (f"transport={transport}", f"port={PORTS[transport]}", "vers=3.1.1")
    assert scripted.mounts.error(*options, password="wrong") == errno.EACCES
