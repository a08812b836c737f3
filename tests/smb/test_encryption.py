# SPDX-License-Identifier: GPL-2.0-or-later
"""SMB encrypts on top of QUIC unless both ends have agreed that it need not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kquic.servers.ksmbd import Ksmbd
from kquic.servers.samba import Samba
from scripted_smb import FAST, Scripted, put, put_again

WAIVED, KEPT = "SMB encryption: waived", "SMB encryption: as negotiated"


def test_waived_by_both(scripted: Scripted, debug_data: Callable[[], str]) -> None:
    server = scripted.start(encrypt=True)
    with scripted.mounted("quic") as point:
        put(point / "plain", b"protected by QUIC")
        assert WAIVED in debug_data()
        assert server.encrypted == 0
    assert scripted.path("plain").read_bytes() == b"protected by QUIC"


@pytest.mark.parametrize(("transport", "options"), [("quic", ("seal",)), ("tcp", ()), ("tcp", ("seal",))])
def test_kept(scripted: Scripted, debug_data, transport: str, options: tuple[str, ...]) -> None:
    """The server would refuse what is not encrypted."""
    server = scripted.start(encrypt=True)
    with scripted.mounted(transport, *options) as point:
        put(point / "sealed", b"protected twice")
        assert WAIVED not in debug_data()
        assert server.encrypted > 0


def test_kept_if_the_server_does_not_agree(scripted: Scripted, debug_data) -> None:
    server = scripted.start(encrypt=True, transport_security=False)
    with scripted.mounted("quic") as point:
        put(point / "sealed", b"x")
        assert KEPT in debug_data()
        assert server.encrypted > 0


def test_agreed_anew_on_each_connection(scripted: Scripted, debug_data) -> None:
    """A server that changes its mind gets what it wants after a reconnect."""
    scripted.start(encrypt=True)
    with scripted.mounted("quic", *FAST) as point:
        put(point / "first", b"1")
        assert WAIVED in debug_data()
        scripted.restart(encrypt=True, transport_security=False)
        put_again(point / "second", b"2")
        assert KEPT in debug_data()
        assert scripted.server.encrypted > 0
        scripted.restart(encrypt=True)
        put_again(point / "third", b"3")
        assert WAIVED in debug_data()
        before = scripted.server.encrypted
        put(point / "fourth", b"4")
        assert scripted.server.encrypted == before


def test_mounts_with_and_without_seal_share_nothing(scripted: Scripted, debug_data) -> None:
    server = scripted.start()
    with scripted.mounted("quic") as one, scripted.mounted("quic", "seal") as two:
        assert server.connections == ["quic", "quic"]
        put(one / "a", b"1")
        put(two / "b", b"2")
        assert WAIVED in debug_data()
        assert KEPT in debug_data()


def test_ksmbd_agrees(ksmbd_mounts, ksmbd: Ksmbd, debug_data) -> None:
    ksmbd.stop()
    before, ksmbd.options = ksmbd.options, (*ksmbd.options, "smb3 encryption = mandatory")
    ksmbd.write()
    ksmbd.start()
    try:
        with ksmbd_mounts.mounted() as point:
            assert WAIVED in debug_data()
            put(point / "plain", b"1")
        with ksmbd_mounts.mounted("seal") as point:
            assert KEPT in debug_data()
            put(point / "sealed", b"2")
        with ksmbd_mounts.mounted("transport=tcp") as point:
            put(point / "tcp", b"3")
    finally:
        ksmbd.stop()
        ksmbd.options = before
        ksmbd.write()
    assert {path.name for path in ksmbd.path().iterdir()} >= {"plain", "sealed", "tcp"}


def test_samba_agrees_if_told(mounts, samba: Samba, debug_data, tmp_path: Path) -> None:
    samba.stop()
    samba.options = ("server smb encrypt = required", "server smb encryption over quic = no")
    samba.write()
    samba.start()
    try:
        with mounts.mounted() as point:
            assert WAIVED in debug_data()
            put(point / "plain", b"1")
            assert (samba.path() / "plain").read_bytes() == b"1"
        with mounts.mounted("seal") as point:
            assert KEPT in debug_data()
            put(point / "sealed", b"2")
    finally:
        samba.stop()
        samba.options = ()
        samba.write()
