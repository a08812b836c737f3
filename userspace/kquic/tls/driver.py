# SPDX-License-Identifier: GPL-2.0-or-later
"""Handshakes on a kernel socket: secrets, parameters and CRYPTO bytes to and fro.

`KernelHandshake.step()` goes as far as it can without waiting and says what to
wait for; the blocking and the asyncio functions below only wait.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum

from kquic.sock import AsyncConnection, Connection, CryptoLevel, CryptoSecret, HandshakeData
from kquic.sock.aio import wait_readable, wait_writable

from .actions import Action, HandshakeResult, InstallSecret, SendCrypto
from .alerts import Alert
from .errors import HandshakeError, HandshakeTimeout, PeerClosed, SocketFailed, TlsError
from .handshake import Handshake
from .settings import ClientSettings, ServerSettings, Settings

DEFAULT_TIMEOUT = 10.0
SEND_RETRY = 0.1
TICKET_POLL = 0.02

_CLOSED = (errno.ENOTCONN, errno.EPIPE)
_DONTWAIT, _MORE = int(socket.MSG_DONTWAIT), int(socket.MSG_MORE)


class Wait(IntEnum):
    """What a handshake waits for."""

    READ = select.POLLIN
    WRITE = select.POLLOUT


class _KernelParameters:
    """Transport parameters from and to the socket."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def local(self) -> bytes:
        return self._connection.own_parameters_extension()

    def received(self, extension: bytes) -> None:
        try:
            self._connection.set_peer_parameters_extension(extension)
        except OSError as error:
            raise HandshakeError(
                f"the peer's transport parameters were refused: {error.strerror}",
                Alert.ILLEGAL_PARAMETER,
            ) from error


Call = SendCrypto | Sequence[InstallSecret]
"""One system call."""


def calls(actions: Sequence[Action], *, complete: bool) -> list[Call]:
    """The calls that do what TLS wants after one step, in an order that makes for few calls and few datagrams.

    Secrets come first, all at once. Only those that complete the handshake are behind the messages that can do without
    them, which then wait (MSG_MORE) for what the kernel sends by itself in that moment.
    """
    secrets = [action for action in actions if isinstance(action, InstallSecret)]
    messages = [action for action in actions if isinstance(action, SendCrypto)]
    if not secrets:
        return [*messages]
    new = {secret.level for secret in secrets if secret.send}
    before = [message for message in messages if complete and message.level not in new]
    after = [message for message in messages if message not in before]
    return [*before, secrets, *after]


class KernelHandshake:
    """One handshake on one connection."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self.connection = connection
        self.tls = Handshake(settings, _KernelParameters(connection))
        self._pending: list[Call] = []
        self._started = False

    def step(self) -> Wait | None:
        """Go on; None when the handshake is done. A failure is told to the peer and raised."""
        try:
            return self._step()
        except OSError as error:
            raise self._explain(error) from error
        except Exception as error:
            told = error if isinstance(error, HandshakeError) else HandshakeError(str(error))
            self.abort(told.errcode, str(error))
            raise

    def abort(self, errcode: int | None, why: str = "") -> None:
        """Close the connection; the peer is told the code, an alert's (RFC 9001, 4.8) mostly."""
        if self._is_closed():
            return  # its close information is to stay
        with suppress(OSError):
            if errcode is not None:
                self.connection.set_close_info(errcode, why)
            self.connection.sock.shutdown(socket.SHUT_RDWR)

    def _is_closed(self) -> bool:
        try:
            self.connection.sock.getpeername()
        except OSError:
            return True
        return False

    def _step(self) -> Wait | None:
        if not self._started:
            self._started = True
            self._pending = calls(self.tls.start(), complete=False)
        while True:
            spoke = any(isinstance(call, SendCrypto) for call in self._pending)
            if not self._flush():
                return Wait.WRITE
            if self.tls.complete:
                return None
            if spoke or not self._read():  # an answer is at least a round trip away
                return Wait.READ

    def _flush(self) -> bool:
        """Act on what TLS wants; False if the socket takes no more for now."""
        while self._pending:
            call = self._pending[0]
            if not isinstance(call, SendCrypto):
                self._install(call)
            elif not self._send(call):
                return False
            self._pending.pop(0)
        return True

    def _install(self, actions: Sequence[InstallSecret]) -> None:
        secrets = [CryptoSecret(int(action.send), action.level, action.cipher, action.secret) for action in actions]
        self.connection.install_secrets(*secrets)

    def _send(self, action: SendCrypto) -> bool:
        """Send one message; MSG_MORE says that more follows, so that packets and datagrams are shared."""
        flags = _DONTWAIT | (_MORE if len(self._pending) > 1 else 0)
        try:
            sent = self.connection.send_handshake(action.level, action.data, flags)
        except BlockingIOError:
            return False
        if sent < len(action.data):
            self._pending[0] = SendCrypto(action.level, action.data[sent:])
        return sent == len(action.data)

    def _read(self) -> bool:
        """Give TLS what has arrived; False if that is nothing."""
        try:
            message = self.connection.recv(flags=_DONTWAIT)
        except BlockingIOError:
            return False
        if isinstance(message, HandshakeData):
            actions = self.tls.receive(message.level, message.data)
            self._pending = calls(actions, complete=self.tls.complete)
        return True

    def _explain(self, error: OSError) -> TlsError:
        """What lies behind a socket call that failed."""
        code = self.connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or error.errno
        if code not in _CLOSED and not (code == errno.EINVAL and self._is_closed()):
            return SocketFailed(code or errno.EIO, os.strerror(code or errno.EIO))
        close = self.connection.close_info
        return PeerClosed(close.errcode, close.text)


def run(connection: Connection, settings: Settings, timeout: float = DEFAULT_TIMEOUT) -> Handshake:
    """Do a handshake, waiting at most `timeout` seconds."""
    deadline = time.monotonic() + timeout
    work = KernelHandshake(connection, settings)
    poller = select.poll()
    while (wait := work.step()) is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _timed_out(work, timeout)
        poller.register(connection.fileno(), wait)
        poller.poll(1000 * min(left, _longest(wait)))
    return work.tls


def _longest(wait: Wait) -> float:
    """Before flow control credit exists, POLLOUT may not tell of room for CRYPTO bytes."""
    return SEND_RETRY if wait is Wait.WRITE else float("inf")


async def run_async(connection: AsyncConnection, settings: Settings, timeout: float = DEFAULT_TIMEOUT) -> Handshake:
    """Do a handshake in asyncio, waiting at most `timeout` seconds."""
    work = KernelHandshake(connection.connection, settings)
    try:
        async with asyncio.timeout(timeout):
            while (wait := work.step()) is not None:
                await _wait_async(connection.connection.fileno(), wait)
    except TimeoutError as error:
        raise _timed_out(work, timeout) from error
    return work.tls


async def _wait_async(fd: int, wait: Wait) -> None:
    if wait is Wait.READ:
        await wait_readable(fd)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(SEND_RETRY):
            await wait_writable(fd)


def wait_for_ticket(connection: Connection, tls: Handshake, seconds: float) -> bytes | None:
    """Client, after the handshake: session data to resume with, once the ticket is there."""
    deadline = time.monotonic() + seconds
    while not (ticket := connection.session_ticket):
        if time.monotonic() >= deadline:
            return None
        time.sleep(TICKET_POLL)
    tls.receive(CryptoLevel.APP, ticket)
    return tls.session_data()


def _timed_out(work: KernelHandshake, timeout: float) -> HandshakeTimeout:
    work.abort(None)
    return HandshakeTimeout(f"no handshake within {timeout:g} seconds")


def client_handshake(
    connection: Connection, settings: ClientSettings, timeout: float = DEFAULT_TIMEOUT
) -> HandshakeResult:
    """A client's handshake on a connected socket."""
    return run(connection, settings, timeout).result


def server_handshake(
    connection: Connection, settings: ServerSettings, timeout: float = DEFAULT_TIMEOUT
) -> HandshakeResult:
    """A server's handshake on an accepted socket."""
    return run(connection, settings, timeout).result


async def client_handshake_async(
    connection: AsyncConnection, settings: ClientSettings, timeout: float = DEFAULT_TIMEOUT
) -> HandshakeResult:
    """A client's handshake in asyncio."""
    return (await run_async(connection, settings, timeout)).result


async def server_handshake_async(
    connection: AsyncConnection, settings: ServerSettings, timeout: float = DEFAULT_TIMEOUT
) -> HandshakeResult:
    """A server's handshake in asyncio."""
    return (await run_async(connection, settings, timeout)).result
