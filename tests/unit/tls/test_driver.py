# SPDX-License-Identifier: GPL-2.0-or-later
"""In which order a socket is told what TLS wants."""

from __future__ import annotations

import pytest

from kquic.sock import Cipher, CryptoLevel
from kquic.tls.actions import Action, InstallSecret, SendCrypto
from kquic.tls.driver import Call, calls

INITIAL, HANDSHAKE, APP, EARLY = CryptoLevel.INITIAL, CryptoLevel.HANDSHAKE, CryptoLevel.APP, CryptoLevel.EARLY


def secret(level: CryptoLevel, *, send: bool) -> InstallSecret:
    """A secret of one direction."""
    return InstallSecret(level, send, Cipher.AES_GCM_128, bytes(32))


def message(level: CryptoLevel) -> SendCrypto:
    """Something to send."""
    return SendCrypto(level, b"said")


HANDSHAKE_KEYS = [secret(HANDSHAKE, send=True), secret(HANDSHAKE, send=False)]
APP_TX, APP_RX = secret(APP, send=True), secret(APP, send=False)
FINISHED, TICKET = message(HANDSHAKE), message(APP)


@pytest.mark.parametrize(
    ("actions", "complete", "expected"),
    [
        pytest.param([], False, [], id="nothing"),
        pytest.param([message(INITIAL)], False, [message(INITIAL)], id="hello"),
        pytest.param(
            [message(INITIAL), secret(EARLY, send=True)],
            False,
            [[secret(EARLY, send=True)], message(INITIAL)],
            id="hello-with-early-data",
        ),
        pytest.param(
            [*HANDSHAKE_KEYS, message(INITIAL), message(HANDSHAKE), APP_TX],
            False,
            [[*HANDSHAKE_KEYS, APP_TX], message(INITIAL), message(HANDSHAKE)],
            id="flight-of-a-server",
        ),
        pytest.param(HANDSHAKE_KEYS, False, [HANDSHAKE_KEYS], id="server-hello"),
        pytest.param([FINISHED, APP_TX, APP_RX], True, [FINISHED, [APP_TX, APP_RX]], id="finished"),
        pytest.param([APP_TX, APP_RX, FINISHED], True, [FINISHED, [APP_TX, APP_RX]], id="finished-behind"),
        pytest.param([APP_RX], True, [[APP_RX]], id="end-of-a-server"),
        pytest.param([APP_RX, TICKET], True, [TICKET, [APP_RX]], id="ticket"),
        pytest.param([APP_TX, APP_RX, TICKET], True, [[APP_TX, APP_RX], TICKET], id="ticket-that-needs-the-key"),
    ],
)
def test_order(actions: list[Action], complete: bool, expected: list[Call]) -> None:
    assert calls(actions, complete=complete) == expected
