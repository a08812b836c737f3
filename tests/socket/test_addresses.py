# SPDX-License-Identifier: GPL-2.0-or-later
"""bind(), connect(), listen(), accept(), shutdown() and names: results and errno without a handshake."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kquic.sock import IPPROTO_QUIC

V4, V6 = socket.AF_INET, socket.AF_INET6
STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
CLOSED = select.POLLHUP | select.POLLERR | select.POLLIN | select.POLLRDHUP | select.POLLOUT

Make = Callable[..., socket.socket]


@pytest.fixture(scope="module", autouse=True)
def loopback() -> None:
    """The loopback device is up, and QUIC there."""
    try:
        socket.socket(V4, STREAM, IPPROTO_QUIC).close()
    except OSError as error:
        pytest.skip(f"no QUIC sockets here: {error.strerror}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)


@pytest.fixture
def quic() -> Iterator[Make]:
    """Makes QUIC sockets; they are closed after the test."""
    with ExitStack() as opened:

        def make(family: int = V4, kind: int = STREAM, bind: str | None = None, port: int = 0) -> socket.socket:
            sock = opened.enter_context(socket.socket(family, kind, IPPROTO_QUIC))
            if bind is not None:
                sock.bind((bind, port))
            return sock

        yield make


@pytest.fixture
def udp() -> Iterator[Make]:
    """Makes UDP sockets."""
    with ExitStack() as opened:
        yield lambda family=V4: opened.enter_context(socket.socket(family, DGRAM))


def error_of(call: Callable[..., Any], *args: Any) -> int:
    """The errno of a call, 0 if it succeeds."""
    try:
        call(*args)
    except OSError as error:
        return error.errno or -1
    return 0


def poll(sock: socket.socket) -> int:
    """What poll() reports at once."""
    poller = select.poll()
    poller.register(sock, 0xFFFF)
    return sum(event for _, event in poller.poll(0))


def port_of(sock: socket.socket) -> int:
    """The local port."""
    return int(sock.getsockname()[1])


def listeners() -> str:
    """/proc/net/quic/eps."""
    return Path("/proc/net/quic/eps").read_text()


class TestSocket:
    @pytest.mark.parametrize("family", [V4, V6])
    @pytest.mark.parametrize("kind", [STREAM, DGRAM])
    def test_type_and_protocol(self, quic: Make, family: int, kind: int) -> None:
        sock = quic(family, kind)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == IPPROTO_QUIC
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == kind

    def test_fresh_socket(self, quic: Make) -> None:
        sock = quic()
        assert sock.getsockname() == ("0.0.0.0", 0)
        assert error_of(sock.getpeername) == errno.ENOTCONN
        assert poll(sock) & CLOSED == CLOSED
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 4 * 65535 * 32

    def test_raw_type_is_unknown(self) -> None:
        assert error_of(socket.socket, V4, socket.SOCK_SEQPACKET, IPPROTO_QUIC) in (
            errno.EPROTONOSUPPORT,
            errno.ESOCKTNOSUPPORT,
        )

    def test_no_pairs(self) -> None:
        assert error_of(socket.socketpair, V4, STREAM, IPPROTO_QUIC) == errno.EOPNOTSUPP


class TestBind:
    def test_name(self, quic: Make) -> None:
        sock = quic(bind="127.0.0.1")
        assert sock.getsockname()[0] == "127.0.0.1"
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
        assert low <= port_of(sock) <= high

    def test_once(self, quic: Make) -> None:
        assert error_of(quic(bind="127.0.0.1").bind, ("127.0.0.1", 4434)) == errno.EINVAL

    @pytest.mark.parametrize(
        ("family", "address", "expected"),
        [
            (V4, "192.0.2.1", errno.EADDRNOTAVAIL),
            (V4, "224.0.0.1", errno.EINVAL),
            (V4, "255.255.255.255", errno.EINVAL),
            (V6, "2001:db8::1", errno.EADDRNOTAVAIL),
            (V6, "ff02::1", errno.EINVAL),
            (V6, "fe80::1", errno.EINVAL),
            (V6, "::ffff:192.0.2.1", errno.EADDRNOTAVAIL),
        ],
    )
    def test_bad_addresses(self, quic: Make, family: int, address: str, expected: int) -> None:
        assert error_of(quic(family).bind, (address, 4433)) == expected

    def test_bad_address_of_a_shared_port(self, quic: Make) -> None:
        first = quic(bind="0.0.0.0")
        assert error_of(quic().bind, ("192.0.2.1", port_of(first))) == errno.EADDRNOTAVAIL

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ((V4, "127.0.0.1"), (V4, "127.0.0.1")),
            ((V4, "0.0.0.0"), (V4, "127.0.0.1")),
            ((V4, "127.0.0.1"), (V4, "0.0.0.0")),
            ((V6, "::"), (V4, "127.0.0.1")),
            ((V6, "::"), (V4, "0.0.0.0")),
            ((V4, "0.0.0.0"), (V6, "::")),
            ((V6, "::1"), (V6, "::")),
        ],
    )
    def test_quic_sockets_share(self, quic: Make, first: tuple[int, str], second: tuple[int, str]) -> None:
        port = port_of(quic(first[0], bind=first[1]))
        assert port_of(quic(second[0], bind=second[1], port=port)) == port

    @pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
    @pytest.mark.parametrize("reuse", [0, 1])
    def test_foreign_udp_socket_keeps_its_port(self, quic: Make, udp: Make, address: str, reuse: int) -> None:
        foreign = udp()
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        foreign.bind(("127.0.0.1", 0))
        assert error_of(quic().bind, (address, port_of(foreign))) == errno.EADDRINUSE

    @pytest.mark.parametrize("reuse", [0, 1])
    def test_foreign_udp_socket_cannot_have_ours(self, quic: Make, udp: Make, reuse: int) -> None:
        foreign = udp()
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        assert error_of(foreign.bind, ("127.0.0.1", port_of(quic(bind="0.0.0.0")))) == errno.EADDRINUSE

    def test_privileged_port_needs_a_capability(self, quic: Make) -> None:
        sock, shared = quic(), quic(bind="127.0.0.1", port=443)
        if child := os.fork():
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == errno.EACCES
            assert port_of(shared) == 443
            return
        os.setuid(65534)
        os._exit(error_of(sock.bind, ("127.0.0.1", 443)))


class TestNamesOfV6Sockets:
    def test_mapped_address_is_ipv4(self, quic: Make) -> None:
        sock = quic(V6, bind="::ffff:127.0.0.1")
        assert sock.getsockname() == ("127.0.0.1", port_of(sock))

    def test_connected_to_ipv4(self, quic: Make) -> None:
        sock = quic(V6)
        sock.connect(("::ffff:127.0.0.1", 4433))
        assert sock.getpeername() == ("127.0.0.1", 4433)
        assert len(sock.getsockname()) == 2

    def test_connected_to_ipv6(self, quic: Make) -> None:
        sock = quic(V6)
        sock.connect(("::1", 4433))
        assert sock.getpeername()[:2] == ("::1", 4433)
        assert sock.getsockname()[0] == "::1"

    @pytest.mark.parametrize("call", ["bind", "connect"])
    def test_v6only_has_no_ipv4(self, quic: Make, call: str) -> None:
        sock = quic(V6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        assert error_of(getattr(sock, call), ("::ffff:127.0.0.1", 4433)) == errno.EINVAL


class TestConnect:
    def test_returns_at_once(self, quic: Make) -> None:
        sock = quic()
        sock.setblocking(False)
        sock.connect(("127.0.0.1", 4433))
        assert sock.getpeername() == ("127.0.0.1", 4433)
        assert sock.getsockname()[0] == "127.0.0.1"
        assert port_of(sock)

    def test_keeps_the_bound_port(self, quic: Make) -> None:
        sock = quic(bind="0.0.0.0")
        port = port_of(sock)
        sock.connect(("127.0.0.1", 4433))
        assert sock.getsockname() == ("127.0.0.1", port)

    def test_once(self, quic: Make) -> None:
        sock = quic()
        sock.connect(("127.0.0.1", 4433))
        assert error_of(sock.connect, ("127.0.0.1", 4433)) == errno.EINVAL
        sock.shutdown(socket.SHUT_RDWR)
        assert error_of(sock.connect, ("127.0.0.1", 4433)) == errno.EINVAL
        assert error_of(sock.listen, 1) == errno.EINVAL

    @pytest.mark.parametrize(
        ("family", "peer", "expected"),
        [
            (V4, ("0.0.0.0", 4433), errno.EINVAL),
            (V4, ("127.0.0.1", 0), errno.EINVAL),
            (V4, ("224.0.0.1", 4433), errno.EINVAL),
            (V4, ("192.0.2.1", 4433), errno.ENETUNREACH),
            (V6, ("::", 4433), errno.EINVAL),
            (V6, ("2001:db8::1", 4433), errno.ENETUNREACH),
        ],
    )
    def test_bad_peers(self, quic: Make, family: int, peer: tuple[str, int], expected: int) -> None:
        sock = quic(family)
        assert error_of(sock.connect, peer) == expected
        assert error_of(sock.connect, ("127.0.0.1" if family == V4 else "::1", 4433)) == 0

    def test_wrong_source(self, quic: Make) -> None:
        assert error_of(quic(V6, bind="::1").connect, ("::ffff:127.0.0.1", 4433)) == errno.EINVAL

    def test_end(self, quic: Make) -> None:
        sock = quic()
        sock.connect(("127.0.0.1", 4433))
        name = sock.getsockname()
        sock.shutdown(socket.SHUT_RDWR)
        assert sock.getsockname() == name
        assert error_of(sock.getpeername) == errno.ENOTCONN
        assert error_of(sock.recv, 1) == errno.ENOTCONN
        assert error_of(sock.shutdown, socket.SHUT_WR) == errno.ENOTCONN
        assert poll(sock) & CLOSED == CLOSED


class TestListen:
    def test_appears_and_disappears(self, quic: Make) -> None:
        sock = quic(bind="127.0.0.1")
        line = f"\t127.0.0.1:{port_of(sock)}\t"
        sock.listen(1)
        assert line in listeners()
        sock.close()
        assert line not in listeners()

    def test_binds_by_itself(self, quic: Make) -> None:
        sock = quic()
        sock.listen(1)
        assert sock.getsockname() == ("0.0.0.0", port_of(sock))
        assert port_of(sock)

    def test_backlog_of_zero_stops(self, quic: Make) -> None:
        sock = quic(bind="127.0.0.1")
        assert error_of(sock.listen, 0) == errno.EINVAL
        sock.listen(1)
        sock.listen(0)
        assert error_of(sock.accept) == errno.EINVAL
        sock.listen(2)

    def test_calls_of_a_listener(self, quic: Make) -> None:
        sock = quic(bind="127.0.0.1")
        sock.listen(1)
        sock.listen(5)
        sock.setblocking(False)
        assert error_of(sock.accept) == errno.EAGAIN
        assert error_of(sock.connect, ("127.0.0.1", 1)) == errno.EINVAL
        assert error_of(sock.getpeername) == errno.ENOTCONN
        assert error_of(sock.recv, 1) == errno.ENOTCONN
        assert error_of(sock.shutdown, socket.SHUT_WR) == 0
        assert error_of(sock.shutdown, socket.SHUT_RDWR) == errno.EOPNOTSUPP
        assert poll(sock) == 0

    def test_same_address_and_no_protocols(self, quic: Make) -> None:
        first = quic(bind="127.0.0.1")
        second = quic(bind="127.0.0.1", port=port_of(first))
        first.listen(1)
        assert error_of(second.listen, 1) == errno.EADDRINUSE
        first.close()
        second.listen(1)

    @pytest.mark.parametrize(("one", "both"), [((1, 0), False), ((1, 1), True)])
    def test_reuseport(self, quic: Make, one: tuple[int, int], both: bool) -> None:
        first = quic(bind="127.0.0.1")
        second = quic(bind="127.0.0.1", port=port_of(first))
        for sock, value in zip((first, second), one, strict=True):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, value)
        first.listen(1)
        assert (error_of(second.listen, 1) == 0) == both

    def test_another_user_cannot_take_clients_away(self, quic: Make) -> None:
        anywhere = quic(bind="0.0.0.0")
        anywhere.listen(1)
        if child := os.fork():
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == errno.EADDRINUSE
            return
        os.setuid(65534)
        thief = socket.socket(V4, STREAM, IPPROTO_QUIC)
        thief.bind(("127.0.0.1", port_of(anywhere)))
        os._exit(error_of(thief.listen, 1))

    def test_again_at_once(self, quic: Make) -> None:
        port = port_of(quic(bind="127.0.0.1"))
        for _ in range(100):
            with quic(bind="127.0.0.1", port=port) as sock:
                sock.listen(1)

    def test_port_is_free_afterwards(self, quic: Make, udp: Make) -> None:
        port = port_of(sock := quic(bind="127.0.0.1"))
        sock.close()
        probe = quic(bind="127.0.0.2")  # has what is unused released
        foreign = udp()
        foreign.bind(("127.0.0.1", port))
        assert port_of(probe)
