# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations of the victim's program."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from kquic.diag.netlink import sockets
from kquic.diag.query import Query, State
from kquic.errors import KquicError
from kquic.sock import SOL_QUIC, SockOpt, TransportParams

from . import libc
from .grammar import operation
from .keys import Level
from .session import SLOTS, Session
from .tun import SECOND, packed, peer_address
from .world import FIRST_PORT, host, sockaddr

SLOT = (0,) * 10 + (1, 2)
LEVELS = (SOL_QUIC,) * 12 + (0, 1, 41, 6, 17, 282)
OPTIONS = tuple(range(16))
#: Of SOL_SOCKET, those with a part in what a connection does: the buffers most of all.
SOCKET_OPTIONS = (
    *(socket.SO_RCVBUF,) * 4,
    socket.SO_SNDBUF,
    socket.SO_KEEPALIVE,
    socket.SO_LINGER,
    socket.SO_PRIORITY,
    socket.SO_MARK,
    socket.SO_RCVLOWAT,
    47,  # SO_MAX_PACING_RATE
)
AMOUNTS = (0, 1, 100, 3000, 10_000, 70_000, 1 << 20, 0x7FFFFFFF)
SIZES = (0, 1, 4, 12, 16, 28, 56, 72, 128, 256, 512, 4096, 4097, -1)
SEND_FLAGS = (0, 0, 0, 0x40, 0x40, 0x8000, 0x400, 0x200, 0x1000, 0x800, 0x600, 0x2000, 0x10000)
RECV_FLAGS = (0x40,) * 6 + (0, 2, 0x42, 0x20, 0x60, 0x100, 0x2000)
LENGTHS = (0, 1, 100, 1000, 3000, 20000, 100000)
STREAMS = (0, 1, 2, 3, 4, 5, 6, 7, -1, -1, 8, 400)
STREAM_FLAGS = (0, 0, 0x400, 0x400, 0x600, 0x200, 0xC00, 0xE00, 0x10400, 0x12400, 0x2000)
REQUESTS = (0x541B, 0x5411, 0x894B, 0x8905, 0x8906)
KINDS = (0, 1, 2, 3, 4, 5, 6)
LIMITS = tuple(
    TransportParams(remote=1, max_data=data, max_stream_data_bidi_remote=data // 2, max_streams_bidi=9).pack()
    for data in (1 << 20, 1 << 16, 1 << 12)
)
PROC = ("conns", "eps")


@operation(SLOT, LEVELS, OPTIONS, data="struct")
def setsockopt(s: Session, slot: int, level: int, option: int, data: bytes) -> None:
    """An option."""
    libc.setsockopt(s.fd(slot), level, option, data)


@operation(SLOT, SOCKET_OPTIONS, AMOUNTS)
def amount(s: Session, slot: int, option: int, value: int) -> None:
    """An option of all sockets."""
    libc.setsockopt(s.fd(slot), socket.SOL_SOCKET, option, (value & 0xFFFFFFFF).to_bytes(8, "little"))


@operation(SLOT, LEVELS, OPTIONS, SIZES, data="struct")
def getsockopt(s: Session, slot: int, level: int, option: int, size: int, data: bytes) -> None:
    """An option, the buffer preset."""
    libc.getsockopt(s.fd(slot), level, option, data[:64], size)


@operation(SLOT, SEND_FLAGS, LENGTHS, data="struct")
def sendmsg(s: Session, slot: int, flags: int, size: int, data: bytes) -> None:
    """A message with any control buffer."""
    libc.sendmsg(s.fd(slot), size, data, flags)


@operation(STREAMS, STREAM_FLAGS, LENGTHS)
def stream(s: Session, number: int, flags: int, size: int) -> None:
    """Data on a stream."""
    s.stream(number, flags, size)


@operation((0, 0x8000), (1, 100, 1200))
def datagram(s: Session, flags: int, size: int) -> None:
    """A DATAGRAM frame."""
    libc.sendmsg(s.fd(0), size, b"", 0x1000 | flags | socket.MSG_DONTWAIT)


@operation(SLOT, RECV_FLAGS, LENGTHS, (0, 24, 32, 64))
def recvmsg(s: Session, slot: int, flags: int, size: int, control: int) -> None:
    """Whatever is next."""
    libc.recvmsg(s.fd(slot), size, control, flags)


@operation((1, 3, 10))
def read(s: Session, times: int) -> None:
    """Read what there is."""
    for _ in range(min(abs(times), 20)):
        if libc.recvmsg(s.fd(0), 4000, 64, socket.MSG_DONTWAIT) < 0:
            return


@operation((0, 1, 2, 3), (0, 0x8000), data="raw")
def crypto(s: Session, level: int, flags: int, data: bytes) -> None:
    """TLS bytes from the victim's side."""
    s.crypto(Level(level % 4), data, flags)


@operation((0, 1, 2, 3), (0, 1), (51, 51, 52, 53, 54, 0, 99))
def secret(s: Session, level: int, send: int, cipher: int) -> None:
    """A traffic secret."""
    s.secret(Level(level % 4), send, cipher)


@operation((0, 1, 2, 3), (51, 52, 54), LENGTHS)
def early_data(s: Session, preset: int, cipher: int, size: int) -> None:
    """The victim's TLS resumes a session: limits that it remembers, the secret, and data before there is an answer."""
    libc.setsockopt(s.fd(0), SOL_QUIC, SockOpt.TRANSPORT_PARAM, LIMITS[preset % len(LIMITS)])
    s.secrets(Level.EARLY, cipher)
    s.stream(0, 0x400, size)


@operation((0, 1, 2))
def look(s: Session, which: int) -> None:
    """What anybody can see of connections."""
    if which % 3 == 2:
        with suppress(KquicError):
            sockets(Query(states=State))
    else:
        Path("/proc/net/quic", PROC[which % 3]).read_bytes()


@operation((0, 1), (4, 6))
def address(s: Session, come: int, family: int) -> None:
    """The victim's host gets another address, or loses it."""
    s.world.tun.second_address(come % 2 == 1, 6 if family == 6 else 4)


@operation((0, 1, 2, 3, 4), data="tparams")
def parameters(s: Session, preset: int, data: bytes) -> None:
    """Both ends' transport parameters; the bytes replace some of the peer's."""
    s.exchange_parameters(preset, data)


@operation((0, 1, 2, 3, 4))
def local_parameters(s: Session, preset: int) -> None:
    """The victim's own."""
    s.local_parameters(preset)


@operation(SLOT, (0, 1, 2, 3, -1))
def shutdown(s: Session, slot: int, how: int) -> None:
    """A direction."""
    libc.shutdown(s.fd(slot), how)


@operation(SLOT)
def close(s: Session, slot: int) -> None:
    """Close a descriptor."""
    if (fd := s.fds.pop(slot % SLOTS, -1)) >= 0:
        os.close(fd)


@operation((1, 2, 3), (2, 10), (1, 2))
def socket_(s: Session, slot: int, family: int, kind: int) -> None:
    """A new socket."""
    s.keep(slot, libc.new_socket(family, kind))


@operation(SLOT, (1, 2, 3))
def dup(s: Session, slot: int, target: int) -> None:
    """The same once more."""
    if (fd := s.fd(slot)) >= 0 and target % SLOTS != slot % SLOTS:
        with suppress(OSError):
            s.keep(target, os.dup(fd))


def _address(s: Session, kind: int, port: int) -> bytes:
    """Addresses of the victim's host, the peer's, anybody's, and what is none."""
    port = (FIRST_PORT + port % 8) if port < 64 else port & 0xFFFF
    made = {
        0: sockaddr(4, host(4), port),
        1: sockaddr(6, host(6), port),
        2: sockaddr(4, peer_address(4, s.address), s.port),
        3: sockaddr(6, bytes(16), port),
        5: sockaddr(4, packed(SECOND[4]), port),
        6: sockaddr(6, packed(SECOND[6]), port),
    }
    return made.get(kind % 7, b"\x02\x00\x11\x51" + bytes(port % 13))


PORTS = (3, 4, 5, 6, 0)


@operation((1, 2, 1, 0), KINDS, PORTS)
def bind(s: Session, slot: int, kind: int, port: int) -> None:
    """An address of one's own."""
    libc.bind(s.fd(slot), _address(s, kind, port))


@operation((1, 2, 1, 0), KINDS, PORTS)
def connect(s: Session, slot: int, kind: int, port: int) -> None:
    """An address of somebody else."""
    libc.connect(s.fd(slot), _address(s, kind, port))


@operation((1, 2, 1, 0), (0, 1, 5, -1))
def listen(s: Session, slot: int, backlog: int) -> None:
    """Become a listener."""
    libc.listen(s.fd(slot), backlog)


@operation((1, 2, 1, 0), (3, 4, 5))
def take(s: Session, slot: int, target: int) -> None:
    """Accept from a listener of the program's."""
    s.keep(target, libc.accept(s.fd(slot)))


@operation(SLOT, KINDS, PORTS)
def migrate(s: Session, slot: int, kind: int, port: int) -> None:
    """To another address, or which one the server prefers."""
    libc.setsockopt(s.fd(slot), SOL_QUIC, 6, _address(s, kind, port))


@operation(SLOT)
def poll(s: Session, slot: int) -> None:
    """Ask what would not block."""
    if (fd := s.fd(slot)) >= 0:
        libc.poll(fd)


@operation(SLOT, REQUESTS)
def ioctl(s: Session, slot: int, request: int) -> None:
    """A request."""
    libc.ioctl(s.fd(slot), request)


@operation(SLOT)
def names(s: Session, slot: int) -> None:
    """Both addresses."""
    libc.names(s.fd(slot))


@operation(SLOT, (1, 4096, 16384))
def splice(s: Session, slot: int, size: int) -> None:
    """Pages."""
    libc.splice(s.fd(slot), size)
