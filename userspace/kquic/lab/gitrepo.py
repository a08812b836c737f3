# SPDX-License-Identifier: GPL-2.0-or-later
"""The few git operations the kernel tree needs; commits are made without touching the work tree."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kquic.lab import proc

EPOCH = "2026-01-01T00:00:00+0000"
SETTINGS = ("core.autocrlf=false", "core.fsync=none", "core.hooksPath=/dev/null", "gc.auto=0", "core.quotePath=false")
WHO = {"NAME": "kquic", "EMAIL": "kquic@example.org", "DATE": EPOCH}


def identity(author: Mapping[str, str]) -> dict[str, str]:
    """Author and committer for git's environment: both the same, so that commit ids repeat."""
    roles = ("AUTHOR", "COMMITTER")
    return {f"GIT_{role}_{part}": author.get(part, WHO[part]) for role in roles for part in WHO}


@dataclass(frozen=True)
class GitRepo:
    """A git work tree."""

    path: Path

    def git(self, *words: str | Path, env: Mapping[str, str] | None = None, stdin: str | bytes = b"") -> str:
        """Run git in the tree, whatever the user's own configuration says."""
        options = [part for item in SETTINGS for part in ("-c", item)]
        clean = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **(env or {})}
        return proc.run(["git", *options, *words], cwd=self.path, env=clean, stdin=stdin)

    def import_all(self, message: str, tag: str) -> None:
        """Make the directory a repository with all of its files in one commit."""
        self.git("init", "-q", "-b", "kquic")
        # Whole files go straight into one pack: much faster than a loose object each.
        self.git("-c", "core.bigFileThreshold=1", "-c", "pack.compression=1", "add", "-A", "-f", ".")
        self.git("commit", "-q", "--no-verify", "-m", message, env=identity({}))
        self.git("tag", tag)

    def rev(self, name: str) -> str:
        """The commit id of a name."""
        return self.git("rev-parse", "--verify", "-q", f"{name}^{{commit}}").strip()

    def commits(self, base: str, head: str) -> list[str]:
        """The commits after base up to head, oldest first."""
        return self.git("rev-list", "--reverse", "--first-parent", f"{base}..{head}").split()

    def touched(self, commit: str) -> list[str]:
        """The files a commit changes."""
        text = self.git("diff-tree", "-r", "--no-commit-id", "--name-only", "-z", commit)
        return [name for name in text.split("\0") if name]

    def edited(self) -> list[str]:
        """Tracked files of the work tree that differ from HEAD."""
        names = self.git("diff", "--name-only", "-z", "HEAD").split("\0")
        return [name for name in names if name]

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A path for a file that is needed for a moment."""
        with tempfile.TemporaryDirectory(prefix="kquic-") as folder:
            yield Path(folder, name)

    @contextmanager
    def staging(self, commit: str) -> Iterator[Staging]:
        """A temporary index that starts as a commit."""
        with tempfile.TemporaryDirectory(prefix="kquic-index") as folder:
            stage = Staging(self, {"GIT_INDEX_FILE": f"{folder}/index"}, commit)
            stage.git("read-tree", commit)
            yield stage


@dataclass
class Staging:
    """A commit in the making, apart from the work tree."""

    repo: GitRepo
    index: dict[str, str]
    parent: str

    def git(self, *words: str | Path, env: Mapping[str, str] | None = None, stdin: str | bytes = b"") -> str:
        """Run git on this index."""
        return self.repo.git(*words, env={**self.index, **(env or {})}, stdin=stdin)

    def put(self, files: Mapping[str, Path | None]) -> None:
        """Set files to the content of others on disk; None removes."""
        present = {name: path for name, path in files.items() if path}
        listing = "\n".join(str(path) for path in present.values())
        ids = self.git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listing).split()
        lines = [
            f"{'100755' if os.access(path, os.X_OK) else '100644'} {blob}\t{name}"
            for (name, path), blob in zip(present.items(), ids, strict=True)
        ]
        lines += [f"0 {'0' * 40}\t{name}" for name, path in files.items() if path is None]
        self.git("update-index", "--index-info", stdin="".join(f"{line}\n" for line in lines))

    def commit(self, message: str, author: Mapping[str, str]) -> str:
        """Record the index as a commit after the parent, and go on from there."""
        tree = self.git("write-tree").strip()
        words = ("commit-tree", tree, "-p", self.parent)
        self.parent = self.git(*words, stdin=message, env=identity(author)).strip()
        return self.parent
