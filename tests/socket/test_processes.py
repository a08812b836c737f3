# SPDX-License-Identifier: GPL-2.0-or-later
"""Descriptors in several processes and threads, network namespaces and devices that go away."""

from __future__ import annotations

import array
import errno
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from kernel_log import KernelLog
from kquic.lab.topology import Host, Impairment, Link
from kquic.sock import IPPROTO_QUIC, Connection, Listener, TransportParams, listen
from kquic.sock._abi import CryptoLevel, EventType, StreamFlags
from kquic.sock.events import StreamData
from protocol.wire import client_hello
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, handshake, raises, read

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN


def child(work: Callable[[], object]) -> int:
    """Run this in a process of its own; its exit status."""
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(BaseException):
        work()
        os._exit(0)
    os._exit(1)


@contextmanager
def inside(call: Callable[[], object]) -> Iterator[None]:
    """Another thread is in the call, asleep; it has returned afterwards."""
    started: list[int] = []

    def run() -> None:
        started.append(threading.get_native_id())
        call()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + TIMEOUT
    while not started or "\nState:\tS" not in Path(f"/proc/self/task/{started[0]}/status").read_text():
        assert time.monotonic() < deadline
    yield
    thread.join()


class TestProcesses:
    """One connection, several processes."""

    def test_fork(self, pair: Pair) -> None:
        def work() -> None:
            pair.client.send(b"from the child", flags=NEW | FIN)

        assert child(work) == 0
        assert read(pair.server, 100) == StreamData(0, b"from the child", fin=True)
        pair.client.send(b"still open", flags=NEW | FIN)
        assert read(pair.server, 100) == StreamData(4, b"still open", fin=True)

    def test_descriptor_is_passed(self, pair: Pair) -> None:
        here, there = socket.socketpair()
        with here, there:
            here.sendmsg(
                [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pair.client.fileno()]).tobytes())]
            )
            pair.client.close()
            _, cmsgs, _, _ = there.recvmsg(1, 64)
        (descriptor,) = array.array("i", cmsgs[0][2])
        with Connection(socket.socket(fileno=descriptor)) as passed:
            passed.send(b"passed", flags=NEW | FIN)
            assert read(pair.server, 100).data == b"passed"

    def test_last_close_ends_it(self, pair: Pair) -> None:
        copy = pair.client.sock.dup()
        pair.client.close()
        pair.server.send(b"x", flags=NEW)
        copy.close()
        with raises(errno.ENOTCONN):
            pair.server.recv()

    def test_descriptor_in_flight_only(self, pair: Pair) -> None:
        """Nobody has it any more when the carrier goes."""
        here, there = socket.socketpair()
        here.sendmsg(
            [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pair.client.fileno()]).tobytes())]
        )
        pair.client.close()
        here.close()
        there.close()
        with raises(errno.ENOTCONN):
            pair.server.recv()


class TestThreads:
    """Closing and using at the same time."""

    @pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
    def test_shutdown_wakes_a_reader(self, pair: Pair, how: int) -> None:
        threading.Timer(0.1, pair.client.sock.shutdown, (how,)).start()
        with raises(errno.ENOTCONN):
            pair.client.recv()

    def test_listen_0_wakes_accept(self) -> None:
        with listen(LOCALHOST) as listener:
            threading.Timer(0.1, listener.sock.listen, (0,)).start()
            with raises(errno.EINVAL):
                listener.accept()

    def test_shutdown_wakes_a_writer(self) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair:
            pair.client.send(bytes(2000), flags=NEW)
            threading.Timer(0.1, pair.client.shutdown).start()
            with raises(errno.EPIPE):
                pair.client.send(b"x", 0)

    def test_close_under_a_reader(self, pair: Pair) -> None:
        """The call keeps the socket: it gets what comes, and after it the connection is gone."""
        got: list[bytes] = []
        descriptor = os.dup(pair.server.fileno())
        pair.server.close()
        with inside(lambda: got.append(os.read(descriptor, 100))):
            os.close(descriptor)
            pair.client.send(b"still comes", flags=NEW)
        assert got == [b"still comes"]
        with raises(errno.ENOTCONN):
            pair.client.recv()

    def test_close_under_accept(self) -> None:
        """As for a reader; then nobody listens any more."""
        with listen(LOCALHOST) as listener, Connection.create(socket.AF_INET) as client:
            listener.set_timeout(None)
            descriptor, port = listener.fileno(), listener.port
            got: list[socket.socket] = []
            with inside(lambda: got.append(listener.sock.accept()[0])):
                os.close(descriptor)
                client.connect(LOCALHOST, port)
                client.send_handshake(CryptoLevel.INITIAL, client_hello())
            listener.sock.detach()
            got[0].close()
            assert f":{port}\t" not in Path("/proc/net/quic/eps").read_text()

    def test_two_readers(self, pair: Pair) -> None:
        """Each byte is for one of them."""
        got: queue.Queue[int] = queue.Queue()

        def run() -> None:
            while data := pair.server.sock.recv(1000):
                got.put(len(data))

        readers = [threading.Thread(target=run) for _ in range(2)]
        for reader in readers:
            reader.start()
        pair.client.send_all(bytes(200_000), flags=NEW)
        left = 200_000
        while left > 0:
            left -= got.get(timeout=TIMEOUT)
        # A stream without bytes is an end for one of them. It might arrive before bytes of another stream.
        for stream in (4, 8):
            pair.client.send(b"", stream, NEW | FIN)
        for reader in readers:
            reader.join()
        assert left == 0
        assert got.empty()

    def test_two_writers_of_one_stream(self, pair: Pair) -> None:
        """What one call writes stays together as long as it need not wait."""
        pair.client.open_stream()

        def run(letter: bytes) -> None:
            for _ in range(200):
                pair.client.send(letter * 100, 0)

        writers = [threading.Thread(target=run, args=(letter,)) for letter in (b"a", b"b")]
        for writer in writers:
            writer.start()
        data = read(pair.server, 40_000).data
        for writer in writers:
            writer.join()
        pieces = [data[start : start + 100] for start in range(0, len(data), 100)]
        assert sorted(pieces) == [b"a" * 100] * 200 + [b"b" * 100] * 200

    def test_close_while_others_use_it(self, pair: Pair) -> None:
        """The call that is under way keeps the socket; nothing else may happen than an errno."""
        stop = threading.Event()
        seen: set[int] = set()

        def use(call: Callable[[], object]) -> None:
            while not stop.is_set():
                try:
                    call()
                except OSError as error:
                    seen.add(error.errno or 0)

        client, server = pair.client, pair.server
        nowait = socket.MSG_DONTWAIT
        calls = (
            lambda: client.send(b"x" * 3000, 0, NEW, msg_flags=nowait),
            lambda: client.send(b"x" * 3000, 0, msg_flags=nowait),
            lambda: client.recv(flags=nowait),
            lambda: server.recv(flags=nowait),
            lambda: client.enable_event(EventType.STREAM_UPDATE),
            lambda: client.update_keys(),
            lambda: client.peer,
            lambda: client.reset_stream(4),
        )
        threads = [threading.Thread(target=use, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        server.close()
        time.sleep(0.1)
        client.close()
        stop.set()
        for thread in threads:
            thread.join()
        known = {errno.EAGAIN, errno.EINVAL, errno.EPIPE, errno.ENOTCONN, errno.EBADF, errno.ENOSPC, errno.ENOSTR}
        assert seen <= known, {errno.errorcode[code] for code in seen - known}


class TestNamespaces:
    """Sockets whose network goes away."""

    def _pair(self, opened: ExitStack, host: Host, address: str) -> tuple[Listener, Connection]:
        with host.entered():
            listener = opened.enter_context(listen(address))
            client = opened.enter_context(Connection.create(listener.sock.family))
            client.connect(address, listener.port)
            client.send_handshake(CryptoLevel.INITIAL, client_hello())
        listener.set_timeout(TIMEOUT)
        return listener, client

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_namespace_without_a_name(self, address: str) -> None:
        """It lives on as long as a socket is in it."""
        with ExitStack() as opened:
            host = Host("edge")
            listener, client = self._pair(opened, host, address)
            host.close()
            with listener.accept() as accepted:
                assert accepted.recv()
                assert client.peer[0] == address

    def test_process_dies_with_everything_open(self) -> None:
        with closing(Host("edge")) as host:

            def work() -> None:
                opened = ExitStack()
                listener, _ = self._pair(opened, host, LOCALHOST)
                listener.accept()
                os._exit(7)

            assert child(work) == 7

    @pytest.mark.parametrize("device", ["down", "gone"])
    def test_device(self, device: str) -> None:
        with closing(Host("edge")) as host, ExitStack() as opened:
            host.run("ip", "link", "add", "d0", "type", "dummy")
            host.run("ip", "link", "set", "d0", "up")
            host.run("ip", "addr", "add", "192.0.2.1/24", "dev", "d0")
            with host.entered():
                client = opened.enter_context(Connection.create(socket.AF_INET))
                client.connect("192.0.2.7", 4433)
                bound = opened.enter_context(Connection.create(socket.AF_INET))
                bound.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"d0")
                bound.connect("192.0.2.7", 4433)
            hello = client_hello()
            assert client.send_handshake(CryptoLevel.INITIAL, hello) == len(hello)
            if device == "gone":
                host.run("ip", "link", "del", "d0")
            else:
                host.run("ip", "link", "set", "d0", "down")
            for end in (client, bound):
                assert end.send_handshake(CryptoLevel.INITIAL, hello) == len(hello)
                end.set_timeout(0.3)
                with raises(errno.EAGAIN):
                    end.recv()

    def test_link_under_a_connection(self, klog: KernelLog) -> None:
        """With data on its way, unread and unsent, and a client that nobody has accepted."""
        with closing(Host("edge")) as host, closing(Host("far")) as far, ExitStack() as opened:
            link = Link(host, far, "d0")
            host.add_address(link.dev, "192.0.2.1", 24)
            far.add_address(link.dev, "192.0.2.7", 24)
            with far.entered():
                listener = opened.enter_context(listen("192.0.2.7", alpn=("data",)))
            with host.entered():
                client = opened.enter_context(Connection.create(socket.AF_INET))
                waiting = opened.enter_context(Connection.create(socket.AF_INET))
            client.connect("192.0.2.7", listener.port)
            server = opened.enter_context(handshake(client, listener))
            waiting.connect("192.0.2.7", listener.port)
            waiting.send_handshake(CryptoLevel.INITIAL, client_hello())
            client.send_all(bytes(50_000), flags=NEW)
            client.send(b"corked", 0, msg_flags=socket.MSG_MORE)
            assert server.recv(1000)
            # Whoever still held the device would keep this from returning.
            host.run("ip", "link", "del", link.dev, timeout=20)
            client.send(b"into the void", 0)
            server.send(b"into the void", flags=NEW)
            assert len(read(server, 40_000).data) == 40_000
            for end in (client, server):
                end.close()
        assert klog.lines("unregister_netdevice") == []

    def test_goes_with_its_connections(self) -> None:
        """Both ends sent again what got lost until they gave up; a socket that stayed would keep the namespace."""
        with closing(Host("edge")) as host, closing(Host("far")) as far, ExitStack() as opened:
            link = Link(far, host, "d0")
            with host.entered():
                pair = opened.enter_context(established(TransportParams(max_idle_timeout=2_000_000)))
            host.impair("lo", Impairment(loss_percent=100))
            for end in (pair.client, pair.server):
                end.send(bytes(5000), flags=NEW)
            for end in (pair.client, pair.server):
                with raises(errno.ENOTCONN):
                    end.recv()
            opened.close()
            host.close()
            deadline = time.monotonic() + 2 * TIMEOUT
            while f" {link.dev}@" in far.run("ip", "link"):
                assert time.monotonic() < deadline, "the namespace is still there"
                time.sleep(0.05)

    def test_sockets_by_the_hundred(self) -> None:
        """Connections that nobody has finished, dropped at once with their namespace."""
        for _ in range(3):
            with closing(Host("edge")) as host, ExitStack() as opened:
                for _ in range(100):
                    with host.entered():
                        made = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_QUIC))
                    made.connect((LOCALHOST, 4433))
