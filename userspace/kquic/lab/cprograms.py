# SPDX-License-Identifier: GPL-2.0-or-later
"""C programs of ours that tests run in the guest, which has no compiler: built on the host before it boots."""

from __future__ import annotations

import shutil
from pathlib import Path

from kquic.lab import proc
from kquic.lab.paths import REPO, cache_dir

MAKEFILE = REPO / "tests/libquic/Makefile"


def build() -> Path:
    """Build what has changed; returns the directory with everything."""
    built = cache_dir("programs")
    with proc.lock(built.with_name("programs.lock")):
        proc.run(["make", "-s", "-f", str(MAKEFILE), f"BUILD={built}"])
    return built


def put(folder: Path) -> None:
    """Build, and copy the result into a job's directory, where the guest finds it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(build(), folder, symlinks=True)
