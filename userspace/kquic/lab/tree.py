# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic tree`: the kernel with our files and patches as commits; only files that change are written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from kquic.errors import CommandFailed, UnsavedEdits
from kquic.lab import patch, proc
from kquic.lab.gitrepo import Staging
from kquic.lab.overlay import Overlay
from kquic.lab.source import TAG, Source

APPLIED = "refs/kquic/applied"
FILES_SUBJECT = "kquic: whole files"


def sync(source: Source, overlay: Overlay, *, force: bool = False) -> str:
    """Bring the tree up to date with the repository (lock held); returns a key of its content."""
    key = overlay.key()
    stamp = source.folder / "applied"
    if force or not stamp.exists() or stamp.read_text() != key:
        _move(source, _chain(source, overlay), force)
        stamp.write_text(key)
    return _with_edits(source, key)


def adopt(source: Source, overlay: Overlay) -> None:
    """After a save: record the tree as it stands as what the repository says, without touching a file."""
    repo = source.repo
    commit = _chain(source, overlay)
    repo.git("reset", "-q", commit)
    repo.git("update-ref", APPLIED, commit)
    (source.folder / "applied").write_text(overlay.key())
    if left := repo.edited():
        raise UnsavedEdits(f"not saved, look at them yourself: {', '.join(left)}")


def _with_edits(source: Source, key: str) -> str:
    """The key of the overlay, or of the overlay and what was edited in the tree beside it."""
    repo = source.repo
    edits = repo.git("diff", "HEAD")
    head = repo.rev("HEAD")
    if not edits and head == repo.rev(APPLIED):
        return key
    proc.say(f"{source.tree} holds edits of its own (kquic tree --save writes them back)")
    return hashlib.sha256(f"{head}{edits}".encode()).hexdigest()[:16]


def _chain(source: Source, overlay: Overlay) -> str:
    """Commit the patches, then the whole files, on the kernel; returns the last commit."""
    repo, memo = source.repo, _Memo(source.folder / "patches.json")
    parent = repo.rev(TAG)
    pending = overlay.patches()
    while pending and (known := memo.get(parent, pending[0])):
        parent = known
        pending.pop(0)
    with repo.staging(parent) as stage:
        for path in pending:
            before = stage.parent
            memo.put(before, path, patch.apply(stage, path, patch.read(repo, path)))
        _commit_files(stage, overlay.files())
        return stage.parent


def _commit_files(stage: Staging, files: dict[str, Path]) -> None:
    if files:
        stage.put(dict(files))
        stage.commit(f"{FILES_SUBJECT}\n\nEvery file of the repository's overlay folders.\n", {})


def _move(source: Source, commit: str, force: bool) -> None:
    """Check a commit out; git itself refuses to overwrite an edit."""
    repo = source.repo
    if force:
        repo.git("reset", "-q", "--hard", "HEAD")
    elif _own_commits(source):
        raise UnsavedEdits(f"{source.tree} has commits of its own: kquic tree --save keeps them, --force drops them")
    try:
        repo.git("checkout", "-q", *(["-f"] if force else []), "-B", "kquic", commit)
    except CommandFailed as error:
        raise UnsavedEdits(
            f"{source.tree} has edits of its own: kquic tree --save keeps them, --force drops them\n{error.output}"
        ) from error
    repo.git("update-ref", APPLIED, commit)


def _own_commits(source: Source) -> bool:
    repo = source.repo
    known = repo.git("for-each-ref", "--format=%(objectname)", APPLIED).strip() or repo.rev(TAG)
    return repo.rev("HEAD") != known


class _Memo:
    """Remembers which commit a patch became after which parent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    @staticmethod
    def _key(parent: str, patch_file: Path) -> str:
        return f"{parent} {hashlib.sha256(patch_file.read_bytes()).hexdigest()}"

    def get(self, parent: str, patch_file: Path) -> str | None:
        return self.known.get(self._key(parent, patch_file))

    def put(self, parent: str, patch_file: Path, commit: str) -> None:
        self.known[self._key(parent, patch_file)] = commit
        self.path.write_text(json.dumps(self.known))
