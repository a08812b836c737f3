# SPDX-License-Identifier: GPL-2.0-or-later
"""Which cipher a client offers first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kquic.sock import Cipher
from kquic.tls import ciphers
from kquic.tls.testca import Identity, TestCA

from .test_handshake import client, server

HEADING = "CIPHER\tNAME\tMB_PER_S\n"
CHACHA_FIRST = (
    f"{HEADING}54\tTLS_CHACHA20_POLY1305_SHA256\t420\n53\tTLS_AES_128_CCM_SHA256\t142\n"
    "51\tTLS_AES_128_GCM_SHA256\t135\n52\tTLS_AES_256_GCM_SHA384\t116\n"
)
ORDER = (Cipher.CHACHA20_POLY1305, Cipher.AES_GCM_128, Cipher.AES_GCM_256, Cipher.AES_CCM_128)


def test_order_of_the_kernel() -> None:
    assert ciphers.parse(CHACHA_FIRST) == ORDER


def test_ciphers_of_later_kernels_are_left_out() -> None:
    assert ciphers.parse(f"{HEADING}99\tTLS_NEW\t900\n51\tTLS_AES_128_GCM_SHA256\t120\n") == (Cipher.AES_GCM_128,)


def test_without_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ciphers, "MEASURED", tmp_path / "absent")
    assert ciphers.fastest_first() == tuple(ciphers.NAMES)


@pytest.mark.parametrize("first", [Cipher.CHACHA20_POLY1305, Cipher.AES_GCM_128])
def test_the_first_is_chosen(
    talk: Any, ca: TestCA, server_id: Identity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: Cipher
) -> None:
    """By a server that has no wishes."""
    measured = tmp_path / "ciphers"
    lines = CHACHA_FIRST.splitlines()[1:]
    measured.write_text(HEADING + "\n".join(sorted(lines, key=lambda line: not line.startswith(str(int(first))))))
    monkeypatch.setattr(ciphers, "MEASURED", measured)
    assert talk(client(ca), server(ca, server_id)).client.tls.result.cipher == first


def test_a_list_goes_before(talk: Any, ca: TestCA, server_id: Identity) -> None:
    wanted = (Cipher.AES_GCM_256, Cipher.AES_GCM_128)
    done = talk(client(ca, ciphers=wanted), server(ca, server_id))
    assert done.client.tls.result.cipher == Cipher.AES_GCM_256
    done = talk(client(ca, ciphers=wanted), server(ca, server_id, ciphers=(Cipher.AES_GCM_128,)))
    assert done.client.tls.result.cipher == Cipher.AES_GCM_128
