# SPDX-License-Identifier: GPL-2.0-or-later
"""sendfile() and splice(): pages go out without a copy, and data comes out into pipes."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kquic.sock._abi import StreamFlags, TransportParams
from quic_pair import Pair, established, raises, read

NEW, FIN = StreamFlags.NEW, StreamFlags.FIN


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@contextmanager
def file_of(path: Path, content: bytes) -> Iterator[int]:
    """A file that is open for reading and writing."""
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


class TestPages:
    """Less than a packet waits for more to come, if it is told so; meanwhile the file changes.

    What then arrives tells whether the socket holds the page or a copy of it.
    """

    BEFORE, AFTER, END = b"b" * 500, b"a" * 500, b"end"

    def test_splice_refers_to_the_page(self, pair: Pair, tmp_path: Path) -> None:
        pair.client.open_stream()
        with file_of(tmp_path / "file", self.BEFORE) as file, pipe() as (out, into):
            assert os.splice(file, into, 500, offset_src=0) == 500
            assert os.splice(out, pair.client.fileno(), 500, flags=os.SPLICE_F_MORE) == 500
            os.pwrite(file, self.AFTER, 0)
            pair.client.send(self.END, 0)
            assert read(pair.server, 503).data == self.AFTER + self.END

    def test_write_copies(self, pair: Pair, tmp_path: Path) -> None:
        """The same with memory that is handed over by write()."""
        pair.client.open_stream()
        memory = bytearray(self.BEFORE)
        pair.client.sock.send(memory, socket.MSG_MORE)
        memory[:] = self.AFTER
        pair.client.send(self.END, 0)
        assert read(pair.server, 503).data == self.BEFORE + self.END

    def test_page_outlives_its_file(self, pair: Pair, tmp_path: Path) -> None:
        pair.client.open_stream()
        with file_of(tmp_path / "file", self.BEFORE) as file, pipe() as (out, into):
            os.splice(file, into, 500, offset_src=0)
            os.splice(out, pair.client.fileno(), 500, flags=os.SPLICE_F_MORE)
        (tmp_path / "file").unlink()
        pair.client.send(self.END, 0)
        assert read(pair.server, 503).data == self.BEFORE + self.END

    def test_end_of_sendfile_ends_the_waiting(self, pair: Pair, tmp_path: Path) -> None:
        """The kernel says MSG_MORE within a file, and when it was the end of it."""
        pair.client.open_stream()
        with file_of(tmp_path / "file", self.BEFORE) as file:
            assert os.sendfile(pair.client.fileno(), file, 0, 100_000) == 500
            assert read(pair.server, 500).data == self.BEFORE

    def test_not_more_than_the_window(self, tmp_path: Path) -> None:
        with established(TransportParams(max_stream_data_bidi_remote=2000)) as pair:
            pair.client.open_stream()
            pair.client.sock.setblocking(False)
            with file_of(tmp_path / "file", os.urandom(5000)) as file:
                assert os.sendfile(pair.client.fileno(), file, 0, 5000) == 2000
                with raises(errno.EAGAIN):
                    os.sendfile(pair.client.fileno(), file, 2000, 3000)

    def test_without_a_stream(self, pair: Pair, tmp_path: Path) -> None:
        with file_of(tmp_path / "file", b"x") as file, raises(errno.EINVAL):
            os.sendfile(pair.client.fileno(), file, 0, 1)


class TestIntoPipe:
    """splice() from a socket is a plain read."""

    def test_data_and_the_end(self, pair: Pair) -> None:
        pair.client.send(b"abcdef", flags=NEW | FIN)
        with pipe() as (out, into):
            assert os.splice(pair.server.fileno(), into, 4) == 4
            assert os.splice(pair.server.fileno(), into, 100) == 2
            assert os.read(out, 100) == b"abcdef"

    def test_stream_by_stream(self, pair: Pair) -> None:
        pair.client.send(b"one", 0, NEW | FIN)
        pair.client.send(b"two", 4, NEW | FIN)
        with pipe() as (out, into):
            assert [os.splice(pair.server.fileno(), into, 100) for _ in range(2)] == [3, 3]
            assert os.read(out, 100) == b"onetwo"

    def test_through_a_pipe_into_a_file(self, pair: Pair, tmp_path: Path) -> None:
        """A large amount, in both directions without going through the program."""
        payload = os.urandom(100_000)
        pair.client.open_stream()
        with file_of(tmp_path / "from", payload) as source:
            sent = 0
            while sent < len(payload):
                sent += os.sendfile(pair.client.fileno(), source, sent, len(payload) - sent)
        with file_of(tmp_path / "to", b"") as target, pipe() as (out, into):
            got = 0
            while got < len(payload):
                part = os.splice(pair.server.fileno(), into, len(payload) - got)
                assert os.splice(out, target, part) == part
                got += part
        assert (tmp_path / "to").read_bytes() == payload

    def test_nothing_there(self, pair: Pair) -> None:
        with pipe() as (_, into):
            pair.server.sock.setblocking(False)
            with raises(errno.EAGAIN):
                os.splice(pair.server.fileno(), into, 100)
            pair.server.shutdown()
            with raises(errno.ENOTCONN):
                os.splice(pair.server.fileno(), into, 100)

    @pytest.mark.parametrize("flags", [0, os.SPLICE_F_NONBLOCK])
    def test_fin_alone(self, pair: Pair, flags: int) -> None:
        pair.client.send(b"x", flags=NEW)
        assert read(pair.server, 1).data == b"x"
        pair.client.send(b"", 0, FIN)
        with pipe() as (_, into):
            pair.server.set_timeout(5.0)
            while True:
                try:
                    assert os.splice(pair.server.fileno(), into, 100, flags=flags) == 0
                    break
                except BlockingIOError:
                    assert flags
