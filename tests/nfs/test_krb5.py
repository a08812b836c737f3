# SPDX-License-Identifier: GPL-2.0-or-later
"""RPCSEC_GSS over QUIC: users are who their Kerberos tickets say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from file_content import MIB
from kquic.errors import CommandFailed
from kquic.lab.topology import Network

from .kerberos import ALICE, BOB, Realm, User, gssd_listens
from .test_mount import connections, mount_options
from .test_recovery import client_info, wait_for

FLAVOURS = ("krb5", "krb5i", "krb5p")
OPTIONS = "rw,no_root_squash,insecure,no_subtree_check,fsid=0"


@pytest.fixture(scope="module")
def realm(network: Network, _nfsd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """The realm; Alice has a ticket, Bob has none."""
    with Realm(network, tmp_path_factory.mktemp("realm")) as made:
        wait_for(lambda: gssd_listens(made.gssd, network.cli), made.gssd.output)
        made.ticket(ALICE)
        yield made


@pytest.fixture
def exported(nfsd, realm: Realm, tmp_path: Path) -> Iterator[None]:
    """The export, for users with tickets only; others than root can get to where it is mounted."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    nfsd.path("export").chmod(0o777)
    nfsd.export(f"{OPTIONS},sec={':'.join(FLAVOURS)}")
    yield
    nfsd.export(OPTIONS)


def write(net: Network, user: User, path: Path, text: str) -> None:
    """Write a file as a user."""
    net.cli.run(*user.argv("sh", "-c", f"echo '{text}' > {path}"))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_who_has_a_ticket_writes_under_his_name(exported, mounts, nfsd, net: Network, flavour: str) -> None:
    with mounts.mounted(f"sec={flavour}") as point:
        write(net, ALICE, point / flavour, f"by Alice with {flavour}")
        assert mount_options(point)["sec"] == flavour
        assert mount_options(point)["proto"] == "quic"
        assert f"{Network.SERVER_V4}:2049" in connections(net.cli)[0]
    served = nfsd.path("export") / flavour
    assert served.read_text() == f"by Alice with {flavour}\n"
    assert served.stat().st_uid == ALICE.uid


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_who_has_none_does_nothing(exported, mounts, nfsd, net: Network, flavour: str) -> None:
    with mounts.mounted(f"sec={flavour}") as point, pytest.raises(CommandFailed):
        write(net, BOB, point / "bobs", "not by Bob")
    assert not (nfsd.path("export") / "bobs").exists()


def test_export_that_demands_kerberos(exported, mounts) -> None:
    assert "mount.nfs" in mounts.failure("sec=sys")


def test_larger_files(exported, mounts, nfsd, net: Network) -> None:
    """Encrypted twice, by Kerberos and by QUIC, in requests of all sizes."""
    with mounts.mounted("sec=krb5p", "streams=4") as point:
        source = nfsd.path("export") / "alice-source"
        source.write_bytes(bytes(range(256)) * (4 * MIB // 256))
        net.cli.run(*ALICE.argv("cp", point / "alice-source", point / "alice-copy"))
        assert (nfsd.path("export") / "alice-copy").read_bytes() == source.read_bytes()


def test_context_outlives_the_connection(exported, mounts, nfsd, net: Network) -> None:
    with mounts.mounted("sec=krb5i") as point:
        write(net, ALICE, point / "alice-before", "before")
        nfsd.stop()
        nfsd.start()
        write(net, ALICE, point / "alice-after", "after")
        assert (nfsd.path("export") / "alice-after").read_text() == "after\n"


def test_callbacks(exported, mounts, nfsd) -> None:
    with mounts.mounted("sec=krb5p"):
        wait_for(lambda: "callback state: UP" in client_info(nfsd), "the server cannot call back")
