# SPDX-License-Identifier: GPL-2.0-or-later
"""What to ask sock_diag for."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """States of a QUIC socket, with the numbers that inet sockets have."""

    ESTABLISHED = 1
    ESTABLISHING = 3
    CLOSED = 7
    LISTENING = 10


CONNECTED = (State.ESTABLISHED, State.ESTABLISHING)


@dataclass(frozen=True, slots=True)
class Query:
    """Which sockets are wanted.

    Attributes:
        states: in one of these.
        families: AF_INET, AF_INET6 or both.
        local_port: only this one; 0 for any.
        peer_port: only this one; 0 for any.
    """

    states: Iterable[State] = CONNECTED
    families: tuple[int, ...] = (int(socket.AF_INET), int(socket.AF_INET6))
    local_port: int = 0
    peer_port: int = 0

    @property
    def state_mask(self) -> int:
        """The states as the kernel takes them."""
        return sum(1 << state for state in set(self.states))
