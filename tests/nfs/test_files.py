# SPDX-License-Identifier: GPL-2.0-or-later
"""Files on a mount over QUIC are the files of the server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path

import pytest

from file_content import MIB, copy_both_ways, drop_cache, sha256, write_random
from kquic.lab.topology import Impairment, Network


@pytest.mark.timeout(300)
def test_64_mebibytes_written_and_read(mounts, nfsd) -> None:
    with mounts.mounted() as point:
        written = write_random(point / "large", 64 * MIB)
        assert sha256(nfsd.path("export") / "large") == written
        drop_cache(point / "large")
        assert sha256(point / "large") == written


@pytest.mark.smoke
def test_a_few_mebibytes_both_ways(mounts, nfsd) -> None:
    with mounts.mounted() as point:
        copy_both_ways(point, nfsd.path("export"), 2 * MIB)


@pytest.mark.timeout(300)
def test_loss_delay_and_reordering(mounts, nfsd, net: Network) -> None:
    net.link.impair(Impairment(delay_ms=10, jitter_ms=3, loss_percent=1))
    with mounts.mounted() as point:
        copy_both_ways(point, nfsd.path("export"), 4 * MIB)


def test_ipv6_carries_data(mounts, nfsd) -> None:
    with mounts.mounted("proto=quic6", server="server6.test") as point:
        copy_both_ways(point, nfsd.path("export"), 4 * MIB)


@pytest.mark.parametrize("size", [4096, 65536, MIB])
def test_sizes_of_read_and_write(mounts, nfsd, size: int) -> None:
    with mounts.mounted(f"rsize={size},wsize={size}") as point:
        copy_both_ways(point, nfsd.path("export"), 2 * MIB)


def test_odd_sizes(mounts, nfsd) -> None:
    sizes = (0, 1, 1199, 1200, 1201, 4095, 4097, 65535, 65537, MIB - 1, MIB + 1)
    with mounts.mounted() as point:
        for size in sizes:
            data = os.urandom(size)
            (point / f"odd{size}").write_bytes(data)
            assert (nfsd.path("export") / f"odd{size}").read_bytes() == data


def test_many_small_files(mounts, nfsd) -> None:
    on_server = nfsd.path("export") / "many"
    with mounts.mounted() as point:
        (point / "many").mkdir()
        for number in range(200):
            (point / "many" / f"file{number}").write_text(str(number) * number)
        assert {path.name for path in on_server.iterdir()} == {f"file{number}" for number in range(200)}
        assert all((on_server / f"file{number}").read_text() == str(number) * number for number in range(200))
        for path in (point / "many").iterdir():
            path.unlink()
        (point / "many").rmdir()
    assert not on_server.exists()


def test_large_directory(mounts, nfsd) -> None:
    """Its READDIR replies fill their pages."""
    names = {f"{number:04}-{'n' * 200}" for number in range(1000)}
    folder = nfsd.path("export") / "large-directory"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    with mounts.mounted() as point:
        assert {path.name for path in (point / "large-directory").iterdir()} == names


def test_rename_stat_links_and_attributes(mounts, nfsd) -> None:
    served = nfsd.path("export")
    with mounts.mounted() as point:
        (point / "old").write_text("12345")
        (point / "old").rename(point / "new")
        assert not (served / "old").exists()
        assert (point / "new").stat().st_size == 5
        os.utime(point / "new", (1_000_000_000, 1_000_000_000))
        assert int((point / "new").stat().st_mtime) == 1_000_000_000
        (point / "soft").symlink_to("new")
        assert (served / "soft").readlink() == Path("new")
        (point / "hard").hardlink_to(point / "new")
        assert (served / "hard").stat().st_nlink == 2
        os.setxattr(point / "new", "user.colour", b"blue")
        assert os.getxattr(served / "new", "user.colour") == b"blue"
        (point / "new").chmod(0o640)
        assert (served / "new").stat().st_mode & 0o777 == 0o640


def test_locks_are_the_servers(mounts, nfsd) -> None:
    with mounts.mounted() as point:
        (point / "locked").write_text("x")
        with (point / "locked").open("r+b") as mine, (nfsd.path("export") / "locked").open("r+b") as theirs:
            fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            with pytest.raises(BlockingIOError):
                fcntl.lockf(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            fcntl.lockf(mine, fcntl.LOCK_UN, 1)
            fcntl.lockf(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)


def test_server_side_copy_and_seek(mounts, nfsd) -> None:
    """Operations of NFSv4.2."""
    with mounts.mounted() as point:
        digest = write_random(point / "source", 2 * MIB)
        with (point / "source").open("rb") as source, (point / "copy").open("wb") as copy:
            done = 0
            while done < 2 * MIB:
                done += os.copy_file_range(source.fileno(), copy.fileno(), 2 * MIB - done, done, done)
        assert sha256(nfsd.path("export") / "copy") == digest
        with (point / "sparse").open("wb") as sparse:
            sparse.truncate(MIB)
            sparse.seek(MIB)
            sparse.write(b"end")
        with (point / "sparse").open("rb") as sparse:
            assert os.lseek(sparse.fileno(), 0, os.SEEK_DATA) == MIB


def test_full_duplex(mounts, nfsd) -> None:
    """Large reads and writes at the same time, each larger than the server's window."""
    served = nfsd.path("export")
    offered = write_random(served / "offered", 8 * MIB)
    with mounts.mounted() as point, contextlib.ExitStack() as stack:
        seen: list[str] = []
        reader = threading.Thread(target=lambda: seen.append(sha256(point / "offered")))
        stack.callback(reader.join)
        reader.start()
        written = write_random(point / "taken", 8 * MIB)
        reader.join()
        assert seen == [offered]
        assert sha256(served / "taken") == written
