# SPDX-License-Identifier: GPL-2.0-or-later
"""overlay.toml: which file of the repository is which file of the kernel tree, and the patch series."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kquic.lab.paths import REPO

JUNK = ("~", ".orig", ".rej", ".swp", ".o", ".cmd", ".pyc")


Version = tuple[int, ...]


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of whole files."""

    source: str
    target: str
    skip: tuple[str, ...] = ()

    def files(self, repo: Path) -> Iterator[tuple[str, Path]]:
        """Pairs of the place in the kernel tree and the file in the repository."""
        top = repo / self.source
        for path in sorted(top.rglob("*")):
            inner = path.relative_to(top).as_posix()
            if not path.is_file() or path.name.endswith(JUNK) or self._skipped(inner):
                continue
            yield f"{self.target}/{inner}", path

    def _skipped(self, inner: str) -> bool:
        return any(_below(inner, name) for name in self.skip)

    def home_of(self, target: str) -> str | None:
        """The place in the repository of a file in the kernel tree."""
        if not _below(target, self.target):
            return None
        inner = PurePosixPath(target).relative_to(self.target).as_posix()
        return None if self._skipped(inner) else f"{self.source}/{inner}"


@dataclass(frozen=True, slots=True)
class Series:
    """A folder of patches, and the part of the kernel they are about."""

    source: str
    paths: tuple[str, ...]
    exempt: tuple[str, ...] = ()
    since: dict[str, Version] = field(default_factory=dict, hash=False)
    """Patches, by their numbers, of what older kernels do not have."""

    def patches(self, repo: Path, kernel: Version | None = None) -> list[Path]:
        """The patch files in the order they are applied; with a kernel's version, those that it needs."""
        found = sorted((repo / self.source).glob("*.patch"))
        return [path for path in found if kernel is None or self.since.get(path.name[:4], kernel) <= kernel]

    def covers(self, target: str) -> bool:
        """Whether an edit of this kernel file belongs to this series."""
        if any(_below(target, path) for path in self.exempt):
            return False
        return any(_below(target, path) for path in self.paths)


@dataclass(frozen=True, slots=True)
class Overlay:
    """All of overlay.toml."""

    repo: Path
    folders: tuple[Folder, ...]
    series: tuple[Series, ...]
    kernel: Version | None = None
    """Of the tree that it is for; patches that this version does not need are left out."""

    def files(self) -> dict[str, Path]:
        """Every whole file, by its place in the kernel tree."""
        return {target: path for folder in self.folders for target, path in folder.files(self.repo)}

    def patches(self) -> list[Path]:
        """Every patch, in the order they are applied."""
        return [patch for series in self.series for patch in series.patches(self.repo, self.kernel)]

    def home_of(self, target: str) -> str | None:
        """Where a whole file of the kernel tree lives in the repository: the closest folder wins."""
        for folder in sorted(self.folders, key=lambda folder: -len(folder.target)):
            if home := folder.home_of(target):
                return home
        return None

    def key(self) -> str:
        """A hash of everything that is applied."""
        digest = hashlib.sha256()
        items = [*self.files().items(), *((p.name, p) for p in self.patches())]
        for name, path in items:
            content = path.read_bytes()
            digest.update(f"{name}\0{path.stat().st_mode & 0o100}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()[:16]


def load(repo: Path = REPO, kernel: Version | None = None) -> Overlay:
    """Read overlay.toml of a checkout, for a kernel of some version."""
    data = tomllib.loads((repo / "overlay.toml").read_text())
    folders = tuple(Folder(entry["from"], entry["to"], tuple(entry.get("except", ()))) for entry in data["folder"])
    series = tuple(
        Series(entry["from"], tuple(entry["paths"]), tuple(entry.get("not", ())), _versions(entry.get("since", {})))
        for entry in data["series"]
    )
    return Overlay(repo, folders, series, kernel)


def _versions(since: dict[str, str]) -> dict[str, Version]:
    return {patch: tuple(map(int, version.split("."))) for patch, version in since.items()}
