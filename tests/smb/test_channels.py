# SPDX-License-Identifier: GPL-2.0-or-later
"""A session of ksmbd with channels over both transports, which our client does not make: smbprotocol does."""

from __future__ import annotations

import pytest
from smbprotocol.exceptions import AccessDenied

from kquic.lab.topology import Network
from kquic.servers.ksmbd import Ksmbd
from smb_client import SmbClient, read, the_same, tree


@pytest.fixture
def client(net: Network, ksmbd: Ksmbd, certs) -> SmbClient:
    return SmbClient(net.cli, ksmbd.dns_name, certs.ca, ksmbd.user, ksmbd.password)


def test_channel_over_tcp_reaches_no_share_for_quic_only(client: SmbClient, ksmbd: Ksmbd) -> None:
    """Neither connects it that channel anew, nor does it use what the one over QUIC has connected."""
    (ksmbd.path() / "secret").write_text("over QUIC")
    (ksmbd.path("other") / "open").write_text("over both")
    with (
        ksmbd.restarted(quic_only_shares="share"),
        client.channel("quic") as first,
        client.channel("quic", first) as second,
        client.channel("tcp", first) as plain,
    ):
        connected, other = tree(first, "share"), tree(first, "other")
        assert read(connected, "secret") == b"over QUIC"
        assert read(the_same(connected, second), "secret") == b"over QUIC"
        assert read(the_same(other, plain), "open") == b"over both"
        with pytest.raises(AccessDenied):
            read(the_same(connected, plain), "secret")
        with pytest.raises(AccessDenied):
            tree(plain, "share")
        assert read(connected, "secret") == b"over QUIC"
