# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of level SOL_QUIC as a table, and typed access to them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TypeVar

from ._abi import (
    SOL_QUIC,
    Config,
    ConnectionClose,
    ConnectionIdInfo,
    CryptoSecret,
    ErrInfo,
    EventOption,
    Record,
    SockOpt,
    StreamInfo,
    TransportParams,
)
from ._getsockopt import getsockopt

R = TypeVar("R", bound=Record)

#: The largest value that the kernel takes or gives.
MAX_OPTION = 4096


@dataclass(frozen=True, slots=True)
class Option:
    """What an option holds, and in which directions it works."""

    number: SockOpt
    record: type[Record] | None  # None: bytes of any length
    can_set: bool = True
    can_get: bool = True
    buffer: int = MAX_OPTION  # room that `get` offers for bytes


OPTIONS = {
    option.number: option
    for option in (
        Option(SockOpt.EVENT, EventOption),
        Option(SockOpt.STREAM_OPEN, StreamInfo, can_set=False),
        Option(SockOpt.STREAM_RESET, ErrInfo, can_get=False),
        Option(SockOpt.STREAM_STOP_SENDING, ErrInfo, can_get=False),
        Option(SockOpt.CONNECTION_ID, ConnectionIdInfo),
        Option(SockOpt.CONNECTION_CLOSE, ConnectionClose),
        Option(SockOpt.CONNECTION_MIGRATION, None, can_get=False),
        Option(SockOpt.KEY_UPDATE, None, can_get=False),
        Option(SockOpt.TRANSPORT_PARAM, TransportParams),
        Option(SockOpt.CONFIG, Config),
        Option(SockOpt.TOKEN, None, buffer=128),
        Option(SockOpt.ALPN, None, buffer=256),
        Option(SockOpt.SESSION_TICKET, None),
        Option(SockOpt.CRYPTO_SECRET, CryptoSecret, can_get=False),
        Option(SockOpt.TRANSPORT_PARAM_EXT, None, buffer=512),
    )
}


def set_record(sock: socket.socket, option: SockOpt, record: Record) -> None:
    """Set an option that holds a structure."""
    sock.setsockopt(SOL_QUIC, option, record.pack())


def set_bytes(sock: socket.socket, option: SockOpt, data: bytes) -> None:
    """Set an option that holds bytes."""
    sock.setsockopt(SOL_QUIC, option, data)


def get_bytes(sock: socket.socket, option: SockOpt) -> bytes:
    """Get an option that holds bytes."""
    return getsockopt(sock, option, bytes(OPTIONS[option].buffer))


def get_record(sock: socket.socket, option: SockOpt, kind: type[R]) -> R:
    """Get an option that holds a structure and reads no input."""
    return kind.unpack(getsockopt(sock, option, bytes(kind.size())))


def ask_record(sock: socket.socket, option: SockOpt, question: R) -> R:
    """Get an option whose answer depends on fields that the caller fills in."""
    return type(question).unpack(getsockopt(sock, option, question.pack()))
