# SPDX-License-Identifier: GPL-2.0-or-later
"""struct quic_diag_info of <linux/quic_diag.h>, as Python sees it.

tests/unit/diag/test_info.py compares it with the header.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from struct import Struct

_NUMBERS = (
    ("version", "I"),
    ("cipher", "I"),
    ("flags", "I"),
    ("pto_count", "I"),
    ("latest_rtt", "I"),
    ("smoothed_rtt", "I"),
    ("rttvar", "I"),
    ("min_rtt", "I"),
    ("pto", "I"),
    ("mtu", "I"),
    ("cwnd", "Q"),
    ("ssthresh", "Q"),
    ("bytes_in_flight", "Q"),
    ("pacing_rate", "Q"),
    ("pkts_sent", "Q"),
    ("pkts_received", "Q"),
    ("pkts_dropped", "Q"),
    ("pkts_lost", "Q"),
    ("pkts_spurious", "Q"),
    ("bytes_sent", "Q"),
    ("bytes_received", "Q"),
    ("bytes_acked", "Q"),
    ("bytes_lost", "Q"),
    ("bytes_retrans", "Q"),
    ("ptos", "I"),
    ("migrations", "I"),
    ("idle_timeout", "Q"),
    ("data_sent", "Q"),
    ("data_sent_max", "Q"),
    ("data_received", "Q"),
    ("data_received_max", "Q"),
    ("data_read", "Q"),
    ("data_unacked", "Q"),
)
ALPN_MAX = 128
_HEAD = Struct("@" + "".join(kind for _, kind in _NUMBERS))
_STREAMS = Struct("@QQII")
_TAIL = Struct(f"@BBB5x{ALPN_MAX}s")
SIZE = _HEAD.size + 4 * _STREAMS.size + _TAIL.size

#: ssthresh before the first congestion event.
NO_SSTHRESH = (1 << 64) - 1


class Flag(IntFlag):
    """QUIC_DIAG_*"""

    SERVER = 0x001
    COMPLETE = 0x002
    CONFIRMED = 0x004
    RETRY = 0x008
    VALIDATED = 0x010
    KEY_PHASE = 0x020
    ECN = 0x040
    SLOW_START = 0x080


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """Streams of one type: opened so far, permitted so far, not yet ended."""

    opened: int
    max: int
    open: int


@dataclass(frozen=True, slots=True)
class Info:
    """One connection. Sizes are bytes, times microseconds; names as in the header."""

    numbers: dict[str, int]
    flags: Flag
    streams: tuple[StreamCounts, ...]
    local_cids: int
    peer_cids: int
    alpn: tuple[str, ...]

    @classmethod
    def unpack(cls, data: bytes) -> Info:
        """From the attribute of a kernel that is older or newer than this program."""
        data = data[:SIZE].ljust(SIZE, b"\0")
        numbers = dict(zip((name for name, _ in _NUMBERS), _HEAD.unpack_from(data), strict=True))
        streams = tuple(
            StreamCounts(*_STREAMS.unpack_from(data, _HEAD.size + kind * _STREAMS.size)[:3]) for kind in range(4)
        )
        local, peer, length, names = _TAIL.unpack_from(data, SIZE - _TAIL.size)
        alpn = names[:length].decode("utf-8", "backslashreplace")
        flags = Flag(numbers.pop("flags") & (max(Flag) * 2 - 1))
        return cls(numbers, flags, streams, local, peer, tuple(filter(None, alpn.split(","))))

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]
