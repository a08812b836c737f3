# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may mount: exports that ask for certificates, and clients that have one."""

from __future__ import annotations

import pytest

OPTIONS = "rw,no_root_squash,insecure,no_subtree_check,fsid=0"


@pytest.fixture
def exported(nfsd):
    """Exports with a policy until the test is over."""

    def export(policy: str) -> None:
        nfsd.export(f"{OPTIONS},xprtsec={policy}")

    yield export
    nfsd.export(OPTIONS)


def test_quic_counts_as_tls(mounts, exported) -> None:
    exported("tls")
    with mounts.mounted() as point:
        (point / "file").write_text("x")


def test_export_in_the_clear_only(mounts, exported) -> None:
    exported("none")
    assert "mount.nfs" in mounts.failure()


def test_export_for_clients_with_certificates(mounts, exported, agent, certs) -> None:
    exported("mtls")
    assert "mount.nfs" in mounts.failure()
    agent.client(certs.ca, certs.client)
    with mounts.mounted("xprtsec=mtls") as point:
        (point / "file").write_text("known")


def test_tcp_in_the_clear_is_no_way_around(mounts, exported) -> None:
    exported("tls:mtls")
    assert "mount.nfs" in mounts.failure("proto=tcp")


def test_who_resumes_is_known_as_before(mounts, nfsd, exported, agent, certs) -> None:
    """A session with a client certificate is good for an export that wants one, and no other session is."""
    agent.client(certs.ca, certs.client)
    exported("mtls")
    for _ in range(2):
        assert "mount.nfs" in mounts.failure()
        with mounts.mounted("xprtsec=mtls") as point:
            (point / "file").write_text("known")
            nfsd.stop()
            nfsd.start()
            (point / "file").write_text("known still")
    assert ", resumed" in agent.output
