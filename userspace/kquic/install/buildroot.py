# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian of the release that the packages are for, with compiler and kernel headers, to build in."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kquic.install import jail
from kquic.lab import apt, proc, progress
from kquic.lab.image import SUITE
from kquic.lab.paths import cache_dir

COMPILER = ("gcc", "make", "libc6-dev", "kmod", "patch", "xz-utils", "dkms")
PACKAGING = (
    "build-essential",
    "debhelper",
    "dh-python",
    "dh-dkms",
    "lintian",
    "fakeroot",
    "pkgconf",
    "libgnutls28-dev",
)
PYTHON = ("python3-all", "python3-setuptools", "pybuild-plugin-pyproject")
UNWANTED = ("doc", "locale", "info", "icons")

ENTER = 'mount --rbind /dev "$0/dev"; mount -t proc proc "$0/proc"; exec chroot "$0" "$@"'


@dataclass(frozen=True, slots=True)
class BuildRoot:
    """A folder with a whole system."""

    folder: Path

    def inside(self, path: Path) -> str:
        """How a path of the folder is called in the system."""
        return f"/{path.relative_to(self.folder)}"

    def command(self, words: Sequence[str | Path]) -> list[str]:
        """The command line that runs a program in it, without a network; as an ordinary user too."""
        inside = [*jail.enter("--net"), "sh", "-ec", ENTER]
        clean = ["env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TERM=dumb"]
        return [*inside, str(self.folder), *clean, *map(str, words)]

    @contextmanager
    def scratch(self) -> Iterator[BuildRoot]:
        """A copy to be spoilt, without what was built."""
        copy = BuildRoot(self.folder.with_suffix(".scratch"))
        copy.remove()
        copy.folder.mkdir()
        pipe = 'tar -C "$0" --exclude=./build --exclude="./dev/*" -cf - . | tar -C "$1" -xpf -'
        proc.run([*_owner(), "sh", "-c", pipe, self.folder, copy.folder])
        try:
            yield copy
        finally:
            copy.remove()

    def remove(self) -> None:
        """Take it away, if it is there."""
        proc.run([*_owner(), "rm", "-rf", self.folder])

    def run(self, title: str, words: Sequence[str | Path], log: Path) -> None:
        """Run a program in it, with its progress shown; its complaints only if it fails."""
        progress.follow(title, self.command(words), log, quiet_errors=True)


def get(kernels: Sequence[str]) -> BuildRoot:
    """The system with the headers of these kernels; made on first use."""
    jail.need_mount_point()
    packages = [*COMPILER, *PACKAGING, *PYTHON, *(f"linux-headers-{kernel}" for kernel in kernels)]
    key = hashlib.sha256(" ".join((SUITE, *packages)).encode()).hexdigest()[:16]
    store = cache_dir("buildroots")
    with proc.lock(store / "lock"):
        root = BuildRoot(store / key)
        if not root.folder.exists():
            _make(packages, root.folder)
    return root


def _make(packages: list[str], folder: Path) -> None:
    partial = folder.with_suffix(".new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    archive = folder.with_suffix(".tar")
    progress.follow("build system", _mmdebstrap(packages, archive), folder.with_suffix(".log"), quiet_errors=True)
    # Devices come from the machine: an ordinary user can make none.
    proc.run([*_owner(), "tar", "-C", partial, "--exclude=./dev/*", "-xpf", archive])
    archive.unlink()
    partial.rename(folder)


def _owner() -> list[str]:
    """In front of a command: the files in there belong to several users, of whom an ordinary user is given numbers."""
    return [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--map-auto", "--"]


def _mmdebstrap(packages: list[str], archive: Path) -> list[str]:
    mirror = apt.mirror()
    sources = [f"deb [signed-by={apt.KEYRING}] {mirror} {suite} main" for suite in apt.SUITES]
    options = ["--variant=minbase", f"--include={','.join(packages)}"]
    options += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=APT::Install-Recommends "false"']
    options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED]
    return ["mmdebstrap", *options, SUITE, str(archive), *sources]
