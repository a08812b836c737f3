# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel that everything is applied to: Debian's linux-source package, or a tree the user names."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from kquic.errors import LabError
from kquic.lab import proc
from kquic.lab.apt import SUITES, PrivateApt
from kquic.lab.gitrepo import GitRepo
from kquic.lab.paths import cache_dir

BASELINE = (7, 3)
TAG = "kquic-base"
NAME = re.compile(r"linux-source-(\d+)\.(\d+)$")


@dataclass(frozen=True, slots=True)
class Source:
    """A kernel source in the cache: its folder holds the git work tree and the builds."""

    name: str
    folder: Path
    tree: Path

    @property
    def repo(self) -> GitRepo:
        """The work tree as a git repository; the kernel itself is tagged kquic-base."""
        return GitRepo(self.tree)

    @property
    def version(self) -> tuple[int, ...]:
        """Of the kernel, such as 7, 3, 4; a release candidate counts as the release."""
        makefile = (self.tree / "Makefile").read_text()
        values = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)$", makefile, re.M))
        return tuple(int(values[name]) for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL"))

    @property
    def lock(self) -> Path:
        """Held while the tree or a build of it changes."""
        return self.folder / "lock"


def get() -> Source:
    """The kernel source, fetched on first use."""
    named = os.environ.get("KQUIC_LINUX")
    return _named(Path(named).expanduser().resolve()) if named else _debian()


def _debian() -> Source:
    record = cache_dir("linux") / "debian"
    with proc.lock(cache_dir("linux") / "lock"):
        if not record.exists():
            record.write_text("\n".join(_fetch_debian()) + "\n")
    folder, tree = record.read_text().splitlines()
    return Source(folder, cache_dir("linux", folder), cache_dir("linux", folder) / tree)


def choose(names: list[str]) -> str | None:
    """The baseline's package if there is one, else the nearest newer."""
    versions = {tuple(map(int, found.groups())): found.group(0) for name in names if (found := NAME.match(name))}
    newer = sorted(version for version in versions if version >= BASELINE)
    return versions[newer[0]] if newer else None


def _find_package() -> tuple[PrivateApt, str]:
    for suites in (SUITES, (*SUITES, "sid")):
        apt = PrivateApt(suites)
        apt.update()
        if package := choose(apt.names(r"^linux-source-[0-9]+\.[0-9]+$")):
            return apt, package
    raise LabError("the Debian mirror has no kernel source of Linux 7.3 or newer; name a tree with KQUIC_LINUX=")


def _fetch_debian() -> tuple[str, str]:
    """Unpack the package and import it; returns the folder's name and the tree's in it."""
    apt, package = _find_package()
    version = apt.newest(package)
    if package != "linux-source-{}.{}".format(*BASELINE):
        proc.say(f"Debian has no linux-source-7.3 any more: taking {package} ({version}) instead")
    proc.say(f"fetching {package} {version}")
    folder = cache_dir("linux", str(version).replace(":", "_"))
    shutil.rmtree(folder)
    work = cache_dir("linux", folder.name, "unpack")
    deb = apt.download(package, work)
    proc.say("unpacking it (a minute)")
    proc.run(["dpkg-deb", "-x", deb, work])
    archive = next(work.glob("usr/src/linux-source-*.tar.*"))
    proc.run(["tar", "-C", folder, "-xf", archive])
    shutil.rmtree(work)
    tree = next(path for path in folder.iterdir() if path.is_dir())
    GitRepo(tree).import_all(f"{package} {version}", TAG)
    return folder.name, tree.name


def _named(path: Path) -> Source:
    """A copy of a tree of the user's, imported again when its version or commit changes."""
    if not (path / "Kbuild").is_file():
        raise LabError(f"KQUIC_LINUX={path} is not a kernel tree")
    state = _state(path)
    name = f"named-{hashlib.sha256(f'{path} {state}'.encode()).hexdigest()[:12]}"
    folder = cache_dir("linux", name)
    source = Source(name, folder, folder / "linux")
    with proc.lock(folder / "import"):
        if not (folder / "ready").exists():
            _import(path, source.tree)
            (folder / "ready").write_text(f"{path} {state}\n")
    return source


def _state(path: Path) -> str:
    if (path / ".git").exists():
        return GitRepo(path).rev("HEAD")
    return hashlib.sha256((path / "Makefile").read_bytes()).hexdigest()


def _import(path: Path, tree: Path) -> None:
    proc.say(f"importing {path}")
    shutil.rmtree(tree, ignore_errors=True)
    if not (path / ".git").exists():
        shutil.copytree(path, tree, symlinks=True)
        GitRepo(tree).import_all(f"Linux of {path.name}", TAG)
        return
    tree.mkdir()
    repo = GitRepo(tree)
    repo.git("init", "-q", "-b", "kquic")
    repo.git("fetch", "-q", "--depth=1", f"file://{path}", "HEAD")
    repo.git("checkout", "-q", "-B", "kquic", "FETCH_HEAD")
    repo.git("tag", TAG)
