# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic tree --verify`: every commit of every series compiles what it touches, with warnings and sparse."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from kquic.lab import checkpatch, kernel, overlay, proc, series, source, tree
from kquic.lab.kernel import Build
from kquic.lab.overlay import Overlay
from kquic.lab.paths import cache_dir
from kquic.lab.series import Commit
from kquic.lab.source import Source
from kquic.lab.sparse import CHECKER, COMPLAINT, CONSTANT

FLAVOUR = "fast"
HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")
ALWAYS = re.compile(r"^[\w-]+-y\s*[:+]?=(?P<objects>.*)")
READING = ("net/ipv4", "net/core", "net/sunrpc")
READERS = 3
"""A patch of headers alone is tried on so many files that include one, in these folders."""


def run() -> int:
    """Check all series and write them in mail form; prints where they are."""
    origin = source.get()
    over = overlay.load(kernel=origin.version)
    with proc.lock(origin.lock):
        tree.sync(origin, over)
        commits = series.chain(origin, over)
        complaints = [checkpatch.run(origin, over)]
        folders = series.write(origin, over, commits, cache_dir("series"))
    complaints += _Verifier(origin, over).all(commits)
    for folder in folders:
        print(folder)
    found = [text for text in complaints if text]
    print("\n".join(found) or f"verify: {len(commits)} commits are clean")
    return 1 if found else 0


class _Verifier:
    """A work tree of its own, in which commit after commit is checked out and compiled."""

    def __init__(self, origin: Source, over: Overlay) -> None:
        self.ours = sorted(over.files())
        folder = origin.folder / "verify"
        self.source = Source(origin.name, folder, folder / "linux")
        if not self.source.tree.exists():
            proc.say("making a work tree for the checks")
            origin.repo.git("worktree", "add", "-q", "--detach", self.source.tree, origin.repo.rev(source.TAG))

    def all(self, commits: list[Commit]) -> Iterator[str]:
        """What is wrong with each."""
        with proc.lock(self.source.lock):
            for commit in commits:
                found = "\n".join(self._one(commit))
                proc.say(f"{'FAILED' if found else 'ok':6} {commit.name}")
                yield f"{commit.name}:\n{found}" if found else ""

    def _one(self, commit: Commit) -> list[str]:
        repo = self.source.repo
        repo.git("checkout", "-q", "--detach", commit.commit)
        targets = self._targets(commit)
        if not targets:
            return []
        work = Build(self.source, FLAVOUR)
        work.configure(quiet=True)
        words = work.command("-k", "W=1", "C=1", f"CHECK={_checker(work.folder)}", *targets)
        status, text = proc.attempt(words, env=kernel.environment())
        added = added_lines(repo.git("diff", "-U0", commit.parent, commit.commit))
        found = [line for line in dict.fromkeys(text.splitlines()) if self._new(line, added, commit)]
        return found or ([proc.tail(text, 20)] if status else [])

    def _targets(self, commit: Commit) -> list[str]:
        """What to compile: our files that it hooks in, and the C files that it changes, or that read its headers."""
        if commit.name.startswith("files of "):
            return []
        repo = self.source.repo
        names = [*repo.touched(commit.commit), *self._hooked(commit)]
        return objects(names) or [name for header in names for name in readers(repo.path, header)]

    def _hooked(self, commit: Commit) -> list[str]:
        """Our files that are a part of the kernel from this commit on."""
        folders = tuple(f"{folder}/" for folder in commit.folders)
        return [name for name in self.ours if name.startswith(folders)]

    def _new(self, line: str, added: dict[str, set[int]], commit: Commit) -> bool:
        """Whether it is a complaint about something that the commit brings, or about a file of ours."""
        match = COMPLAINT.match(line)
        if not match or CONSTANT in line:
            return False
        name = in_tree(match["file"], Build(self.source, FLAVOUR).folder, self.source.tree)
        return name in self._hooked(commit) or int(match["line"]) in added.get(name, ())


def in_tree(file: str, build: Path, kernel_tree: Path) -> str:
    """A file's name in the tree; gcc names it as it is seen from the build directory, sparse by its whole path."""
    return os.path.normpath(build / file).removeprefix(f"{kernel_tree}/")


def _checker(folder: Path) -> Path:
    """Sparse as a program that only reports: its errors in lines that were there before do not end the build."""
    script = folder / "checker"
    script.write_text(f'#!/bin/sh\n{CHECKER.removeprefix("CHECK=")} "$@" || :\n')
    script.chmod(0o755)
    return script


def objects(names: Iterable[str]) -> list[str]:
    """The object files of the C files among these."""
    return [f"{name[:-2]}.o" for name in names if name.endswith(".c")]


def readers(kernel_tree: Path, header: str) -> list[str]:
    """Some object files whose sources include a header."""
    if not header.startswith("include/"):
        return []
    row = f"#include <{header.removeprefix('include/').removeprefix('uapi/')}>"
    found = []
    for folder in (kernel_tree / name for name in READING):
        sources = [folder / f"{name[:-2]}.c" for name in sorted(always_built((folder / "Makefile").read_text()))]
        found += [path for path in sources if path.is_file() and row in path.read_text()]
    return objects(str(path.relative_to(kernel_tree)) for path in found[:READERS])


def always_built(makefile: str) -> set[str]:
    """The object files that a folder's Makefile names without a condition."""
    lines = makefile.replace("\\\n", " ").splitlines()
    return {word for line in lines if (match := ALWAYS.match(line)) for word in match["objects"].split()}


def added_lines(diff: str) -> dict[str, set[int]]:
    """The lines that a diff without context adds, by file."""
    found: dict[str, set[int]] = {}
    name = ""
    for row in diff.splitlines():
        if row.startswith("+++ "):
            name = row[4:].removeprefix("b/")
        elif match := HUNK.match(row):
            start, count = int(match[1]), int(match[2] or 1)
            found.setdefault(name, set()).update(range(start, start + count))
    return found
