# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic modules`: the module set for a kernel of the distribution, in the cache by content."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from kquic.errors import LabError
from kquic.install import buildroot, moduleset
from kquic.lab import proc, progress, source
from kquic.lab.apt import PrivateApt
from kquic.lab.paths import cache_dir

VERSION = re.compile(r"(\d+)\.(\d+)")
INSTALLED = Path("/lib/modules")
MAKE = ("make", f"-j{os.cpu_count() or 1}")
# DWARF is most of the work, and the type information of modules is made from it; both are for debuggers only.
PLAIN = ("DEBUG_CFLAGS=", "CONFIG_DEBUG_INFO_BTF_MODULES=")


@dataclass(frozen=True, slots=True)
class Modules:
    """Finished modules for a kernel."""

    kernel: str
    folder: Path

    def files(self) -> list[Path]:
        """The modules."""
        return sorted(self.folder.glob("*.ko"))


def series(version: str) -> str:
    """The first two numbers of a kernel's version."""
    found = VERSION.match(version)
    if not found:
        raise LabError(f"{version} is not the version of a kernel")
    return ".".join(found.groups())


def has_headers(kernel: str) -> bool:
    """Whether this machine has what modules for a kernel are built with."""
    return (INSTALLED / kernel / "build").is_dir()


def build(kernel: str | None = None) -> Modules:
    """The modules for a kernel, by default the running one."""
    wanted = kernel or platform.release()
    folder = cache_dir("moduleset")
    with proc.lock(folder.with_suffix(".lock")):
        return _build_for(wanted, folder)


def _build_for(kernel: str, sources: Path) -> Modules:
    check_series(".".join(map(str, source.get().version)), kernel)
    root = None if has_headers(kernel) else _root_for(kernel)
    target = sources / kernel if root is None else root.folder / "build" / kernel
    moduleset.write(target)
    done = Modules(kernel, cache_dir("modules") / f"{kernel}-{_key(target)}")
    if not done.folder.exists():
        log = cache_dir("modules") / f"{kernel}.log"
        command = [*MAKE, *PLAIN, "-C", f"/lib/modules/{kernel}/build"]
        if root is None:
            progress.follow(f"modules for {kernel}", [*command, f"M={target}", "modules"], log, quiet_errors=True)
        else:
            root.run(f"modules for {kernel}", [*command, f"M={root.inside(target)}", "modules"], log)
        _collect(target, done.folder)
    return done


def _root_for(kernel: str) -> buildroot.BuildRoot:
    apt = PrivateApt()
    if not apt.config.exists() or not apt.newest(f"linux-headers-{kernel}"):
        apt.update()
    if not apt.newest(f"linux-headers-{kernel}"):
        raise LabError(f"there are no headers of {kernel}: install them, or name another kernel with --kernel")
    return buildroot.get([kernel])


def check_series(ours: str, kernel: str) -> None:
    """Refuse a kernel that modules from sources of some version do not fit."""
    if series(kernel) != series(ours):
        raise LabError(f"the modules are of Linux {series(ours)} and do not fit {kernel}: name another with --kernel")
    if not kernel.startswith(ours):
        proc.say(f"the modules' sources are of Linux {ours}, the kernel is {kernel}")


def _key(sources: Path) -> str:
    digest = hashlib.sha256(repr(PLAIN).encode())
    for name in (sources / ".sources").read_text().splitlines():
        digest.update(f"{name}\0".encode() + (sources / name).read_bytes())
    return digest.hexdigest()[:16]


def _collect(built: Path, folder: Path) -> None:
    """Keep the modules without what only a debugger reads."""
    partial = folder.with_suffix(".new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path in built.rglob("*.ko"):
        proc.run(["strip", "--strip-debug", "-o", partial / path.name, path])
    partial.rename(folder)
