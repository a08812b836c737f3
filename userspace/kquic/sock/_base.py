# SPDX-License-Identifier: GPL-2.0-or-later
"""What every QUIC socket has: the descriptor, its addresses, the common options."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

from . import _options as options
from ._abi import (
    IPPROTO_QUIC,
    Config,
    EventOption,
    EventType,
    SockOpt,
    TransportParams,
)
from ._address import Address, for_family


def new_socket(family: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A fresh QUIC socket; OSError(EPROTONOSUPPORT) where the kernel has no QUIC."""
    return socket.socket(family, kind, IPPROTO_QUIC)


class QuicSocket:
    """Base of `Connection` and `Listener`: owns one descriptor, closes it at exit."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        self.sock.close()

    def fileno(self) -> int:
        """The descriptor, for select and poll."""
        return self.sock.fileno()

    @property
    def local(self) -> Address:
        """The local address."""
        return _address(self.sock.getsockname())

    @property
    def port(self) -> int:
        """The local port."""
        return self.local[1]

    def bind(self, host: str, port: int = 0) -> None:
        """Bind to a local address; port 0 picks one."""
        self.sock.bind(for_family(self.sock.family, host, port))

    def set_timeout(self, seconds: float | None) -> None:
        """Bound every blocking call; it then fails with BlockingIOError. None: no bound.

        The kernel keeps the time (SO_RCVTIMEO, SO_SNDTIMEO), so that waiting for
        flow control and stream limits is covered too.
        """
        whole, rest = divmod(seconds or 0.0, 1.0)
        value = struct.pack("@ll", int(whole), int(rest * 1_000_000))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)

    @property
    def config(self) -> Config:
        """The CONFIG option."""
        return options.get_record(self.sock, SockOpt.CONFIG, Config)

    def configure(self, config: Config) -> None:
        """Set the CONFIG option; zero fields stay as they are."""
        options.set_record(self.sock, SockOpt.CONFIG, config)

    @property
    def transport_params(self) -> TransportParams:
        """Our own transport parameters."""
        return options.ask_record(self.sock, SockOpt.TRANSPORT_PARAM, TransportParams())

    def set_transport_params(self, params: TransportParams) -> None:
        """Set transport parameters before the handshake; zero fields stay as they are."""
        options.set_record(self.sock, SockOpt.TRANSPORT_PARAM, params)

    @property
    def alpn(self) -> tuple[str, ...]:
        """The application protocols."""
        listed = options.get_bytes(self.sock, SockOpt.ALPN).rstrip(b"\0").decode()
        return tuple(item.strip() for item in listed.split(",") if item.strip())

    def set_alpn(self, *protocols: str) -> None:
        """Set the application protocols."""
        options.set_bytes(self.sock, SockOpt.ALPN, ",".join(protocols).encode())

    def enable_event(self, kind: EventType, on: bool = True) -> None:
        """Switch one kind of event."""
        options.set_record(self.sock, SockOpt.EVENT, EventOption(kind, int(on)))

    def event_enabled(self, kind: EventType) -> bool:
        """Whether one kind of event is on."""
        return bool(options.ask_record(self.sock, SockOpt.EVENT, EventOption(kind)).on)


def _address(raw: object) -> Address:
    if not isinstance(raw, tuple):
        raise TypeError(f"not an IP address: {raw!r}")
    host, port, *rest = raw
    return (host, port, *rest) if rest else (host, port)
