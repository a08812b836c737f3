# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic deb`: the Debian packages, built and read by lintian in a Debian of the release that they are for."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kquic.install import buildroot, modules, moduleset
from kquic.install.buildroot import BuildRoot
from kquic.install.modules import Modules
from kquic.lab import proc
from kquic.lab.gitrepo import GitRepo
from kquic.lab.paths import REPO, cache_dir

PACKAGING = REPO / "packaging"
VERSION = "0.1.0"
CONTENT = ("userspace", "docs", "examples", "net/quic/include", "pyproject.toml", "README.md", "packaging/debian")
"""What the packages are made of, beside the sources of the modules."""

BUILD = "cd /build/deb/kquic-{version} && dpkg-buildpackage -us -uc -b"
LINT = "cd /build/deb && lintian --fail-on error,warning --tag-display-limit 0 {names}"

# The modules of one kernel, for machines without a compiler.
CONTROL = """\
Package: kquic-modules-{kernel}
Source: kquic
Version: {version}
Section: kernel
Priority: optional
Architecture: amd64
Maintainer: kquic developers <kquic@example.org>
Depends: linux-modules-{kernel}, kmod
Provides: kquic-modules
Conflicts: kquic-dkms
Installed-Size: {size}
Description: modules for QUIC, SMB and NFS for Linux {kernel}
 The modules that kquic-dkms would build, ready for this kernel. They take the
 place of the kernel's own as long as this package is installed.
"""
DEPMOD = """\
#!/bin/sh
set -e
if [ "$1" = {argument} ] && [ -d /lib/modules/{kernel}/kernel ]; then
	depmod {kernel}
fi
"""


@dataclass(frozen=True, slots=True)
class Packages:
    """A folder of finished packages."""

    folder: Path

    def files(self) -> list[Path]:
        """The packages."""
        return sorted(self.folder.glob("*.deb"))


def build(kernel: str, *, with_modules: bool = False) -> Packages:
    """The packages, and, if wanted, one with finished modules for a kernel."""
    finished = modules.build(kernel) if with_modules else None
    root = buildroot.get([kernel] if with_modules and not modules.has_headers(kernel) else [])
    with proc.lock(root.folder.with_suffix(".lock")):
        packages = _build(root)
        if finished:
            _add_modules(root, finished, packages)
    return packages


def sources() -> Iterator[str]:
    """The files of the checkout that go into the packages."""
    names = GitRepo(REPO).git("ls-files", "-z", "-co", "--exclude-standard", *CONTENT)
    return (name for name in names.split("\0") if name and (REPO / name).is_file())


def _build(root: BuildRoot) -> Packages:
    work = root.folder / "build" / "deb"
    shutil.rmtree(work, ignore_errors=True)
    tree = work / f"kquic-{VERSION}"
    digest = hashlib.sha256(BUILD.encode())
    for name in sources():
        target = tree / name.replace("packaging/debian/", "debian/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, target)
        digest.update(f"{name}\0".encode() + target.read_bytes())
    parts = tree / "dkms"
    moduleset.write(parts)
    (parts / ".sources").unlink()
    for path in sorted(path for path in parts.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    done = Packages(cache_dir("packages") / digest.hexdigest()[:16])
    if not done.files():
        root.run("packages", ["sh", "-c", BUILD.format(version=VERSION)], cache_dir("packages") / "build.log")
        _keep(root, sorted(work.glob("*.deb")), done)
    return done


def _add_modules(root: BuildRoot, built: Modules, packages: Packages) -> None:
    """Wrap finished modules into a package of their own."""
    work = root.folder / "build" / "deb-modules"
    shutil.rmtree(work, ignore_errors=True)
    folder = work / "usr" / "lib" / "modules" / built.kernel / "updates" / "kquic"
    folder.mkdir(parents=True)
    for path in built.files():
        shutil.copy(path, folder)
    doc = work / "usr" / "share" / "doc" / f"kquic-modules-{built.kernel}"
    doc.mkdir(parents=True)
    shutil.copy(PACKAGING / "debian" / "copyright", doc)
    changelog = (PACKAGING / "debian" / "changelog").read_bytes()
    (doc / "changelog.gz").write_bytes(gzip.compress(changelog, 9, mtime=0))
    control = work / "DEBIAN"
    control.mkdir()
    size = sum(path.stat().st_size for path in folder.iterdir()) >> 10
    (control / "control").write_text(CONTROL.format(kernel=built.kernel, version=VERSION, size=size))
    for name, argument in (("postinst", "configure"), ("postrm", "remove")):
        script = control / name
        script.write_text(DEPMOD.format(argument=argument, kernel=built.kernel))
        script.chmod(0o755)
    for path in work.rglob("*"):
        path.chmod(0o755 if path.is_dir() or (path.parent == control and path.name != "control") else 0o644)
    name = f"kquic-modules-{built.kernel}_{VERSION}_amd64.deb"
    deb = root.folder / "build" / "deb" / name
    deb.parent.mkdir(exist_ok=True)
    proc.run(["dpkg-deb", "--root-owner-group", "--build", work, deb])
    _keep(root, [deb], packages)


def _keep(root: BuildRoot, found: list[Path], packages: Packages) -> None:
    """Copy packages that lintian has nothing to say about."""
    names = " ".join(path.name for path in found)
    root.run("lintian", ["sh", "-c", LINT.format(names=names)], cache_dir("packages") / "lintian.log")
    packages.folder.mkdir(exist_ok=True)
    for path in found:
        shutil.copy(path, packages.folder)
