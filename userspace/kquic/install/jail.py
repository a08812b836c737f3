# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounts of our own: a program that mounts runs where nobody else sees it, as an ordinary user too."""

from __future__ import annotations

import os
from pathlib import Path

from kquic.errors import LabError

MOUNTS = Path("/proc/self/mountinfo")
PLACE = 4
"""The column of a mount's place."""


def enter(*options: str) -> list[str]:
    """What to put before a command, so that its mounts end with it."""
    need_mount_point()
    user = [] if os.geteuid() == 0 else ["--map-root-user", "--map-auto"]
    return ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child", *options]


def need_mount_point(mounts: Path = MOUNTS) -> None:
    """The kernel keeps mounts apart from the machine's by mount point: the root folder has to be one."""
    if not mounts.exists():
        raise LabError("/proc is not mounted: mount -t proc proc /proc")
    if not any(line.split()[PLACE] == "/" for line in mounts.read_text().splitlines()):
        raise LabError(
            "the root folder is no mount point, as in a chroot, and mounts could not be kept apart from the machine's: "
            "leave it, mount --bind FOLDER FOLDER, and enter it again"
        )
