# SPDX-License-Identifier: GPL-2.0-or-later
"""A C program built with the kernel's header finds every structure where programs expect it."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("layout.c")
INCLUDE = Path(__file__).parents[3] / "net/quic/include/uapi"


def test_layout(tmp_path: Path) -> None:
    # Of the uapi headers only ours: the rest comes from the C library's set.
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux/quic.h").symlink_to(INCLUDE / "linux/quic.h")
    program = tmp_path / "layout"
    compiler = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", f"-I{tmp_path}"]
    subprocess.run([*compiler, "-o", program, SOURCE], check=True, timeout=60)
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
