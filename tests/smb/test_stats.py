# SPDX-License-Identifier: GPL-2.0-or-later
"""/proc/fs/cifs/Stats counts over QUIC what it counts over TCP."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from scripted_smb import FAST, Scripted, put, put_again

STATS = Path("/proc/fs/cifs/Stats")
MIB = 1 << 20


def counted() -> dict[str, int]:
    """What is counted of the only share: its requests by kind, failed ones too, and bytes."""
    _, _, share = STATS.read_text().partition("\n1) ")
    assert "\n2) " not in share
    found = re.findall(r"(?:^|  )([\w ]+): (\d+)(?: \w+ (\d+) failed)?", share, re.MULTILINE)
    return {name: int(number) for name, number, _ in found} | {
        f"{name} failed": int(failed) for name, _, failed in found if failed
    }


def reconnects() -> int:
    """How often a session was made anew."""
    found = re.search(r"(\d+) session \d+ share reconnects", STATS.read_text())
    assert found
    return int(found[1])


def work(point: Path) -> None:
    """A bit of everything."""
    put(point / "file", os.urandom(MIB))
    assert len((point / "file").read_bytes()) == MIB
    (point / "folder").mkdir()
    assert sorted(path.name for path in point.iterdir()) == ["file", "folder"]
    with pytest.raises(FileNotFoundError):
        (point / "nothing").read_bytes()
    (point / "folder").rmdir()
    (point / "file").unlink()


def test_the_same_work_counts_alike(scripted: Scripted) -> None:
    scripted.start()
    seen = {}
    for transport in ("tcp", "quic"):
        with scripted.mounted(transport, "cache=none", "actimeo=0") as point:
            STATS.write_text("0")
            work(point)
            seen[transport] = counted()
    assert seen["quic"] == seen["tcp"]
    quic = seen["quic"]
    assert quic["Bytes read"] == quic["Bytes written"] == MIB
    kinds = [quic[kind] for kind in ("Creates", "Closes", "Reads", "Writes", "QueryDirectories", "QueryInfos")]
    assert all(kinds)
    assert quic["SMBs"] >= sum(kinds)


def test_reconnects_are_counted(scripted: Scripted) -> None:
    scripted.start()
    with scripted.mounted("quic", *FAST) as point:
        put(point / "file", b"before")
        STATS.write_text("0")
        assert reconnects() == 0
        scripted.server.stop()
        scripted.start()
        put_again(point / "file", b"after")
        assert reconnects() > 0
