# SPDX-License-Identifier: GPL-2.0-or-later
"""Several listeners on one address, groups with selectors, backlogs, thousands of clients that wait."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from kquic.sock import IPPROTO_QUIC, Connection, Listener
from kquic.sock._abi import SOL_QUIC, CryptoLevel, SockOpt, TransportError
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, raises, wait_for

SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF = 51, 52
SYS_BPF, BPF_PROG_LOAD, BPF_SOCKET_FILTER = 321, 5, 1

Make = Callable[..., Listener]


@pytest.fixture
def listener() -> Iterator[Make]:
    """Makes listeners on one address; `port` is that of an earlier one."""
    with ExitStack() as opened:

        def make(alpn: str = "", *, port: int = 0, reuse: bool = False, backlog: int = 10) -> Listener:
            made = opened.enter_context(Listener.create(socket.AF_INET))
            if alpn:
                made.set_alpn(alpn)
            made.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse)
            made.bind(LOCALHOST, port)
            made.listen(backlog)
            made.set_timeout(TIMEOUT)
            return made

        yield make


@pytest.fixture
def client() -> Iterator[Callable[..., Connection]]:
    """Makes clients that have sent their ClientHello."""
    with ExitStack() as opened:

        def make(port: int, *alpn: str) -> Connection:
            made = opened.enter_context(Connection.create(socket.AF_INET))
            made.connect(LOCALHOST, port)
            made.send_handshake(CryptoLevel.INITIAL, client_hello(alpn))
            return made

        yield make


def waiting(listener: Listener, milliseconds: int = 200) -> bool:
    """Whether accept() would find somebody."""
    poll = select.poll()
    poll.register(listener.fileno(), select.POLLIN)
    return bool(poll.poll(milliseconds))


def classic(index: int) -> bytes:
    """A program of classic BPF that always returns a number."""
    return struct.pack("=HBBI", 0x06, 0, 0, index)


def attach_classic(sock: socket.socket, program: bytes) -> None:
    """SO_ATTACH_REUSEPORT_CBPF."""
    code = ctypes.create_string_buffer(program, len(program))
    sock.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    )


def attach_extended(sock: socket.socket, index: int) -> None:
    """SO_ATTACH_REUSEPORT_EBPF: r0 = index; exit."""
    code = ctypes.create_string_buffer(struct.pack("=BBhi", 0xB7, 0, 0, index) + struct.pack("=BBhi", 0x95, 0, 0, 0))
    name = ctypes.create_string_buffer(b"GPL")
    attributes = ctypes.create_string_buffer(
        struct.pack("=IIQQ", BPF_SOCKET_FILTER, 2, ctypes.addressof(code), ctypes.addressof(name)), 120
    )
    libc = ctypes.CDLL(None, use_errno=True)
    program = libc.syscall(SYS_BPF, BPF_PROG_LOAD, attributes, 120)
    assert program >= 0, os.strerror(ctypes.get_errno())
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, program)
    finally:
        os.close(program)


class TestProtocols:
    """Listeners told apart by ALPN."""

    def test_each_gets_its_clients(self, listener: Make, client: Callable[..., Connection]) -> None:
        smb = listener("smb")
        web = listener("h3,h3-29", port=smb.port)
        anything = listener(port=smb.port)
        for wanted, offers in ((web, ("h3-29",)), (smb, ("smb",)), (anything, ()), (anything, ("other",))):
            client(smb.port, *offers)
            wanted.accept().close()
        assert not any(waiting(made, 0) for made in (smb, web, anything))

    def test_order_of_the_client_counts(self, listener: Make, client: Callable[..., Connection]) -> None:
        smb = listener("smb")
        web = listener("h3", port=smb.port)
        client(smb.port, "h3", "smb")
        web.accept().close()
        client(smb.port, "smb", "h3")
        smb.accept().close()

    def test_nobody_speaks_it(self, listener: Make, client: Callable[..., Connection]) -> None:
        late = client(listener("smb").port, "h3")
        wait_for(late, select.POLLHUP)
        assert late.close_info.errcode == TransportError.CRYPTO + 120

    @pytest.mark.parametrize(
        ("first", "second", "code"),
        [
            ("", "", errno.EADDRINUSE),
            ("smb", "smb", errno.EADDRINUSE),
            ("h3,h3-29", "h3", errno.EADDRINUSE),
            ("h3", "h3-29,h3", errno.EADDRINUSE),
            ("h3,smb", "smb,h3", errno.EADDRINUSE),
            ("smb", "h3", 0),
            ("", "h3", 0),
            ("h3", "", 0),
        ],
    )
    @pytest.mark.parametrize("reuse", [False, True])
    def test_conflicts(self, listener: Make, first: str, second: str, code: int, reuse: bool) -> None:
        port = listener(first, reuse=reuse).port
        if code and not (reuse and first == second):
            with raises(code):
                listener(second, port=port, reuse=reuse)
        else:
            assert listener(second, port=port, reuse=reuse).port == port

    def test_processes_share_a_port(self, listener: Make, client: Callable[..., Connection]) -> None:
        """As smbd and a web server do with UDP 443."""
        web = listener("h3")
        ready, told = os.pipe()
        if child := os.fork():
            os.read(ready, 1)
            for offer in ("smb", "h3"):
                client(web.port, offer)
            web.accept().close()
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            return
        with suppress(BaseException):
            smb = listener("smb", port=web.port)
            os.write(told, b"x")
            smb.accept().close()
            os._exit(0)
        os._exit(1)

    def test_accepted_socket_outlives_its_listener(self, listener: Make, client: Callable[..., Connection]) -> None:
        server = listener("h3")
        one = client(server.port, "h3")
        with server.accept() as accepted:
            server.close()
            assert accepted.recv()
            assert accepted.peer == one.local


class TestGroups:
    """SO_REUSEPORT."""

    def test_clients_are_shared(self, listener: Make, client: Callable[..., Connection]) -> None:
        group = [listener("h3", reuse=True)]
        group.append(listener("h3", port=group[0].port, reuse=True))
        for _ in range(32):
            client(group[0].port, "h3")
        assert all(waiting(member, 2000) for member in group)

    @pytest.mark.parametrize("chosen", [0, 1, 2])
    def test_classic_selector(self, listener: Make, client: Callable[..., Connection], chosen: int) -> None:
        group = [listener(reuse=True)]
        group += [listener(port=group[0].port, reuse=True) for _ in range(2)]
        attach_classic(group[0].sock, classic(chosen))
        for _ in range(8):
            client(group[0].port)
        for _ in range(8):
            group[chosen].accept().close()
        assert not any(waiting(member, 0) for member in group)

    def test_extended_selector(self, listener: Make, client: Callable[..., Connection]) -> None:
        group = [listener("h3", reuse=True)]
        group.append(listener("h3", port=group[0].port, reuse=True))
        attach_extended(group[1].sock, 1)
        for _ in range(8):
            client(group[0].port, "h3")
        for _ in range(8):
            group[1].accept().close()
        assert not waiting(group[0], 0)

    def test_selector_sees_the_payload(self, listener: Make, client: Callable[..., Connection]) -> None:
        """The first bit of an Initial packet is set: A = first byte & 0x80; return A >> 7."""
        group = [listener(reuse=True)]
        group.append(listener(port=group[0].port, reuse=True))
        program = struct.pack("=HBBI", 0x30, 0, 0, 0) + struct.pack("=HBBI", 0x74, 0, 0, 7)
        attach_classic(group[0].sock, program + struct.pack("=HBBI", 0x16, 0, 0, 0))
        for _ in range(8):
            client(group[0].port)
        for _ in range(8):
            group[1].accept().close()

    def test_selector_before_listen(self, client: Callable[..., Connection]) -> None:
        with Listener.create(socket.AF_INET) as one:
            one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(LOCALHOST)
            attach_classic(one.sock, classic(0))
            one.listen()
            client(one.port)
            one.set_timeout(TIMEOUT)
            one.accept().close()

    def test_selector_needs_a_group(self, listener: Make) -> None:
        with raises(errno.EINVAL):
            attach_classic(listener().sock, classic(0))

    def test_member_that_has_left_gets_nobody(self, listener: Make, client: Callable[..., Connection]) -> None:
        group = [listener(reuse=True)]
        group.append(listener(port=group[0].port, reuse=True))
        group[1].sock.listen(0)
        for _ in range(8):
            client(group[0].port)
        for _ in range(8):
            group[0].accept().close()
        group[1].sock.listen(5)
        for _ in range(32):
            client(group[0].port)
        assert all(waiting(member, 2000) for member in group)


class TestBacklog:
    """How many may wait for accept()."""

    @pytest.mark.parametrize("backlog", [1, 5])
    def test_limit(self, listener: Make, client: Callable[..., Connection], backlog: int) -> None:
        server = listener(backlog=backlog)
        clients = [client(server.port) for _ in range(backlog + 3)]
        refused = clients[backlog + 1 :]
        for late in refused:
            wait_for(late, select.POLLHUP)
            assert late.close_info.errcode == TransportError.CONNECTION_REFUSED
        for _ in range(backlog + 1):
            server.accept().close()
        assert not waiting(server, 0)

    def test_can_be_raised(self, listener: Make, client: Callable[..., Connection]) -> None:
        server = listener(backlog=1)
        server.sock.listen(20)
        for _ in range(10):
            client(server.port)
        for _ in range(10):
            server.accept().close()

    def test_thousands(self, listener: Make) -> None:
        """Beyond some hundreds clients have to prove their address first (Retry), which the kernel does."""
        nr = 1500
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        before = Path("/proc/sys/net/core/somaxconn").read_text()
        Path("/proc/sys/net/core/somaxconn").write_text("4096")
        hello = client_hello()
        with ExitStack() as opened:
            opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            opened.callback(Path("/proc/sys/net/core/somaxconn").write_text, before)
            server = listener(backlog=4000)
            clients = [opened.enter_context(Connection.create(socket.AF_INET)) for _ in range(nr)]

            def begin() -> None:
                for one in clients:
                    one.connect(LOCALHOST, server.port)
                    one.send_handshake(CryptoLevel.INITIAL, hello)

            thread = threading.Thread(target=begin)
            thread.start()
            thread.join()
            peers = set()
            for _ in range(nr):
                with server.accept() as accepted:
                    peers.add(accepted.peer)
            assert peers == {one.local for one in clients}


class TestAccept:
    """What a new socket has from its listener, and what not."""

    def test_inherited(self, listener: Make, client: Callable[..., Connection]) -> None:
        server = listener("h3")
        options = (
            (socket.SOL_SOCKET, socket.SO_SNDBUF, 50_000),
            (socket.SOL_SOCKET, socket.SO_RCVBUF, 60_000),
            (socket.SOL_SOCKET, socket.SO_PRIORITY, 5),
            (socket.SOL_SOCKET, 36, 9),  # SO_MARK
            (socket.IPPROTO_IP, socket.IP_TOS, 0x20),
            (socket.IPPROTO_IP, socket.IP_TTL, 33),
            (socket.IPPROTO_IP, 10, 2),  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        )
        for option in options:
            server.sock.setsockopt(*option)
        server.set_timeout(7.0)
        client(server.port, "h3")
        with server.accept() as accepted:
            for level, option, _ in options:
                assert accepted.sock.getsockopt(level, option) == server.sock.getsockopt(level, option)
            timeouts = (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)
            for option in timeouts:
                assert struct.unpack("@ll", accepted.sock.getsockopt(socket.SOL_SOCKET, option, 16)) == (7, 0)
            assert accepted.alpn == ("h3",)
            assert accepted.config == server.config
            assert accepted.transport_params == server.transport_params

    def test_not_inherited(self, listener: Make, client: Callable[..., Connection]) -> None:
        server = listener()
        server.set_session_ticket(b"t" * 100)
        server.sock.setsockopt(SOL_QUIC, SockOpt.CONNECTION_CLOSE, struct.pack("=IB3x64s", 5, 0, b"why"))
        client(server.port)
        with server.accept() as accepted:
            assert len(accepted.session_ticket) == 64
            assert accepted.close_info.errcode == 0

    def test_kinds(self, client: Callable[..., Connection]) -> None:
        """SOCK_DGRAM begets SOCK_DGRAM; flags of accept4() are those of the new descriptor."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_QUIC) as server:
            server.bind((LOCALHOST, 0))
            server.listen(1)
            client(server.getsockname()[1])
            server.settimeout(TIMEOUT)
            accepted, peer = server.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == IPPROTO_QUIC
                assert peer == accepted.getpeername()

    def test_null_address(self, listener: Make, client: Callable[..., Connection]) -> None:
        server = listener()
        client(server.port)
        descriptor = ctypes.CDLL(None, use_errno=True).accept(server.fileno(), None, None)
        assert descriptor >= 0
        os.close(descriptor)
