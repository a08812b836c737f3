# SPDX-License-Identifier: GPL-2.0-or-later
"""Set-up: the Debian packages of the host, installed where that is allowed, named where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess

from kquic.errors import CommandFailed, LabError, MissingPackages
from kquic.lab import proc
from kquic.lab.paths import REPO

TREE = ("git", "xz-utils", "debian-archive-keyring")
COMPILER = ("gcc", "libc6-dev", "make", "flex", "bison", "bc", "perl", "ccache")
PROGRAMS = ("libgnutls28-dev", "pkgconf")
BUILD = (*TREE, *COMPILER, *PROGRAMS, "mmdebstrap", "fakeroot", "e2fsprogs")
CHECK = (*BUILD, "sparse", "valgrind", "mandoc")
QEMU = (*BUILD, "qemu-system-x86")
PURPOSES = {"tree": TREE, "build": BUILD, "check": CHECK, "qemu": QEMU}


def needed(purpose: str, root: bool) -> tuple[str, ...]:
    """The packages for a purpose; mmdebstrap wants sub-ids from anybody but root."""
    extra = () if root or purpose == "tree" else ("uidmap",)
    return (*PURPOSES[purpose], *extra)


def missing(names: tuple[str, ...]) -> list[str]:
    """Those that are not installed."""
    try:
        text = proc.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names])
    except CommandFailed as error:
        text = error.output
    present = {line.split()[0] for line in text.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in present]


def ensure(purpose: str) -> None:
    """See that the packages are there, or say in one line which are not. All that needs any needs the sources, too."""
    if not (REPO / "overlay.toml").exists():
        raise LabError("this command works in a checkout of the sources only")
    lacking = missing(needed(purpose, os.geteuid() == 0))
    if not lacking:
        return
    rights = root_command()
    if rights is None:
        raise MissingPackages(f"missing Debian packages; as root: apt-get install {' '.join(lacking)}")
    proc.say(f"installing {' '.join(lacking)}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = [*rights, "apt-get", "-q", "-y"]
    proc.run([*apt, "update"], env=env)
    proc.run([*apt, "install", "--no-install-recommends", *lacking], env=env)


def root_command() -> list[str] | None:
    """How to run a program as root: directly, by sudo without a question, or not at all."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if quiet.returncode == 0 else None
