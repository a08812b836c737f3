# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic lab build`, the kernel half: one build directory per flavour, finished kernels kept by content."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kquic.errors import LabError
from kquic.lab import kconfig, overlay, proc, progress, source, tree
from kquic.lab.paths import cache_dir

KEEP = 6
ENV = {
    "KBUILD_BUILD_TIMESTAMP": "@0",
    "KBUILD_BUILD_USER": "lab",
    "KBUILD_BUILD_HOST": "lab",
    "KBUILD_BUILD_VERSION": "1",
    "LOCALVERSION": "",
    "CCACHE_NOHASHDIR": "1",
    "CCACHE_MAXSIZE": "5G",
}


@dataclass(frozen=True, slots=True)
class Kernel:
    """A finished kernel."""

    flavour: str
    binary: Path


@dataclass(frozen=True)
class Build:
    """The build directory of one flavour (or of the checks) of one kernel source."""

    source: source.Source
    flavour: str
    purpose: str = ""

    @property
    def folder(self) -> Path:
        """Where make writes."""
        return self.source.folder / f"build-{self.purpose or self.flavour}"

    def make(self, *words: str, title: str | None = None) -> None:
        """Run make; with a title its progress is shown, without it is quiet."""
        command = self.command(*words)
        if title:
            progress.follow(title, command, self.folder.with_suffix(".log"), env=environment())
        else:
            proc.run(command, env=environment())

    def command(self, *words: str) -> list[str]:
        """The make command line."""
        compilers = ("CC=ccache gcc", "HOSTCC=ccache gcc")
        jobs = f"-j{os.cpu_count() or 1}"
        return ["make", "-C", str(self.source.tree), "ARCH=um", f"O={self.folder}", *compilers, jobs, *words]

    def configure(self, *, quiet: bool = False) -> None:
        """Write .config from the fragments; an unchanged one keeps its time stamp."""
        wanted = kconfig.fragment(self.flavour)
        self.folder.mkdir(exist_ok=True)
        wishes = self.folder / "wanted.config"
        wishes.write_text(wanted)
        self.make(f"KCONFIG_ALLCONFIG={wishes}", "allnoconfig")
        if not quiet and (lacking := kconfig.refused(wanted, (self.folder / ".config").read_text())):
            proc.say(f"this kernel has no {', '.join(lacking)}")


def environment() -> dict[str, str]:
    """What makes builds repeatable and lets build directories share compiled objects."""
    cache = cache_dir("ccache")
    return {**ENV, "CCACHE_DIR": str(cache), "CCACHE_BASEDIR": str(cache.parents[1])}


def build(flavour: str, *, force: bool = False) -> Kernel:
    """The kernel of a flavour with everything applied; built if it is not there yet."""
    origin = source.get()
    with proc.lock(origin.lock):
        key = _key(origin, flavour, tree.sync(origin, overlay.load(kernel=origin.version), force=force))
        store = cache_dir("kernels", flavour)
        kernel = Kernel(flavour, store / key / "linux")
        if not kernel.binary.exists():
            work = Build(origin, flavour)
            work.configure()
            work.make("linux", title=f"kernel, {flavour} flavour")
            _keep(work, kernel)
        _use(store, key)
    return kernel


def last(flavour: str) -> Kernel:
    """The kernel of a flavour that was built or used last, whatever the sources say now."""
    binary = cache_dir("kernels", flavour) / "last" / "linux"
    if not binary.exists():
        raise LabError(f"there is no {flavour} kernel yet: kquic lab build --flavour {flavour}")
    return Kernel(flavour, binary.resolve())


def make(flavour: str, words: Sequence[str]) -> None:
    """Run make in a flavour's build directory, on the tree as the repository has it now."""
    origin = source.get()
    with proc.lock(origin.lock):
        tree.sync(origin, overlay.load(kernel=origin.version))
        work = Build(origin, flavour)
        work.configure()
        work.make(*words, title=f"make {' '.join(words)}")


def _key(origin: source.Source, flavour: str, content: str) -> str:
    compiler = proc.run(["gcc", "--version"]).splitlines()[0]
    parts = (origin.name, content, kconfig.fragment(flavour), compiler)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _keep(work: Build, kernel: Kernel) -> None:
    folder = kernel.binary.parent
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(work.folder / ".config", folder / "config")
    partial = folder / "linux.new"
    shutil.copy2(work.folder / "linux", partial)
    partial.rename(kernel.binary)


def _use(store: Path, key: str) -> None:
    """Note what was used last, and drop the kernels that were not used for longest."""
    os.utime(store / key)
    link = store / "last.new"
    link.unlink(missing_ok=True)
    link.symlink_to(key)
    link.rename(store / "last")
    kernels = [path for path in store.iterdir() if not path.is_symlink()]
    for old in sorted(kernels, key=lambda path: path.stat().st_mtime)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
