# SPDX-License-Identifier: GPL-2.0-or-later
"""/proc/net/quic, /proc/sys/net/quic, and the reason and counter of everything that is thrown away."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from kquic.diag import Query, sockets
from kquic.lab.topology import Host
from kquic.qlog import Recorder
from kquic.sock import Cipher, Config, Connection, Listener, TransportParams, listen
from kquic.sock._abi import CongestionControl
from kquic.sock.events import Datagram
from quic_pair import LOCALHOST, TIMEOUT, Pair, established, raises, read
from sysctls import SYSCTL, sysctl

PROC = Path("/proc/net/quic")
TCP_RMEM = Path("/proc/sys/net/ipv4/tcp_rmem")
NEW = 0x400
SO_SNDBUFFORCE = 32

#: The published names; ours come after them.
_NAMES = """
QuicConnCurrentEstabs QuicConnPassiveEstabs QuicConnActiveEstabs QuicPktRcvFastpaths QuicPktDecFastpaths
QuicPktEncFastpaths QuicPktRcvBacklogs QuicPktDecBacklogs QuicPktEncBacklogs QuicPktInvHdrDrop
QuicPktInvNumDrop QuicPktInvFrmDrop QuicPktRcvDrop QuicPktDecDrop QuicPktEncDrop QuicFrmRcvBufDrop
QuicFrmRetrans QuicFrmOutCloses QuicFrmInCloses
"""
NAMES = _NAMES.split()


def counters() -> dict[str, int]:
    lines = (PROC / "snmp").read_text().splitlines()
    return {name: int(value) for name, value in (line.split() for line in lines)}


def table(name: str) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of a file in /proc/net/quic."""
    heading, *rows = [line.split("\t") for line in (PROC / name).read_text().splitlines()]
    return heading, rows


class TestProc:
    def test_every_published_counter_in_its_form(self) -> None:
        lines = (PROC / "snmp").read_text().splitlines()
        assert [line.split()[0] for line in lines[: len(NAMES)]] == NAMES
        assert all(line == f"{line.split()[0]:<32}\t{line.split()[1]}" for line in lines)

    def test_establishing_and_closing_are_counted(self) -> None:
        before = counters()
        with established():
            during = counters()
        after = counters()
        for name in ("QuicConnPassiveEstabs", "QuicConnActiveEstabs"):
            assert during[name] - before[name] == 1
        assert during["QuicConnCurrentEstabs"] - before["QuicConnCurrentEstabs"] == 2
        assert after["QuicConnCurrentEstabs"] == before["QuicConnCurrentEstabs"]
        assert after["QuicFrmOutCloses"] > during["QuicFrmOutCloses"]
        assert after["QuicFrmInCloses"] > during["QuicFrmInCloses"]

    def test_ciphers(self) -> None:
        heading, rows = table("ciphers")
        assert heading == ["CIPHER", "NAME", "MB_PER_S", "DRIVER"]
        assert {(int(row[0]), row[1]) for row in rows} == {
            (Cipher.AES_GCM_128, "TLS_AES_128_GCM_SHA256"),
            (Cipher.AES_GCM_256, "TLS_AES_256_GCM_SHA384"),
            (Cipher.CHACHA20_POLY1305, "TLS_CHACHA20_POLY1305_SHA256"),
            (Cipher.AES_CCM_128, "TLS_AES_128_CCM_SHA256"),
        }
        rates = [int(row[2]) for row in rows]
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] > 0

    def test_connections(self, pair: Pair) -> None:
        heading, rows = table("conns")
        assert heading[:6] == ["SOCK", "STATE", "LOCAL_ADDRESS", "REMOTE_ADDRESS", "UDP_ADDRESS", "WINDOW"]
        assert heading[6:] == ["MSS", "IN_FLIGHT", "TX_QUEUE", "RX_QUEUE", "SNDBUF", "RCVBUF", "UID", "INODE"]
        client, server = (f"127.0.0.1:{end.port}" for end in (pair.client, pair.server))
        (row,) = [row for row in rows if row[2] == client]
        assert row[1:5] == ["1", client, server, client]
        assert int(row[5]) >= 2 * int(row[6]) >= 2400
        assert row[10:12] == [
            str(pair.client.sock.getsockopt(socket.SOL_SOCKET, option))
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF)
        ]
        assert row[12:] == [str(os.getuid()), str(os.fstat(pair.client.fileno()).st_ino)]

    @pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1:{}"), ("::1", "::1:{}"), ("::", ":::{}")])
    def test_listeners(self, host: str, shown: str) -> None:
        heading, _ = table("eps")
        assert heading == ["SOCK", "STATE", "LOCAL_ADDRESS", "UDP_ADDRESS", "UID", "INODE"]
        with listen(host) as listener:
            (row,) = [row for row in table("eps")[1] if row[5] == str(os.fstat(listener.fileno()).st_ino)]
            address = shown.format(listener.port)
            assert row[1:4] == ["10", address, address]
        assert not [row for row in table("eps")[1] if row[2] == address]

    def test_network_namespaces_are_apart(self, pair: Pair) -> None:
        host = Host("counted")
        try:
            shown = host.run("cat", *(PROC / name for name in ("conns", "eps", "snmp")))
        finally:
            host.close()
        assert f":{pair.client.port}" not in shown
        assert {line.split()[1] for line in shown.splitlines() if line.startswith("Quic")} == {"0"}


class TestSysctl:
    @pytest.mark.parametrize("name", ["quic_mem", "quic_rmem", "quic_wmem"])
    def test_three_rising_numbers(self, name: str) -> None:
        low, middle, high = map(int, (SYSCTL / name).read_text().split())
        assert 0 < low <= middle <= high
        assert (SYSCTL / name).stat().st_mode & 0o777 == 0o644

    def test_defaults(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        low, middle, high = map(int, (SYSCTL / "quic_mem").read_text().split())
        assert (low, high) == (middle // 4 * 3, middle // 2 * 3)
        assert (SYSCTL / "quic_rmem").read_text().split()[:2] == [str(page), str(1 << 20)]
        assert (SYSCTL / "quic_wmem").read_text().split()[:2] == [str(page), str(16 << 10)]

    def test_windows_may_grow_as_far_as_those_of_tcp(self) -> None:
        """1/128 of the memory that was free when the protocol began, which is a little less for us than for TCP."""
        ours, tcp = (int(path.read_text().split()[2]) for path in (SYSCTL / "quic_rmem", TCP_RMEM))
        assert ours == pytest.approx(tcp, rel=0.1)

    @pytest.mark.parametrize("name", ["quic_rmem", "quic_wmem"])
    def test_no_value_below_one(self, name: str) -> None:
        with raises(errno.EINVAL):
            (SYSCTL / name).write_text("0 1 1")
        with sysctl(name, "1 2 3"):
            assert (SYSCTL / name).read_text().split() == ["1", "2", "3"]

    def test_only_in_the_initial_namespace(self) -> None:
        host = Host("counted")
        try:
            elsewhere = host.run("ls", SYSCTL).split()
        finally:
            host.close()
        assert elsewhere == ["congestion_control", "handshake_timeout", "preferred_address", "spin_bit"]

    @pytest.mark.parametrize(
        ("name", "default", "wrong"),
        [("handshake_timeout", "60", ("-1", "86401")), ("preferred_address", "1", ("-1", "2"))],
    )
    def test_numbers(self, name: str, default: str, wrong: tuple[str, ...]) -> None:
        assert (SYSCTL / name).read_text().strip() == default
        for value in wrong:
            with raises(errno.EINVAL):
                (SYSCTL / name).write_text(value)
        with sysctl(name, "0"):
            assert (SYSCTL / name).read_text().strip() == "0"

    def test_congestion_control(self) -> None:
        path = SYSCTL / "congestion_control"
        assert path.read_text() == "cubic\n"
        for wrong in ("vegas", "newrenoo", "bbr2", "\n"):
            with raises(errno.EINVAL):
                path.write_text(wrong)
        host = Host("counted")
        try:
            with sysctl(path.name, "bbr"):
                assert host.run("cat", path) == "cubic\n"
                host.run("sh", "-c", f"echo newreno > {path}")
                assert path.read_text() == "bbr\n"
        finally:
            host.close()

    @pytest.mark.parametrize("name", ["newreno", "cubic", "bbr"])
    def test_congestion_control_of_connections(self, name: str) -> None:
        size = 2_000_000
        with ExitStack() as stack:
            with sysctl("congestion_control", name):
                pair = stack.enter_context(established())
            thread = threading.Thread(target=pair.client.send_all, args=(bytes(size),), kwargs={"flags": NEW})
            thread.start()
            assert len(read(pair.server, size).data) == size
            thread.join()
            for query in (Query(local_port=pair.client.port), Query(peer_port=pair.client.port)):
                (found,) = sockets(query)
                assert found.congestion == name

    def test_programs_choose_for_themselves(self) -> None:
        def prepare(end: Connection | Listener) -> None:
            end.configure(Config(congestion_control_algo=CongestionControl.CUBIC))

        with sysctl("congestion_control", "bbr"), established(prepare=prepare) as pair:
            (found,) = sockets(Query(local_port=pair.client.port))
            assert found.congestion == "cubic"

    @pytest.mark.parametrize("limited", [False, True])
    def test_memory_limit_holds_senders_back(self, limited: bool) -> None:
        """Each CPU may hold a mebibyte before the sum is looked at, so that it takes several to see the limit."""
        room, size = 16 << 20, 6 << 20
        with (
            established(TransportParams(max_data=room, max_stream_data_bidi_remote=room)) as pair,
            ExitStack() as limits,
        ):
            pair.client.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, room)
            pair.client.sock.setblocking(False)
            stream = pair.client.open_stream()
            if limited:
                limits.enter_context(sysctl("quic_mem", "1 1 1"))
                limits.enter_context(sysctl("quic_wmem", "1 1 1"))
            taken = 0
            with suppress(BlockingIOError):
                taken = pair.client.send(bytes(size), stream)
        assert taken < size if limited else taken == size


class Sniffer:
    """UDP payloads that pass the loopback device."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self._socket.bind(("lo", 0x0800))
        self._socket.settimeout(5)

    def __enter__(self) -> Sniffer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def to_port(self, port: int) -> bytes:
        """The next one to a port."""
        while True:
            packet = self._socket.recv(65536)
            header = (packet[0] & 15) * 4
            if packet[9] == socket.IPPROTO_UDP and int.from_bytes(packet[header + 2 : header + 4]) == port:
                return packet[header + 8 :]


def throw(payload: bytes, port: int) -> None:
    """Send a datagram from anywhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(payload, (LOCALHOST, port))


class TestDrops:
    @pytest.mark.parametrize(
        ("payload", "reason", "counter"),
        [
            (b"", "HEADER", "QuicPktInvHdrDrop"),
            (b"\xc3\0\0\0\1\xff", "HEADER", "QuicPktInvHdrDrop"),
            (b"\x40" + bytes(40), "NO_CONN", "QuicPktRcvDrop"),
            (b"\xc3\0\0\0\1\x08" + bytes(8) + b"\0\0\x40\x20" + bytes(32), "NOT_FIRST", "QuicPktRcvDrop"),
            (b"\xe3\0\0\0\1\x08" + bytes(8) + b"\0\x44\x90" + bytes(1200), "NOT_FIRST", "QuicPktRcvDrop"),
            (b"\xc3\0\0\0\1\x08" + bytes(8) + b"\0\0\x44\x9e" + bytes(1182), "HELLO", "QuicListenDrops"),
        ],
    )
    def test_at_a_listener(self, payload: bytes, reason: str, counter: str) -> None:
        with listen(LOCALHOST, alpn=("data",)) as listener, Recorder(256) as recorder:
            before = counters()[counter]
            throw(payload, listener.port)
            self._settle(before, counter)
            assert self._reasons(recorder) == [reason]
            assert counters()[counter] == before + 1

    def test_of_a_connection(self, pair: Pair) -> None:
        with Sniffer() as sniffer:
            pair.client.send_all(b"x" * 100, flags=NEW)
            read(pair.server, 100)
            payload = sniffer.to_port(pair.server.port)
        with Recorder(256) as recorder:
            before = counters()
            throw(payload, pair.server.port)
            throw(payload[:-1] + bytes([payload[-1] ^ 1]), pair.server.port)
            throw(bytes([payload[0]]) + bytes(8) + payload[9:], pair.server.port)
            self._settle(before["QuicPktRcvDrop"], "QuicPktRcvDrop")
            reasons = self._reasons(recorder)
        assert reasons == ["DUPLICATE", "AUTH", "NO_CONN"]
        after = counters()
        for name in ("QuicPktInvNumDrop", "QuicPktDecDrop", "QuicPktRcvDrop"):
            assert after[name] == before[name] + 1
        pair.client.send_all(b"y" * 10)
        assert read(pair.server, 10).data == b"y" * 10

    def test_datagrams_without_room(self) -> None:
        with established(TransportParams(max_datagram_frame_size=2000)) as pair, Recorder(1024) as recorder:
            pair.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            before = counters()["QuicFrmRcvBufDrop"]
            for _ in range(20):
                pair.client.send_datagram(bytes(1000))
            self._settle(before, "QuicFrmRcvBufDrop")
            # Behind them, so that they have come; there is room for data in order.
            pair.client.send_all(b"end", flags=NEW)
            while isinstance(message := pair.server.recv(), Datagram):
                assert message.data == bytes(1000)
            dropped = counters()["QuicFrmRcvBufDrop"] - before
            assert dropped > 0
            assert self._reasons(recorder) == ["RCVBUF"] * dropped

    def test_after_the_end(self) -> None:
        with established() as pair, Sniffer() as sniffer:
            pair.client.send_all(b"x", flags=NEW)
            read(pair.server, 1)
            payload = sniffer.to_port(pair.server.port)
            with Recorder(256) as recorder:
                before = counters()["QuicPktRcvDrop"]
                pair.server.shutdown()
                throw(payload, pair.server.port)
                self._settle(before, "QuicPktRcvDrop")
                reasons = self._reasons(recorder)
        # Three PTOs later nothing is known of the connection any more.
        assert "CLOSED" in reasons
        assert set(reasons) <= {"CLOSED", "NO_CONN"}

    @staticmethod
    def _settle(before: int, counter: str) -> None:
        """First packets are handled by a work item."""
        for _ in range(10_000):
            if counters()[counter] != before:
                return

    @staticmethod
    def _reasons(recorder: Recorder) -> list[str]:
        return [line.fields["why"] for line in recorder.lines() if line.event == "quic_pkt_dropped"]


class TestStrays:
    """0-RTT packets whose ClientHello does not come, on a host where nothing else happens."""

    @pytest.fixture
    def port(self) -> Iterator[int]:
        """Of a listener on that host, which the test is on, too."""
        host = Host("strays")
        try:
            with host.entered(), listen(LOCALHOST) as listener:
                yield listener.port
        finally:
            host.close()

    @staticmethod
    def throw(port: int, nr: int) -> None:
        """So many, of as many clients."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for number in range(nr):
                head = b"\xd0\0\0\0\1\x08" + number.to_bytes(8, "big") + b"\0\x44\x90"
                udp.sendto(head + bytes(0x490), (LOCALHOST, port))

    @staticmethod
    def dropped(nr: int) -> tuple[int, int]:
        """How many waited in vain and how many made room, when all have gone."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            lines = Path("/proc/thread-self/net/quic/snmp").read_text().splitlines()
            count = {name: int(value) for name, value in map(str.split, lines)}
            found = count["QuicPktRcvDrop"], count["QuicListenDrops"]
            if sum(found) == nr:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def test_are_given_up(self, port: int) -> None:
        self.throw(port, 5)
        assert self.dropped(5) == (5, 0)

    def test_have_little_room(self, port: int) -> None:
        self.throw(port, 1000)
        in_vain, made_room = self.dropped(1000)
        assert in_vain >= 16
        assert made_room > 500

    def test_go_with_their_network_namespace(self, port: int) -> None:
        """While they wait: the lab looks for leaks."""
        self.throw(port, 50)
