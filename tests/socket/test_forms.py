# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses, kinds of sockets and calls as programs of others use them, byte by byte."""

from __future__ import annotations

import errno
import mmap
import os
import select
import socket
import struct
from contextlib import ExitStack, suppress

import pytest

import raw_calls as raw
from kquic.sock import IPPROTO_QUIC, Connection, TransportParams, listen
from kquic.sock._abi import (
    CryptoLevel,
    StreamFlags,
)
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, handshake, raises, read

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN
V4, V6 = socket.AF_INET, socket.AF_INET6
MAPPED = "::ffff:127.0.0.1"


def new(family: int = V4, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A raw socket."""
    return socket.socket(family, kind, IPPROTO_QUIC)


class TestAddresses:
    """Lengths and forms."""

    @pytest.mark.parametrize("call", ["bind", "connect"])
    @pytest.mark.parametrize(
        ("family", "address"),
        [
            (V4, raw.sockaddr_in(LOCALHOST, 4433)),
            (V6, raw.sockaddr_in6("::1", 4433)),
            (V6, raw.sockaddr_in6(MAPPED, 4433)),
            (V6, raw.sockaddr_in(LOCALHOST, 4433)),
        ],
    )
    def test_lengths(self, call: str, family: int, address: bytes) -> None:
        for length in (0, 1, 2, len(address) - 1):
            with new(family) as sock:
                assert raw.errno_of(call, sock, address, length) == errno.EINVAL
        for length in (len(address), raw.STORAGE):
            with new(family) as sock:
                assert raw.errno_of(call, sock, address, length) == 0

    @pytest.mark.parametrize("call", ["bind", "connect"])
    @pytest.mark.parametrize(
        ("family", "address"),
        [
            (V4, raw.sockaddr_in6("::1", 4433)),
            (V4, struct.pack("=H", socket.AF_UNSPEC) + bytes(14)),
            (V6, struct.pack("=H", socket.AF_UNSPEC) + bytes(26)),
            (V4, struct.pack("=H", socket.AF_UNIX) + b"/none\0".ljust(26)),
            (V6, raw.sockaddr_in("224.0.0.1", 4433)),
            (V6, raw.sockaddr_in6("::ffff:224.0.0.1", 4433)),
            (V6, raw.sockaddr_in6("fe80::1", 4433)),
            (V6, raw.sockaddr_in6("fe80::1", 4433, 9999)),
        ],
    )
    def test_refused(self, call: str, family: int, address: bytes) -> None:
        with new(family) as sock:
            assert raw.errno_of(call, sock, address) == errno.EINVAL

    @pytest.mark.parametrize("host", ["::ffff:0.0.0.0", "::"])
    def test_no_peer_is_a_wildcard(self, host: str) -> None:
        with new(V6) as sock:
            assert raw.errno_of("connect", sock, raw.sockaddr_in6(host, 4433)) == errno.EINVAL

    @pytest.mark.parametrize("peer", [raw.sockaddr_in(LOCALHOST, 4433), raw.sockaddr_in6(MAPPED, 4433)])
    def test_ipv4_names_are_16_bytes_on_any_socket(self, peer: bytes) -> None:
        """Programs compare the memory."""
        with new(V6) as sock:
            assert raw.errno_of("connect", sock, peer) == 0
            assert raw.name_of("getpeername", sock) == raw.sockaddr_in(LOCALHOST, 4433)
            assert raw.name_of("getsockname", sock) == raw.sockaddr_in(LOCALHOST, sock.getsockname()[1])

    @pytest.mark.parametrize(
        ("family", "zeros"), [(V4, raw.sockaddr_in("0.0.0.0", 0)), (V6, raw.sockaddr_in6("::", 0))]
    )
    def test_no_name_yet(self, family: int, zeros: bytes) -> None:
        with new(family) as sock:
            assert raw.name_of("getsockname", sock) == zeros

    def test_listener_of_both_families(self) -> None:
        """accept() tells IPv4 clients as such."""
        with ExitStack() as opened:
            listener = opened.enter_context(listen("::"))
            listener.set_timeout(TIMEOUT)
            for family, host in ((V4, LOCALHOST), (V6, "::1"), (V6, MAPPED)):
                client = opened.enter_context(Connection.create(family))
                client.connect(host, listener.port)
                client.send_handshake(CryptoLevel.INITIAL, client_hello())
                assert raw.name_of("accept", listener.sock) == raw.name_of("getsockname", client.sock)

    def test_v6only_listener(self) -> None:
        with ExitStack() as opened:
            sock = opened.enter_context(new(V6))
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("::", 0))
            with raises(errno.EINVAL):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.listen(1)
            other = opened.enter_context(listen("0.0.0.0"))
            assert other.port != sock.getsockname()[1]
            with opened.enter_context(new()) as v4:
                v4.bind(("0.0.0.0", sock.getsockname()[1]))
                v4.listen(1)


class TestSocket:
    """What kind of thing it is."""

    def test_kind(self, pair: Pair) -> None:
        with listen(LOCALHOST) as listener:
            assert listener.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        assert pair.client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
        assert pair.server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == V4

    def test_no_mapping(self, pair: Pair) -> None:
        with raises(errno.ENODEV):
            mmap.mmap(pair.client.fileno(), 4096)

    def test_seeking(self, pair: Pair) -> None:
        with raises(errno.ESPIPE):
            os.lseek(pair.client.fileno(), 0, os.SEEK_SET)
        with raises(errno.ESPIPE):
            os.pwrite(pair.client.fileno(), b"x", 1)

    def test_datagram_type_is_the_same(self) -> None:
        """Plain reads and writes, end of a stream, end of the connection."""
        with ExitStack() as opened:
            listener = opened.enter_context(listen(LOCALHOST, alpn=("data",), kind=socket.SOCK_DGRAM))
            client = opened.enter_context(Connection.create(V4, socket.SOCK_DGRAM))
            client.connect(LOCALHOST, listener.port)
            server = opened.enter_context(handshake(client, listener))
            assert server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM
            client.open_stream()
            assert os.write(client.fileno(), b"x" * 70_000) == 70_000
            got = b""
            while len(got) < 70_000:
                got += os.read(server.fileno(), 9000)
            assert os.write(server.fileno(), b"answer") == 6
            assert os.read(client.fileno(), 3) + os.read(client.fileno(), 100) == b"answer"
            assert client.sock.send(b"", FIN) == 0
            assert os.read(server.fileno(), 100) == b""
            client.close()
            with raises(errno.ENOTCONN):
                os.read(server.fileno(), 100)

    def test_ipv4_options_of_ipv6_sockets(self) -> None:
        """They are for IPv4 peers."""
        with socket.socket(V4, socket.SOCK_DGRAM) as udp, Connection.create(V6) as client:
            udp.bind((LOCALHOST, 0))
            udp.settimeout(TIMEOUT)
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            client.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x28)
            client.connect(MAPPED, udp.getsockname()[1])
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
            _, ((_, _, tos),), _, _ = udp.recvmsg(2000, 100)
            assert tos[0] & 0xFC == 0x28


class TestSeveralMessages:
    """sendmmsg() and recvmmsg()."""

    def test_there_and_back(self, pair: Pair) -> None:
        pair.client.open_stream()
        assert raw.sendmmsg(pair.client.sock, [b"one", b"two", b"three"]) == [3, 3, 5]
        got = b""
        while len(got) < 11:
            got += b"".join(raw.recvmmsg(pair.server.sock, 4, 2, 0x10000))
        assert got == b"onetwothree"


class TestEdges:
    """epoll with EPOLLET is told of each arrival, and of room."""

    def test_arrivals(self, pair: Pair) -> None:
        with select.epoll() as poller:
            poller.register(pair.server.fileno(), select.EPOLLIN | select.EPOLLET)
            assert poller.poll(0) == []
            for count in range(1, 4):
                pair.client.send(b"x", 0, NEW if count == 1 else 0)
                assert poller.poll(TIMEOUT) == [(pair.server.fileno(), select.EPOLLIN)]
                while pair.server.unread < count:
                    pass
            assert len(pair.server.recv().data) == 3  # type: ignore[union-attr]

    def test_room(self) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair, select.epoll() as poller:
            pair.client.sock.setblocking(False)
            poller.register(pair.client.fileno(), select.EPOLLOUT | select.EPOLLET)
            assert poller.poll(TIMEOUT) == [(pair.client.fileno(), select.EPOLLOUT)]
            pair.client.send(bytes(2000), flags=NEW)
            with suppress(BlockingIOError):
                os.write(pair.client.fileno(), b"x")
                pytest.fail("there was credit")
            read(pair.server, 2000)
            while True:
                assert poller.poll(TIMEOUT)
                with suppress(BlockingIOError):
                    assert os.write(pair.client.fileno(), b"x") == 1
                    break
