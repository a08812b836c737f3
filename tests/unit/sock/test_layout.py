# SPDX-License-Identifier: GPL-2.0-or-later
"""A C program built with the kernel's header finds every structure where programs expect it."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INCLUDE = HERE.parents[2] / "net/quic/include/uapi"
OPTIONS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE")


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Of the uapi headers only ours: the rest comes from the C library's set."""
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux/quic.h").symlink_to(INCLUDE / "linux/quic.h")
    return tmp_path


def test_layout(include: Path) -> None:
    program = include / "layout"
    subprocess.run(["gcc", *OPTIONS, f"-I{include}", "-o", program, HERE / "layout.c"], check=True, timeout=60)
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the other word size of x86")
def test_layout_of_32_bits(include: Path) -> None:
    """Compiled only: neither the lab's kernel nor its guest knows such programs, see tests/qemu/test_programs.py."""
    here = ["gcc", "-print-multiarch"]
    headers = subprocess.run(here, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    compiler = ["gcc", "-m32", "-ffreestanding", "-fsyntax-only", *OPTIONS, f"-I{include}", f"-I/usr/include/{headers}"]
    subprocess.run([*compiler, HERE / "layout32.c"], check=True, timeout=60)
