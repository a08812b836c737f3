# SPDX-License-Identifier: GPL-2.0-or-later
"""Files on a mount over QUIC are the files of the server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path

import pytest

from file_content import MIB, copy_both_ways, sha256, write_random
from kquic.lab.topology import Impairment, Network


@pytest.mark.timeout(400)
def test_64_mebibytes_both_ways(mounts, samba) -> None:
    with mounts.mounted() as point:
        copy_both_ways(point, samba.path(), 64 * MIB)


@pytest.mark.smoke
def test_a_few_mebibytes_both_ways(mounts, samba) -> None:
    with mounts.mounted() as point:
        copy_both_ways(point, samba.path(), 4 * MIB)


@pytest.mark.timeout(300)
def test_loss_delay_and_reordering(mounts, samba, net: Network) -> None:
    net.link.impair(Impairment(delay_ms=10, jitter_ms=3, loss_percent=1))
    with mounts.mounted() as point:
        copy_both_ways(point, samba.path(), 4 * MIB)


def test_ipv6_carries_data(mounts, samba) -> None:
    with mounts.mounted(server="server6.test") as point:
        copy_both_ways(point, samba.path(), 4 * MIB)


def test_many_small_files(mounts, samba) -> None:
    with mounts.mounted() as point:
        (point / "many").mkdir()
        for number in range(300):
            (point / "many" / f"file{number}").write_text(str(number) * number)
        on_server = samba.path() / "many"
        assert {path.name for path in on_server.iterdir()} == {f"file{number}" for number in range(300)}
        assert all((on_server / f"file{number}").read_text() == str(number) * number for number in range(300))
        for number in range(300):
            (point / "many" / f"file{number}").unlink()
        assert not list(on_server.iterdir())
        (point / "many").rmdir()


def test_odd_sizes(mounts, samba) -> None:
    sizes = (0, 1, 1199, 1200, 1201, 4095, 4097, 65535, 65537, MIB - 1, MIB + 1)
    with mounts.mounted() as point:
        for size in sizes:
            data = os.urandom(size)
            (point / f"odd{size}").write_bytes(data)
            assert (samba.path() / f"odd{size}").read_bytes() == data


def test_rename_stat_and_delete(mounts, samba) -> None:
    with mounts.mounted() as point:
        (point / "old").write_text("12345")
        (point / "old").rename(point / "new")
        assert not (samba.path() / "old").exists()
        assert (point / "new").stat().st_size == 5
        os.utime(point / "new", (1_000_000_000, 1_000_000_000))
        assert int((samba.path() / "new").stat().st_mtime) == 1_000_000_000
        (point / "new").unlink()
        assert not (samba.path() / "new").exists()


def test_locks_hold_between_mounts(mounts) -> None:
    """With a lease the client would keep the first lock to itself for a while."""
    with mounts.mounted("nolease") as one, mounts.mounted("nolease", "nosharesock") as two:
        (one / "locked").write_text("x")
        with (one / "locked").open("r+b") as mine, (two / "locked").open("r+b") as theirs:
            fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            with pytest.raises(OSError, match=r"Resource temporarily unavailable|Permission denied"):
                fcntl.lockf(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            fcntl.lockf(mine, fcntl.LOCK_UN, 1)
            fcntl.lockf(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)


def test_two_mounts_at_once(mounts, samba) -> None:
    with mounts.mounted() as one, mounts.mounted("nosharesock", share="other") as two:
        written: dict[Path, str] = {}

        def write(target: Path) -> None:
            written[target] = write_random(target / "parallel", 8 * MIB)

        threads = [threading.Thread(target=write, args=(point,)) for point in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sha256(samba.path() / "parallel") == written[one]
        assert sha256(samba.path("other") / "parallel") == written[two]


def test_full_duplex(mounts, samba) -> None:
    """Large reads and writes at the same time, each larger than any window."""
    offered = write_random(samba.path() / "offered", 32 * MIB)
    with mounts.mounted() as point, contextlib.ExitStack() as stack:
        seen: list[str] = []
        reader = threading.Thread(target=lambda: seen.append(sha256(point / "offered")))
        stack.callback(reader.join)
        reader.start()
        written = write_random(point / "taken", 32 * MIB)
        reader.join()
        assert seen == [offered]
        assert sha256(samba.path() / "taken") == written
