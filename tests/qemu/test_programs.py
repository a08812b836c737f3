# SPDX-License-Identifier: GPL-2.0-or-later
"""A program of 32 bits on a kernel of 64: the lab's has no such mode, Debian's for x86 has."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from qemu_pair import Pair

pytestmark = pytest.mark.timeout(3600)

HERE = Path(__file__).parent
HEADERS = HERE.parents[1] / "net/quic/include/uapi"
COMPILER = (
    *("gcc", "-m32", "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-no-pie", "-fno-stack-protector"),
    *("-fcf-protection=none", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{HEADERS}"),
)


def build(folder: Path) -> Path:
    """The program. It needs the kernel's headers, which the compiler does not look for when it is told 32 bits."""
    architecture = ["gcc", "-print-multiarch"]
    machine = subprocess.run(architecture, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    program = folder / "compat32"
    words = [*COMPILER, "-isystem", f"/usr/include/{machine}", "-o", str(program), str(HERE / "compat32.c")]
    subprocess.run(words, check=True, timeout=60)
    return program


def test_both_ends(pair: Pair, tmp_path: Path) -> None:
    code = base64.b64encode(build(tmp_path).read_bytes()).decode()
    # Programs of /run are not executed.
    program = "/var/tmp/compat32"
    pair.client.run(f"base64 -d >{program} <<'END'\n{code}\nEND\nchmod 755 {program}")
    pair.client.run(f"modprobe quic; {program}; rm {program}")
