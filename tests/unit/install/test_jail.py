# SPDX-License-Identifier: GPL-2.0-or-later
"""Where mounts can be kept apart from the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from kquic.errors import LabError
from kquic.install import jail

PROC = "52 27 0:40 / /proc rw,relatime - proc proc rw\n"
ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
BOUND = "27 1 254:0 /srv/debian / rw,relatime - ext4 /dev/vda rw\n"


@pytest.mark.parametrize("root", [ROOT, BOUND])
def test_a_machine_and_a_chroot_that_is_a_mount_point(tmp_path: Path, root: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(root + PROC)
    jail.need_mount_point(mounts)


def test_a_chroot_that_is_none(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(PROC)
    with pytest.raises(LabError, match="mount --bind FOLDER FOLDER"):
        jail.need_mount_point(mounts)


def test_without_proc(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="mount -t proc"):
        jail.need_mount_point(tmp_path / "mountinfo")
