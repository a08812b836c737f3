# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs on a stock kernel: one of 32 bits, which the lab's kernel has no mode for; one built with libquic-dev."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kquic.install import buildroot
from kquic.install.command import CLOUD
from kquic.install.guestlink import Guest
from kquic.lab import proc
from qemu_pair import Pair

pytestmark = pytest.mark.timeout(3600)

HERE = Path(__file__).parent
REPO = HERE.parents[1]
HEADERS = REPO / "net/quic/include/uapi"
PACKAGES = Path(os.environ.get("KQUIC_QEMU_PACKAGES", "/nonexistent"))
BUILD_ECHO = """\
cd /packages
dpkg -i libquic1_*.deb libquic-dev_*.deb
cc -Wall -Wextra -Werror -o echo echo.c $(pkg-config --cflags --libs libquic)
"""
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


def put(guest: Guest, program: Path) -> str:
    """Copy a program to a machine; what it is called there."""
    code = base64.b64encode(program.read_bytes()).decode()
    # Programs of /run are not executed.
    name = f"/var/tmp/{program.name}"
    guest.run(f"base64 -d >{name} <<'END'\n{code}\nEND\nchmod 755 {name}")
    return name


def test_both_ends(pair: Pair, tmp_path: Path) -> None:
    program = put(pair.client, build(tmp_path))
    pair.client.run(f"modprobe quic; {program}; rm {program}")


def build_echo(folder: Path) -> Path:
    """The example, built where libquic-dev is installed, and nothing else of ours."""
    with buildroot.get([CLOUD]).scratch() as root:
        work = root.folder / "packages"
        work.mkdir()
        for path in (*PACKAGES.glob("libquic*.deb"), REPO / "examples/echo.c"):
            shutil.copy(path, work)
        proc.run(root.command(["sh", "-ec", BUILD_ECHO]), timeout=600)
        return Path(shutil.copy(work / "echo", folder))


def test_c_program_between_machines(pair: Pair, tmp_path: Path) -> None:
    echo = build_echo(tmp_path)
    server, client = put(pair.server, echo), put(pair.client, echo)
    pair.server.run(
        f"{server} server 10.9.0.1 4433 /etc/kquic/server.key /etc/kquic/server.pem >/run/echo 2>&1 & "
        "echo $! >/run/echo.pid; until grep -q ready /run/echo; do sleep 0.2; done"
    )
    text = "z" * 20_000
    assert pair.client.run(f"{client} client 10.9.0.1 4433 server.test {text}") == text
    stranger = pair.client.attempt(f"{client} client 10.9.0.1 4433 other.test {text}")
    assert stranger.status == 1
    assert "certificate" in stranger.output
    pair.client.run(f"rm {client}")
    pair.server.run(f"kill $(cat /run/echo.pid); rm {server} /run/echo /run/echo.pid")
