# SPDX-License-Identifier: GPL-2.0-or-later
"""One patch of a series: its author, message and hunks, and a clear word when it does not apply."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kquic.errors import CommandFailed, PatchFailed
from kquic.lab.gitrepo import GitRepo, Staging

HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@.*$")
FAILED_AT = re.compile(r"^error: patch failed: (.+):(\d+)$", re.M)
OTHER_ERROR = re.compile(r"^error: (?!while searching for)(.+)$", re.M)


@dataclass(frozen=True, slots=True)
class Mail:
    """A patch in mail form, taken apart by git."""

    author: dict[str, str]
    subject: str
    body: str
    diff: bytes

    @property
    def message(self) -> str:
        """The commit message."""
        return f"{self.subject}\n\n{self.body}".rstrip() + "\n"


def read(repo: GitRepo, path: Path) -> Mail:
    """Take a patch file apart."""
    with tempfile.TemporaryDirectory(prefix="kquic-patch") as folder:
        body, diff = Path(folder, "body"), Path(folder, "diff")
        info = repo.git("mailinfo", body, diff, stdin=path.read_bytes())
        fields = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
        names = {"NAME": "Author", "EMAIL": "Email", "DATE": "Date"}
        author = {key: fields[name] for key, name in names.items() if fields.get(name)}
        return Mail(author, fields.get("Subject", path.stem), body.read_text(), diff.read_bytes())


def apply(stage: Staging, path: Path, mail: Mail) -> str:
    """Commit a patch on a staging index."""
    try:
        # Two lines of context have to match: the outermost ones differ between point releases.
        stage.git("apply", "--cached", "-C2", "--whitespace=nowarn", "-", stdin=mail.diff)
    except CommandFailed as error:
        raise PatchFailed(explain(path.name, mail.diff.decode(errors="replace"), error.output)) from error
    return stage.commit(mail.message, mail.author)


def explain(name: str, diff: str, errors: str) -> str:
    """Say which hunk of which file of which patch does not fit."""
    found = FAILED_AT.search(errors)
    if not found:
        reason = OTHER_ERROR.search(errors)
        return f"patch {name} does not apply: {reason.group(1) if reason else errors.strip()}"
    file, line = found.group(1), int(found.group(2))
    number, text = _hunk(diff, file, line)
    return f"patch {name} does not apply: file {file}, hunk #{number}:\n{text}"


def _hunk(diff: str, file: str, line: int) -> tuple[int, str]:
    """The number and the text of the hunk of a file that starts at a line."""
    hunks: list[list[str]] = []
    inside = False
    for row in diff.splitlines():
        if row.startswith("diff --git "):
            inside = row.endswith(f" b/{file}")
        elif inside and HUNK.match(row):
            hunks.append([row])
        elif inside and hunks:
            hunks[-1].append(row)
    for number, rows in enumerate(hunks, 1):
        start = HUNK.match(rows[0])
        if start and int(start.group(1)) == line:
            return number, "\n".join(rows)
    return 0, f"(near line {line})"
