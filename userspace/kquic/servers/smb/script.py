# SPDX-License-Identifier: GPL-2.0-or-later
"""Misbehaviour on demand: what a server does to requests that match.

server.script.add(Fault(Commands.SMB2_WRITE, Action.DROP, after=2))     # ends the connection in the third write
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum, auto


class Action(Enum):
    """What is done to a request."""

    DROP = auto()
    """End the connection instead of answering; the request was not carried out."""
    DROP_AFTER = auto()
    """Carry the request out, and end the connection instead of answering."""
    RESET = auto()
    """Reset the stream (QUIC), or end the connection without a good-bye (TCP)."""
    SILENCE = auto()
    """Carry it out, and answer nothing any more on this connection."""
    DELAY = auto()
    """Answer `seconds` late; later requests wait as well."""
    STATUS = auto()
    """Answer with `status`, and do nothing."""
    LONG_FRAME = auto()
    """Say that the answer is longer than it is by `amount`, and send no more."""
    HUGE_FRAME = auto()
    """Announce a message of the greatest length there is."""
    SHORT_DATA = auto()
    """Cut `amount` bytes off the end of the message, whose fields speak of them."""
    LONG_DATA = auto()
    """Let a READ response claim `amount` bytes more than are there."""
    GARBAGE = auto()
    """Answer with bytes that are no message."""


@dataclass(slots=True)
class Fault:
    """One rule.

    Attributes:
        command: which requests; None for all.
        action: what is done.
        after: how many of them pass first.
        times: how often it is done; -1 for always.
    """

    command: int | None
    action: Action
    after: int = 0
    times: int = 1
    seconds: float = 0.0
    status: int = 0
    amount: int = 64

    def _matches(self, command: int) -> bool:
        return self.times != 0 and self.command in (None, command)

    def _take(self) -> bool:
        if self.after:
            self.after -= 1
            return False
        if self.times > 0:
            self.times -= 1
        return True


class Script:
    """The rules of a server; connections ask, tests add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._done: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """More rules; the first that matches counts."""
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._faults.clear()
            self._done.clear()

    @property
    def done(self) -> list[Fault]:
        """The rules that were applied, in order."""
        with self._lock:
            return list(self._done)

    def take(self, command: int) -> Fault | None:
        """What to do to a request; None for nothing."""
        with self._lock:
            for fault in self._faults:
                if fault._matches(command):
                    if not fault._take():
                        return None
                    self._done.append(fault)
                    return fault
        return None
