# SPDX-License-Identifier: GPL-2.0-or-later
"""The series as they would be sent: patches and whole files in an order in which every commit builds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kquic.lab import patch, proc
from kquic.lab.gitrepo import WHO, Staging
from kquic.lab.overlay import Folder, Overlay, Series
from kquic.lab.source import TAG, Source

EXPORT = ("format-patch", "--cover-letter", "--zero-commit", "--no-signature", "--abbrev=12")
COVER = "cover-letter"
SENDER = {f"GIT_COMMITTER_{part}": WHO[part] for part in ("NAME", "EMAIL")}
"""Of the cover letters: the author of the patches, whoever runs this."""
SUBJECT_MARK, TEXT_MARK = "*** SUBJECT HERE ***", "*** BLURB HERE ***"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a series."""

    series: Series
    name: str
    commit: str
    parent: str
    folders: tuple[str, ...] = ()
    """Of whole files that are a part of the kernel from here on."""


def chain(source: Source, overlay: Overlay) -> list[Commit]:
    """Commit everything on the kernel, series by series, without touching the tree."""
    with source.repo.staging(source.repo.rev(TAG)) as stage:
        return [commit for series in overlay.series for commit in _series(stage, source, overlay, series)]


def _series(stage: Staging, source: Source, overlay: Overlay, series: Series) -> Iterator[Commit]:
    pending = [folder for folder in overlay.folders if series.covers(f"{folder.target}/file")]
    for path in series.patches(overlay.repo, overlay.kernel):
        mail, parent = patch.read(source.repo, path), stage.parent
        hooked: tuple[str, ...] = ()
        if folders := _needed(pending, path.read_text()):
            pending = [folder for folder in pending if folder not in folders]
            for folder in folders:
                yield _whole_files(stage, overlay, series, folder)
            hooked = tuple(folder.target for folder in folders)
            parent = stage.parent
        yield Commit(series, path.name, patch.apply(stage, path, mail), parent, hooked)


def _whole_files(stage: Staging, overlay: Overlay, series: Series, folder: Folder) -> Commit:
    """The files of a folder, in a commit of their own."""
    parent = stage.parent
    files = {target: path for target, path in folder.files(overlay.repo) if path == overlay.files().get(target)}
    stage.put(dict(files))
    names = f"The files of {folder.target}, which are built when a later patch names them.\n"
    commit = stage.commit(f"{folder.target}: add the files for QUIC\n\n{names}", {})
    return Commit(series, f"files of {folder.target}", commit, parent)


def _needed(pending: list[Folder], text: str) -> list[Folder]:
    """The folders that a patch hooks into the build: it changes a Makefile in them or above."""
    rows = (row for row in text.splitlines() if row.startswith("diff --git ") and row.endswith("/Makefile"))
    makefiles = [PurePosixPath(row.split(" b/")[1]).parent for row in rows]
    if not makefiles:
        return []
    return [
        folder
        for folder in pending
        if folder.target == "include" or any(PurePosixPath(folder.target).is_relative_to(place) for place in makefiles)
    ]


def write(source: Source, overlay: Overlay, commits: list[Commit], folder: Path) -> list[Path]:
    """The series in mail form, with their cover letters; returns a folder for each."""
    written = []
    for series in dict.fromkeys(commit.series for commit in commits):
        mine = [commit for commit in commits if commit.series == series]
        target = folder / Path(series.source).parent.name
        target.mkdir(parents=True, exist_ok=True)
        for old in target.glob("*.patch"):
            old.unlink()
        span = f"{mine[0].parent}..{mine[-1].commit}"
        source.repo.git(*EXPORT, "-o", target, span, env=SENDER)
        _cover(target, source, overlay.repo / series.source / COVER)
        written.append(target)
    return written


def _cover(target: Path, source: Source, letter_file: Path) -> None:
    """Fill the cover letter in, from the file beside the patches."""
    letter = target / "0000-cover-letter.patch"
    text = letter_file.read_text()
    subject, _, body = text.partition("\n\n")
    filled = letter.read_text().replace(SUBJECT_MARK, subject.strip()).replace(TEXT_MARK, body.strip())
    letter.write_text(filled)
    proc.say(f"{target}: {len(list(target.glob('*.patch'))) - 1} patches for {source.name}")
