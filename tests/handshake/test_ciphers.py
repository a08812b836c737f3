# SPDX-License-Identifier: GPL-2.0-or-later
"""The cipher that the kernel is fastest with is the one that is used, unless somebody wants another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kernel_echo import ECHO, ask, listening, two_hosts, wait_until
from kquic.sock import Cipher
from kquic.tls.ciphers import MEASURED, NAMES, parse
from kquic.tls.testca import Identity, TestCA

from .conftest import Shake
from .test_sockets import client, server

if TYPE_CHECKING:
    from tests.conftest import Certificates


def test_sockets(shake: Shake, ca: TestCA, server_id: Identity) -> None:
    ends = shake(client(ca), server(ca, server_id)).established()
    assert {end.result.cipher for end in ends} == {parse(MEASURED.read_text())[0]}


@pytest.mark.skipif(not ECHO.exists(), reason="the kernel has no CONFIG_IP_QUIC_SAMPLES")
@pytest.mark.parametrize("configured", [(), (Cipher.AES_GCM_256, Cipher.AES_GCM_128)])
def test_kernel_users(certs: Certificates, tmp_path: Path, configured: tuple[Cipher, ...]) -> None:
    first, *_ = configured or parse(MEASURED.read_text())
    name = first.name.lower().replace("_", "-")
    words = ";".join(NAMES[cipher] for cipher in configured)
    with two_hosts(certs, tmp_path) as site, site.agent(site.cli, ciphers=words) as agent:
        with site.agent(site.srv), listening(site):
            ask(site, 1000)
        wait_until(lambda: f", {name}" in agent.output)
