# SPDX-License-Identifier: GPL-2.0-or-later
"""Looking at QUIC sockets from outside: sock_diag, and what `kquic ss` makes of it."""

from kquic.diag.info import Flag, Info, StreamCounts
from kquic.diag.netlink import DiagError, sockets
from kquic.diag.query import Query, State
from kquic.diag.socket import Memory, Socket, Timer

__all__ = ["DiagError", "Flag", "Info", "Memory", "Query", "Socket", "State", "StreamCounts", "Timer", "sockets"]
