# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic tree --save`: edits made in the kernel tree go back to the repository.

Whole files are copied. An edit of a kernel file becomes part of the last patch that touches the file; a commit
made on top of the tree becomes a new patch of the series its files belong to.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from kquic.errors import UnsavedEdits
from kquic.lab import patch, proc, tree
from kquic.lab.gitrepo import GitRepo, Staging
from kquic.lab.overlay import Overlay
from kquic.lab.source import TAG, Source

EXPORT = ("format-patch", "-1", "--stdout", "-N", "--zero-commit", "--no-signature", "--abbrev=12")


@dataclass(slots=True)
class Step:
    """One commit of the tree that is, or becomes, a patch."""

    commit: str
    subject: str
    author: dict[str, str]
    message: str
    touched: set[str]
    home: Path | None = None
    edits: dict[str, Path | None] = field(default_factory=dict)


def save(source: Source, overlay: Overlay) -> None:
    """Write everything back, then let the tree stand on what the repository now says."""
    whole = overlay.files().keys() | set(_new_files(source.repo, overlay))
    written = _save_files(source, overlay, whole)
    written += _Patches(source, overlay, whole).save()
    for path in written:
        proc.say(f"saved {path.relative_to(overlay.repo)}")
    tree.adopt(source, overlay)


def _save_files(source: Source, overlay: Overlay, whole: Set[str]) -> list[Path]:
    """Copy whole files that were edited, added or removed in the tree."""
    changed = []
    known = overlay.files()
    for target in sorted(whole):
        home = overlay.home_of(target)
        if home and _copy_back(source.tree / target, known.get(target) or overlay.repo / home):
            changed.append(overlay.repo / home)
    return changed


def _copy_back(edited: Path, home: Path) -> bool:
    if not edited.exists():
        home.unlink()
        return True
    if home.exists() and home.read_bytes() == edited.read_bytes():
        return False
    home.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(edited, home)
    return True


def _new_files(repo: GitRepo, overlay: Overlay) -> Iterator[str]:
    """Files below the overlay's folders that neither the kernel nor a patch brought."""
    folders = [folder.target for folder in overlay.folders if (repo.path / folder.target).is_dir()]
    own = repo.git("diff", "--name-only", "--diff-filter=A", "-z", tree.APPLIED, "--", *folders).split("\0")
    untracked = repo.git("ls-files", "-z", "--others", "--exclude-standard", "--", *folders).split("\0")
    yield from (name for name in {*own, *untracked} if name)


class _Patches:
    """The patch series as the tree has it."""

    def __init__(self, source: Source, overlay: Overlay, whole: Set[str]) -> None:
        self.repo, self.overlay = source.repo, overlay
        self.whole = whole
        self.steps = list(self._steps())

    def save(self) -> list[Path]:
        """Write the patches that changed, remove those whose commit is gone."""
        self._fold_edits()
        texts = self._export()
        gone = [path for path in self.overlay.patches() if path not in texts]
        for path in gone:
            path.unlink()
        return gone + [path for path, text in texts.items() if self._write(path, text)]

    def _steps(self) -> Iterator[Step]:
        homes = {self._mail(path).subject: path for path in self.overlay.patches()}
        for commit in self.repo.commits(TAG, "HEAD"):
            form = "--format=%an%x00%ae%x00%aI%x00%s%x00%B"
            name, email, date, subject, message = self.repo.git("show", "-s", form, commit).split("\0")
            touched = set(self.repo.touched(commit)) - self.whole
            if touched and subject != tree.FILES_SUBJECT:
                author = {"NAME": name, "EMAIL": email, "DATE": date}
                yield Step(commit, subject, author, message, touched, homes.get(subject))

    def _mail(self, path: Path) -> patch.Mail:
        return patch.read(self.repo, path)

    def _fold_edits(self) -> None:
        """Give every uncommitted edit of a kernel file to the last patch that touches the file."""
        for name in set(self.repo.edited()) - self.whole:
            owners = [step for step in self.steps if name in step.touched]
            if not owners:
                raise UnsavedEdits(f"no patch touches {name}: commit the edit in {self.repo.path}, then save again")
            path = self.repo.path / name
            for step in self.steps[self.steps.index(owners[-1]) :]:
                step.edits[name] = path if path.exists() else None

    def _export(self) -> dict[Path, str]:
        """Every patch as text, by the file it belongs in; the whole files are left out of them."""
        texts: dict[Path, str] = {}
        with self.repo.staging(TAG) as stage:
            for step in self.steps:
                commit = self._stage(stage, step)
                path = step.home or self._new_home(step, texts)
                texts[path] = self.repo.git(*EXPORT, commit)
        return texts

    def _stage(self, stage: Staging, step: Step) -> str:
        stage.git("read-tree", step.commit)
        present = set(stage.git("ls-files", "-z").split("\0"))
        stage.put({**dict.fromkeys(self.whole & present), **step.edits})
        return stage.commit(step.message, step.author)

    def _new_home(self, step: Step, taken: dict[Path, str]) -> Path:
        """A file name behind the others of the series that the commit's files belong to."""
        for series in self.overlay.series:
            if any(series.covers(name) for name in step.touched):
                folder = self.overlay.repo / series.source
                present = [*series.patches(self.overlay.repo), *(path for path in taken if path.parent == folder)]
                return folder / file_name(step.subject, [path.name for path in present])
        raise UnsavedEdits(f"no series of overlay.toml is about {', '.join(sorted(step.touched))}")

    def _write(self, path: Path, text: str) -> bool:
        """Write a patch, unless the file says the same already."""
        if path.exists() and _says(self._mail(path)) == self._says_text(text):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return True

    def _says_text(self, text: str) -> tuple[str, str, list[bytes]]:
        with self.repo.scratch("patch") as path:
            path.write_text(text)
            return _says(self._mail(path))


def file_name(subject: str, others: list[str]) -> str:
    """A patch file's name, as git makes them, that sorts behind the others."""
    number = max((int(name[:4]) for name in others if name[:4].isdigit()), default=0) + 1
    slug = "-".join("".join(c if c.isalnum() else " " for c in subject).split())
    return f"{number:04}-{slug[:52].rstrip('-')}.patch"


def _says(mail: patch.Mail) -> tuple[str, str, list[bytes]]:
    """What a patch says, whatever blob ids or statistics its file shows."""
    start = max(mail.diff.find(b"diff --git "), 0)
    lines = mail.diff[start:].rstrip().splitlines()
    return mail.subject, mail.body.strip(), [line for line in lines if not line.startswith((b"index ", b"-- "))]
