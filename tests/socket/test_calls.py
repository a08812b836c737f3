# SPDX-License-Identifier: GPL-2.0-or-later
"""Every call and every option in every state of a socket, and the errno that it ends in."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from kquic.sock._abi import (
    MSG_DATAGRAM,
    SOL_QUIC,
    Config,
    ConnectionClose,
    ConnectionIdInfo,
    CryptoSecret,
    ErrInfo,
    EventOption,
    SockOpt,
    StreamFlags,
    StreamInfo,
    TransportParams,
)
from kquic.sock._cmsg import handshake_cmsg
from kquic.sock._getsockopt import getsockopt
from quic_pair import LOCALHOST
from raw_calls import sockaddr_in
from states import STATES

SIOCOUTQNSD = 0x894B
SO_PEEK_OFF = 42
NOWAIT = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
CONNECTED = ("connecting", "accepted", "client", "server")
DEAD = ("abandoned", "shut", "left_client", "left_server")
UNCONNECTED = ("fresh", "bound")

Call = Callable[[socket.socket], object]


@dataclass(frozen=True)
class Row:
    """A call, what it ends in by state, and what in all other states."""

    name: str
    call: Call
    otherwise: int
    states: dict[str, int] = field(default_factory=dict)

    def expected(self, state: str) -> int:
        """The errno, 0 for success."""
        return self.states.get(state, self.otherwise)


def each(states: tuple[str, ...], code: int) -> dict[str, int]:
    """The same for several states."""
    return dict.fromkeys(states, code)


def accept(sock: socket.socket) -> None:
    """Without waiting."""
    sock.setblocking(False)
    sock.accept()[0].close()


def put(option: SockOpt, data: bytes) -> Call:
    """A setsockopt()."""
    return lambda sock: sock.setsockopt(SOL_QUIC, option, data)


def ask(option: SockOpt, data: bytes) -> Call:
    """A getsockopt() that is given something."""
    return lambda sock: getsockopt(sock, option, data)


def ioctl(request: int) -> Call:
    """A question about the queues."""
    return lambda sock: fcntl.ioctl(sock.fileno(), request, bytes(4))


def hello(level: int) -> Call:
    """A TLS message."""
    return lambda sock: sock.sendmsg([b"x"], handshake_cmsg(level), NOWAIT)  # type: ignore[arg-type]


NOT_CONNECTED = {**each(DEAD, errno.EPIPE), **each(UNCONNECTED, errno.EPIPE), "listening": errno.EPIPE}
PARAMS = TransportParams(max_ack_delay=20_000)

CALLS = (
    Row("bind", lambda sock: sock.bind((LOCALHOST, 0)), errno.EINVAL, {"fresh": 0}),
    Row("listen", lambda sock: sock.listen(1), errno.EINVAL, each((*UNCONNECTED, "listening"), 0)),
    Row("listen-0", lambda sock: sock.listen(0), errno.EINVAL, {"listening": 0}),
    Row("connect", lambda sock: sock.connect((LOCALHOST, 4433)), errno.EINVAL, each(UNCONNECTED, 0)),
    Row("accept", accept, errno.EINVAL, {"listening": errno.EAGAIN}),
    Row("getsockname", lambda sock: sock.getsockname(), 0),
    Row("getpeername", lambda sock: sock.getpeername(), errno.ENOTCONN, each(CONNECTED, 0)),
    Row(
        "send-new",
        lambda sock: sock.send(b"x", NOWAIT | StreamFlags.NEW),
        errno.EINVAL,
        NOT_CONNECTED | each(("client", "server"), 0),
    ),
    Row("send", lambda sock: sock.send(b"x", NOWAIT), errno.EINVAL, NOT_CONNECTED),
    Row("send-nothing", lambda sock: sock.send(b"", NOWAIT | StreamFlags.NEW), errno.EMSGSIZE, NOT_CONNECTED),
    Row("send-datagram", lambda sock: sock.send(b"x", NOWAIT | MSG_DATAGRAM), errno.EINVAL, NOT_CONNECTED),
    Row("send-initial", hello(1), errno.EINVAL, NOT_CONNECTED | each(("connecting", "accepted"), 0)),
    Row("send-app", hello(0), errno.EINVAL, NOT_CONNECTED | each(("client", "server"), 0)),
    Row("send-early", hello(3), errno.EINVAL, NOT_CONNECTED),
    Row("send-flags", lambda sock: sock.send(b"x", NOWAIT | socket.MSG_OOB), errno.EINVAL),
    Row("recv", lambda sock: sock.recv(10, NOWAIT), errno.ENOTCONN, each(CONNECTED, errno.EAGAIN) | {"accepted": 0}),
    Row(
        "shutdown-rd",
        lambda sock: sock.shutdown(socket.SHUT_RD),
        errno.ENOTCONN,
        each(CONNECTED, 0) | {"listening": errno.EOPNOTSUPP},
    ),
    Row(
        "shutdown-wr", lambda sock: sock.shutdown(socket.SHUT_WR), errno.ENOTCONN, each(CONNECTED, 0) | {"listening": 0}
    ),
    Row(
        "shutdown-rdwr",
        lambda sock: sock.shutdown(socket.SHUT_RDWR),
        errno.ENOTCONN,
        each(CONNECTED, 0) | {"listening": errno.EOPNOTSUPP},
    ),
    Row("shutdown-3", lambda sock: sock.shutdown(3), errno.EINVAL),
    Row("fionread", ioctl(termios.FIONREAD), 0, {"listening": errno.EINVAL}),
    Row("siocoutq", ioctl(termios.TIOCOUTQ), 0, {"listening": errno.EINVAL}),
    Row("siocoutqnsd", ioctl(SIOCOUTQNSD), 0, {"listening": errno.EINVAL}),
    Row("ioctl", ioctl(termios.TIOCEXCL), errno.ENOTTY),
    Row("so-error", lambda sock: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0),
)

OPTIONS = (
    Row("event-set", put(SockOpt.EVENT, EventOption(1, 1).pack()), 0),
    Row("event-get", ask(SockOpt.EVENT, EventOption(1).pack()), 0),
    Row(
        "stream-open",
        ask(SockOpt.STREAM_OPEN, StreamInfo(-1, StreamFlags.DONTWAIT).pack()),
        errno.EINVAL,
        NOT_CONNECTED | each(("client", "server"), 0),
    ),
    Row("stream-reset", put(SockOpt.STREAM_RESET, ErrInfo(0, 1).pack()), errno.EINVAL),
    Row("stop-sending", put(SockOpt.STREAM_STOP_SENDING, ErrInfo(0, 1).pack()), errno.EINVAL),
    Row(
        "connection-id-set",
        put(SockOpt.CONNECTION_ID, ConnectionIdInfo().pack()),
        errno.EINVAL,
        each(("client", "server"), 0),
    ),
    Row(
        "connection-id-get",
        ask(SockOpt.CONNECTION_ID, ConnectionIdInfo().pack()),
        errno.EINVAL,
        each(("client", "server"), 0),
    ),
    Row("close-set", put(SockOpt.CONNECTION_CLOSE, ConnectionClose(1, 0, b"x").pack()), 0),
    Row("close-get", ask(SockOpt.CONNECTION_CLOSE, bytes(72)), 0),
    Row("key-update", put(SockOpt.KEY_UPDATE, b""), errno.EPIPE, each(("client", "server"), 0)),
    Row(
        "migration",
        put(SockOpt.CONNECTION_MIGRATION, sockaddr_in("127.0.0.5", 4477)),
        errno.EPIPE,
        each(("client", "server", "accepted"), 0) | {"connecting": errno.EINVAL},
    ),
    Row("param-set", put(SockOpt.TRANSPORT_PARAM, PARAMS.pack()), 0, each(("client", "server"), errno.EINVAL)),
    Row("param-get", ask(SockOpt.TRANSPORT_PARAM, bytes(56)), 0),
    Row("param-get-remote", ask(SockOpt.TRANSPORT_PARAM, TransportParams(remote=1).pack()), 0),
    Row(
        "param-set-remote",
        put(SockOpt.TRANSPORT_PARAM, TransportParams(remote=1, max_data=5000).pack()),
        errno.EINVAL,
        each(("connecting", "accepted"), 0),
    ),
    Row(
        "config-set",
        put(SockOpt.CONFIG, Config(initial_smoothed_rtt=5000).pack()),
        0,
        each(("client", "server"), errno.EINVAL),
    ),
    Row("config-get", ask(SockOpt.CONFIG, bytes(28)), 0),
    Row(
        "token-get",
        ask(SockOpt.TOKEN, bytes(128)),
        0,
        each(("listening", "accepted", "server", "left_server"), errno.EINVAL),
    ),
    Row(
        "token-set",
        put(SockOpt.TOKEN, b"token"),
        0,
        each(("listening", "accepted", "left_server"), errno.EINVAL) | {"server": errno.EAGAIN},
    ),
    Row("alpn-set", put(SockOpt.ALPN, b"h3"), 0, {"listening": errno.EINVAL}),
    Row("alpn-get", ask(SockOpt.ALPN, bytes(128)), 0),
    Row("ticket-set", put(SockOpt.SESSION_TICKET, bytes(64)), 0),
    Row("ticket-get", ask(SockOpt.SESSION_TICKET, bytes(64)), 0, each(("listening", "left_server"), errno.EPIPE)),
    Row("secret-initial", put(SockOpt.CRYPTO_SECRET, CryptoSecret(1, 1, 51, bytes(48)).pack()), errno.EINVAL),
    Row(
        "secret-handshake",
        put(SockOpt.CRYPTO_SECRET, CryptoSecret(1, 2, 51, bytes(48)).pack()),
        errno.EINVAL,
        each(("connecting", "accepted"), 0),
    ),
    Row(
        "extension-get", ask(SockOpt.TRANSPORT_PARAM_EXT, bytes(256)), errno.EINVAL, each(("connecting", "accepted"), 0)
    ),
    Row("extension-set", put(SockOpt.TRANSPORT_PARAM_EXT, b"\x01"), errno.EINVAL),
    Row("unknown-set", lambda sock: sock.setsockopt(SOL_QUIC, 15, b""), errno.ENOPROTOOPT),
    Row("unknown-get", lambda sock: sock.getsockopt(SOL_QUIC, 15, 4), errno.ENOPROTOOPT),
    Row("peek-off", lambda sock: sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, 1), errno.EOPNOTSUPP),
    Row("foreign-level", lambda sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), errno.ENOPROTOOPT),
)


def error_of(call: Call, sock: socket.socket) -> int:
    """The errno of a call, 0 if it succeeds."""
    try:
        call(sock)
    except OSError as error:
        return error.errno or -1
    return 0


@pytest.fixture
def sock(state: str) -> Iterator[socket.socket]:
    """A socket in a state."""
    with STATES[state]() as made:
        yield made


def code(number: int) -> str:
    """For messages."""
    return errno.errorcode.get(number, str(number))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("row", CALLS, ids=lambda row: row.name)
def test_call(row: Row, state: str, sock: socket.socket) -> None:
    assert code(error_of(row.call, sock)) == code(row.expected(state))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.name)
def test_option(row: Row, state: str, sock: socket.socket) -> None:
    assert code(error_of(row.call, sock)) == code(row.expected(state))


@pytest.mark.parametrize("state", STATES)
def test_type_and_protocol(sock: socket.socket) -> None:
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == 261
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM


@pytest.mark.parametrize("state", STATES)
def test_linger_does_not_hang(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 1000))
    sock.close()
