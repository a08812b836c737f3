# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that others overtake."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from kquic.sock import Listener, StreamData

from .moving import Plan, moving
from .relay import Relay

#: More than a packet number of one byte can be told apart from.
OVERTAKE = 200


def not_opened() -> int:
    """Packets of this network namespace that could not be decrypted."""
    lines = Path("/proc/net/quic/snmp").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("QuicPktDecDrop"))


def test_number_of_one_that_is_late_is_known() -> None:
    """It is taken for what it is after many later ones (RFC 9000, 17.1), whatever has been acknowledged."""
    with ExitStack() as opened:
        relays: list[Relay] = []

        def via(listener: Listener) -> int:
            relays.append(opened.enter_context(Relay(("127.0.0.1", listener.port))))
            return relays[0].port

        pair = opened.enter_context(moving(Plan(via=via)))
        stream, before = pair.client.open_stream(), not_opened()
        relays[0].hold(OVERTAKE)
        sent = received = 0
        while relays[0].holding:
            sent += pair.client.send(b"a packet", stream)
            time.sleep(0.001)
        while received < sent:
            message = pair.server.recv()
            assert isinstance(message, StreamData)
            received += len(message.data)
        time.sleep(0.2)
        assert not_opened() == before
