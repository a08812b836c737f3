# SPDX-License-Identifier: GPL-2.0-or-later
"""A QUIC connection: one descriptor, any number of streams."""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
from collections.abc import Sequence
from typing import Self

from . import _options as options
from ._abi import (
    MSG_DATAGRAM,
    MSG_NOTIFICATION,
    ConnectionClose,
    ConnectionIdInfo,
    CryptoLevel,
    CryptoSecret,
    ErrInfo,
    HandshakeInfo,
    SockOpt,
    StreamFlags,
    StreamInfo,
    TransportParams,
)
from ._address import Address, for_family, resolve, sockaddr
from ._base import QuicSocket, _address, new_socket
from ._cmsg import CONTROL_SPACE, Cmsg, handshake_cmsg, is_fin, parse_cmsgs, stream_cmsg
from .events import Datagram, HandshakeData, Message, StreamData, parse_event

#: Room for one read; a notification is at most a ticket (4096) and a type byte.
READ_SIZE = 65536

_NOSIGNAL = int(socket.MSG_NOSIGNAL)  # operators of flags in the socket module are slow


class Connection(QuicSocket):
    """One QUIC connection, client or accepted.

    Calls block as the kernel does, bounded by `set_timeout`; with the
    descriptor non-blocking they raise BlockingIOError. Errors are the kernel's
    own OSError.
    """

    @classmethod
    def create(cls, family: int = socket.AF_INET6, kind: int = socket.SOCK_STREAM) -> Self:
        """A fresh socket, neither bound nor connected."""
        return cls(new_socket(family, kind))

    def connect(self, host: str, port: int) -> None:
        """Choose the peer. Sends nothing: that is the handshake's work."""
        self.sock.connect(for_family(self.sock.family, host, port))

    @property
    def peer(self) -> Address:
        """The peer's address."""
        return _address(self.sock.getpeername())

    def shutdown(self) -> None:
        """End the connection; what was received can still be read."""
        self.sock.shutdown(socket.SHUT_RDWR)

    @property
    def unread(self) -> int:
        """Bytes that can be read."""
        return self._queued(termios.FIONREAD)

    @property
    def unacknowledged(self) -> int:
        """Bytes that were sent or queued and not acknowledged yet."""
        return self._queued(termios.TIOCOUTQ)

    def _queued(self, request: int) -> int:
        answer = fcntl.ioctl(self.fileno(), request, bytes(4))
        return int.from_bytes(answer, sys.byteorder)

    # Messages.

    def recv(self, size: int = READ_SIZE, flags: int = 0) -> Message:
        """Whatever comes next: handshake bytes, an event, a datagram or stream bytes.

        Raises OSError(ENOTCONN) once the connection is closed and all is read.
        """
        data, cmsgs, received, _ = self.sock.recvmsg(size, CONTROL_SPACE, flags)
        if received & MSG_NOTIFICATION:
            return parse_event(self._whole(data, received, size))
        if received & MSG_DATAGRAM:
            return Datagram(data, bool(received & socket.MSG_EOR))
        return _message(data, cmsgs, received)

    def _whole(self, data: bytes, received: int, size: int) -> bytes:
        """The rest of a notification that did not fit into the caller's size."""
        while not received & socket.MSG_EOR:
            more, _, received, _ = self.sock.recvmsg(size, CONTROL_SPACE)
            data += more
        return data

    def send(
        self,
        data: bytes | memoryview,
        stream_id: int = -1,
        flags: int = 0,
        *,
        msg_flags: int = 0,
    ) -> int:
        """Send on a stream; `flags` are StreamFlags. How many bytes were taken."""
        cmsgs = stream_cmsg(stream_id, flags)
        return self.sock.sendmsg([data], cmsgs, msg_flags | _NOSIGNAL)

    def send_all(self, data: bytes, stream_id: int = -1, flags: int = 0) -> int:
        """Send all of `data` on one stream, waiting as often as it takes; the stream's id.

        For an id of -1 and NEW the id is picked first, so that every part goes to
        the same stream.
        """
        if flags & StreamFlags.NEW:
            stream_id = self.open_stream(stream_id, flags & ~StreamFlags.FIN)
            flags &= ~(StreamFlags.NEW | StreamFlags.UNI)
        rest = memoryview(data)
        while rest := rest[self.send(rest, stream_id, flags) :]:
            pass
        return stream_id

    def send_datagram(self, data: bytes, msg_flags: int = 0) -> int:
        """Send one datagram (RFC 9221)."""
        return self.sock.sendmsg([data], [], msg_flags | MSG_DATAGRAM | _NOSIGNAL)

    def send_handshake(self, level: CryptoLevel, data: bytes, msg_flags: int = 0) -> int:
        """Send TLS bytes in CRYPTO frames of a level."""
        return self.sock.sendmsg([data], handshake_cmsg(level), msg_flags | _NOSIGNAL)

    # Streams.

    def open_stream(self, stream_id: int = -1, flags: int = 0) -> int:
        """Open a stream of ours and make it the active one; its id."""
        question = StreamInfo(stream_id, int(flags & ~StreamFlags.NEW))
        return options.ask_record(self.sock, SockOpt.STREAM_OPEN, question).stream_id

    def reset_stream(self, stream_id: int, errcode: int = 0) -> None:
        """Give up sending on a stream (RESET_STREAM)."""
        options.set_record(self.sock, SockOpt.STREAM_RESET, ErrInfo(stream_id, errcode))

    def stop_sending(self, stream_id: int, errcode: int = 0) -> None:
        """Ask the peer to give up sending on a stream (STOP_SENDING)."""
        options.set_record(self.sock, SockOpt.STREAM_STOP_SENDING, ErrInfo(stream_id, errcode))

    # The connection.

    @property
    def peer_transport_params(self) -> TransportParams:
        """The peer's transport parameters."""
        question = TransportParams(remote=1)
        return options.ask_record(self.sock, SockOpt.TRANSPORT_PARAM, question)

    def connection_ids(self, *, of_peer: bool = False) -> ConnectionIdInfo:
        """The connection ids in use: ours, or those that the peer issued."""
        question = ConnectionIdInfo(dest=int(of_peer))
        return options.ask_record(self.sock, SockOpt.CONNECTION_ID, question)

    def set_connection_ids(self, info: ConnectionIdInfo) -> None:
        """Switch to another connection id, or retire some."""
        options.set_record(self.sock, SockOpt.CONNECTION_ID, info)

    @property
    def close_info(self) -> ConnectionClose:
        """Why the connection ended, or what `set_close_info` stored."""
        return options.get_record(self.sock, SockOpt.CONNECTION_CLOSE, ConnectionClose)

    def set_close_info(self, errcode: int, phrase: str = "") -> None:
        """What the peer will be told at close; the phrase is cut to 63 bytes."""
        cut = phrase.encode()[:63].decode(errors="ignore").encode()
        close = ConnectionClose(errcode, 0, cut)
        options.set_record(self.sock, SockOpt.CONNECTION_CLOSE, close)

    def migrate(self, host: str, port: int) -> None:
        """Move to another local address (on a server before the handshake: offer it)."""
        options.set_bytes(self.sock, SockOpt.CONNECTION_MIGRATION, sockaddr(host, port))

    def update_keys(self) -> None:
        """Start a key update (RFC 9001, 6)."""
        options.set_bytes(self.sock, SockOpt.KEY_UPDATE, b"")

    @property
    def token(self) -> bytes:
        """The address validation token (client; OSError on a server)."""
        return options.get_bytes(self.sock, SockOpt.TOKEN)

    def set_token(self, token: bytes) -> None:
        """Client: use a token. Server: send a NEW_TOKEN, whatever the bytes."""
        options.set_bytes(self.sock, SockOpt.TOKEN, token)

    @property
    def session_ticket(self) -> bytes:
        """Client: session data or the ticket that arrived. Server: the ticket key."""
        return options.get_bytes(self.sock, SockOpt.SESSION_TICKET)

    def set_session_ticket(self, data: bytes) -> None:
        """Client: session data to resume with. Server: the ticket key. 64 to 4096 bytes."""
        options.set_bytes(self.sock, SockOpt.SESSION_TICKET, data)

    # The handshake's own options.

    def install_secrets(self, *secrets: CryptoSecret) -> None:
        """Give the kernel traffic secrets, six at most: all of them are there before any is used."""
        options.set_bytes(self.sock, SockOpt.CRYPTO_SECRET, b"".join([secret.pack() for secret in secrets]))

    def own_parameters_extension(self) -> bytes:
        """The transport parameters extension that TLS has to send."""
        return options.get_bytes(self.sock, SockOpt.TRANSPORT_PARAM_EXT)

    def set_peer_parameters_extension(self, extension: bytes) -> None:
        """The transport parameters extension that TLS received."""
        options.set_bytes(self.sock, SockOpt.TRANSPORT_PARAM_EXT, extension)


def _message(data: bytes, cmsgs: Sequence[Cmsg], received: int) -> Message:
    info = parse_cmsgs(cmsgs)
    if isinstance(info, HandshakeInfo):
        return HandshakeData(CryptoLevel(info.crypto_level), data)
    if isinstance(info, StreamInfo):
        return StreamData(info.stream_id, data, is_fin(info))
    return StreamData(None, data, bool(received & StreamFlags.FIN))


def connect(host: str, port: int, *, kind: int = socket.SOCK_STREAM) -> Connection:
    """A connection to the first address of `host` that has a route; the handshake is next."""
    problem: OSError | None = None
    for family, address in resolve(host, port):
        connection = Connection.create(family, kind)
        try:
            connection.sock.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem or OSError(f"{host}: no address")
