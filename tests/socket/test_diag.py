# SPDX-License-Identifier: GPL-2.0-or-later
"""sock_diag, and `kquic ss` on top of it, against real sockets."""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from kquic.diag import DiagError, Flag, Query, Socket, State, Timer, netlink, sockets
from kquic.qlog import Recorder
from kquic.sock import IPPROTO_QUIC, Config, Connection, EventType, TransportParams, connect, listen
from kquic.sock.events import ConnectionMigrated
from quic_pair import LOCALHOST, Pair, established, raises, read, wait_for

NEW, FIN, UNI = 0x400, 0x200, 0x800


@pytest.fixture(scope="module")
def shared() -> Iterator[Pair]:
    """A connection for tests that only look; it lives however long they take."""
    with established(prepare=lambda end: end.configure(Config(keepalive_probe_interval=5_000_000))) as made:
        yield made


def ours(pair: Pair) -> tuple[Socket, Socket]:
    """Both ends of the connection as the kernel lists them."""
    (client,) = sockets(Query(local_port=pair.client.port))
    (server,) = sockets(Query(peer_port=pair.client.port))
    return client, server


def so_error(end: Connection) -> int:
    with socket.socket(fileno=os.dup(end.fileno())) as same:
        return same.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def ss(*options: str) -> str:
    argv = [sys.executable, "-m", "kquic.cli", "ss", *options]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


def test_both_ends_of_a_connection(shared: Pair) -> None:
    client, server = ours(shared)
    assert (client.state, server.state) == (State.ESTABLISHED, State.ESTABLISHED)
    assert (client.local, client.peer) == (server.peer, server.local)
    assert client.inode == os.fstat(shared.client.fileno()).st_ino
    assert client.uid == os.getuid()
    assert client.info is not None and server.info is not None
    assert Flag.SERVER not in client.info.flags
    assert Flag.SERVER | Flag.COMPLETE | Flag.CONFIRMED in server.info.flags
    assert client.info["version"] == 1
    assert client.info["cipher"] in (51, 52, 54)
    assert server.info.alpn == ("data",)
    assert 0 < client.info["min_rtt"] <= client.info["smoothed_rtt"]
    assert client.info["mtu"] >= 1200
    assert client.congestion == "cubic"


def test_counters_follow_the_data(pair: Pair) -> None:
    before, _ = ours(pair)
    pair.client.send_all(b"x" * 100_000, flags=NEW | FIN)
    assert read(pair.server, 100_000).fin
    pair.server.send_all(b"y" * 5000, flags=NEW | FIN | UNI)
    assert read(pair.client, 5000).fin
    client, server = ours(pair)
    assert before.info and client.info and server.info
    assert client.info["data_sent"] == before.info["data_sent"] + 100_000
    assert server.info["data_received"] == server.info["data_read"] == client.info["data_sent"]
    assert client.info["bytes_sent"] > before.info["bytes_sent"] + 100_000
    assert server.info["bytes_received"] == client.info["bytes_sent"] - client.info["bytes_lost"]
    assert server.info["pkts_received"] + client.info["pkts_lost"] == client.info["pkts_sent"]
    assert 100_000 < client.info["bytes_acked"] <= client.info["bytes_sent"]
    assert (client.info.streams[0].opened, client.info.streams[3].opened) == (1, 1)


def test_queues_show_what_is_not_read_and_not_acknowledged(pair: Pair) -> None:
    pair.client.send_all(b"q" * 3000, flags=NEW)
    wait_for(pair.server, select.POLLIN)
    _, server = ours(pair)
    assert server.recv_queue == 3000
    assert server.memory is not None and server.memory.rmem_alloc >= 3000
    read(pair.server, 3000)
    assert ours(pair)[1].recv_queue == 0


def test_flow_control_and_stream_limits() -> None:
    params = TransportParams(max_data=70_000, max_streams_bidi=5, max_streams_uni=3)
    with established(params) as pair:
        client, server = ours(pair)
        assert client.info and server.info
        assert client.info["data_sent_max"] == server.info["data_received_max"] == 70_000
        assert [kind.max for kind in client.info.streams][::2] == [5, 3]


def test_handshake_state_and_its_timer() -> None:
    with listen(LOCALHOST, alpn=("a", "b")) as listener, connect(LOCALHOST, listener.port) as client:
        (found,) = sockets(Query((State.ESTABLISHING,), local_port=client.port))
        assert found.info is not None
        assert (found.info["cipher"], found.info.flags & Flag.COMPLETE) == (0, 0)
        assert found.timer == Timer.OFF
        (waiting,) = sockets(Query((State.LISTENING,), local_port=listener.port))
        assert waiting.info is not None
        assert waiting.info.alpn == ("a", "b")
        assert (waiting.recv_queue, waiting.send_queue) == (0, waiting.send_queue)
        assert waiting.send_queue > 0


def test_filters(shared: Pair) -> None:
    number = shared.client.port
    assert len(sockets(Query(local_port=number))) == 1
    assert sockets(Query(local_port=number, peer_port=number)) == []
    assert sockets(Query((State.LISTENING,), local_port=number)) == []
    assert sockets(Query(families=(socket.AF_INET6,), local_port=number)) == []


def test_bound_socket_is_listed_as_closed() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM, IPPROTO_QUIC) as fresh:
        fresh.bind(("::1", 0))
        number = fresh.getsockname()[1]
        (found,) = sockets(Query((State.CLOSED,), local_port=number))
        assert str(found.local.address) == "::1"
    assert sockets(Query(tuple(State), local_port=number)) == []


def test_more_sockets_than_one_message_holds() -> None:
    with ExitStack() as opened:
        fresh = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM, IPPROTO_QUIC) for _ in range(100)]
        for each in fresh:
            opened.enter_context(each)
        listed = {each.inode for each in sockets(Query((State.CLOSED,)))}
        assert {os.fstat(each.fileno()).st_ino for each in fresh} <= listed


def test_one_socket_by_its_cookie(shared: Pair) -> None:
    client, _ = ours(shared)
    again = netlink.look_again(client)
    assert (again.cookie, again.inode) == (client.cookie, client.inode)


def test_socket_that_is_gone_is_not_found() -> None:
    with established() as pair:
        client, _ = ours(pair)
    with pytest.raises(DiagError):
        netlink.look_again(client)


def test_kill_a_connection(pair: Pair) -> None:
    client, _ = ours(pair)
    netlink.destroy(client)
    assert so_error(pair.client) == errno.ECONNABORTED
    with raises(errno.EPIPE):
        pair.client.send_all(b"late", flags=NEW | socket.MSG_NOSIGNAL)
    wait_for(pair.server, select.POLLHUP)
    close = pair.server.close_info
    assert (close.errcode, close.phrase.rstrip(b"\0")) == (1, b"aborted")
    with pytest.raises(DiagError):
        netlink.destroy(client)


def test_connection_that_moves(pair: Pair) -> None:
    before, _ = ours(pair)
    assert before.info and before.info["migrations"] == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.2", 0))
        number = free.getsockname()[1]
    pair.client.enable_event(EventType.CONNECTION_MIGRATION)
    with Recorder(512) as recorder:
        pair.client.migrate("127.0.0.2", number)
        while not isinstance(pair.client.recv(), ConnectionMigrated):
            pass
        moves = [line.fields for line in recorder.lines() if line.event == "quic_conn_moved"]
    assert any(move["local"] == f"127.0.0.2:{number}" for move in moves)
    (client,) = sockets(Query(local_port=number))
    assert client.info and client.info["migrations"] == 1
    assert (str(client.local.address), client.cookie) == ("127.0.0.2", before.cookie)


@pytest.mark.parametrize("host", ["::1", LOCALHOST])
def test_socket_of_both_families(host: str) -> None:
    """An AF_INET6 listener, found and ended by what the listing says of it; and a client of IPv4 on it."""
    with listen("::", alpn=("data",)) as listener, connect(host, listener.port) as client:
        (found,) = sockets(Query((State.LISTENING,), (socket.AF_INET6,), local_port=listener.port))
        assert netlink.look_again(found).inode == os.fstat(listener.fileno()).st_ino
        (end,) = sockets(Query((State.ESTABLISHING,), local_port=client.port))
        assert (str(end.local.address), str(end.peer.address)) == (host, host)
        assert end.peer.port == listener.port
        netlink.destroy(end)
        assert so_error(client) == errno.ECONNABORTED


def test_listing_while_sockets_come_and_go() -> None:
    """What is listed may be closed, connected and freed at any moment."""
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            with listen(LOCALHOST, alpn=("data",)) as listener, connect(LOCALHOST, listener.port):
                pass

    threads = [threading.Thread(target=churn) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            for found in sockets(Query(tuple(State))):
                assert found.local.port < 1 << 16
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_kill_a_listener() -> None:
    with listen(LOCALHOST, alpn=("data",)) as listener:
        listener.set_timeout(10)
        (found,) = sockets(Query((State.LISTENING,), local_port=listener.port))
        netlink.destroy(found)
        with raises(errno.EINVAL):
            listener.accept()
        assert sockets(Query((State.LISTENING,), local_port=listener.port)) == []


def test_without_privileges_sockets_are_seen_but_not_ended(pair: Pair) -> None:
    client, _ = ours(pair)
    assert client.mark == 0
    script = (
        "import os, sys; os.setuid(65534)\n"
        "from kquic.diag import *; from kquic.diag import netlink\n"
        f"(found,) = sockets(Query(local_port={pair.client.port}))\n"
        "assert found.mark is None, found\n"
        "try: netlink.destroy(found)\n"
        "except DiagError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "CAP_NET_ADMIN" in done.stdout, done.stderr
    pair.client.send_all(b"alive", flags=NEW)
    assert read(pair.server, 5).data == b"alive"


def test_filter_program_of_ss_is_run(shared: Pair) -> None:
    """`sport = :PORT` as ss compiles it: INET_DIAG_BC_S_EQ."""
    number = shared.client.port
    program = struct.pack("=BBHBBH", 11, 8, 12, 0, 0, number)
    assert _ports_by_program(program) == [number]


def _ports_by_program(program: bytes) -> list[int]:
    body = struct.pack("=BBBBI", socket.AF_INET, 5, 0, 0, 0xFFF) + bytes(48)
    body += struct.pack("=HHI", 8, 3, IPPROTO_QUIC) + struct.pack("=HH", 4 + len(program), 1) + program
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as raw:
        raw.sendall(struct.pack("=IHHII", 16 + len(body), 20, 0x301, 1, 0) + body)
        answer = raw.recv(65536)
    ports = []
    while len(answer) >= 16:
        length, kind = struct.unpack_from("=IH", answer)
        if kind == 20:
            ports.append(struct.unpack_from(">H", answer, 20)[0])
        answer = answer[length:]
    return ports


def test_protocol_that_is_not_listed_is_an_error_not_an_empty_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netlink, "IPPROTO_QUIC", 253)
    with pytest.raises(DiagError, match="CONFIG_INET_QUIC_DIAG"):
        sockets(Query())


def test_kquic_ss(shared: Pair) -> None:
    number = shared.client.port
    heading, line = ss("-n", "--dport", str(number)).splitlines()
    assert heading.split()[:4] == ["State", "Local", "Peer", "ALPN"]
    assert line.split()[:4] == ["ESTAB", f"127.0.0.1:{shared.server.port}", f"127.0.0.1:{number}", "data"]
    assert "minrtt:" in ss("-n", "-i", "--sport", str(number))
    (data,) = json.loads(ss("--json", "--dport", str(number)))
    assert data["flags"] == ["server", "complete", "confirmed", "validated", *data["flags"][4:]]
    assert data["peer"] == {"address": "127.0.0.1", "port": number}


def test_kquic_ss_of_listeners_and_kill() -> None:
    with listen(LOCALHOST, alpn=("data",)) as listener:
        assert f"127.0.0.1:{listener.port}" in ss("-l", "-n")
        assert f"127.0.0.1:{listener.port}" not in ss("-n")
        ss("-l", "-n", "-K", "--sport", str(listener.port))
        assert f"127.0.0.1:{listener.port}" not in ss("-l", "-n")
