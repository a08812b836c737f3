# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own style checker, on every whole file and every patch; a clean file is not checked twice."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kquic.lab import proc
from kquic.lab.overlay import Overlay
from kquic.lab.paths import cache_dir
from kquic.lab.source import Source

OPTIONS = ("--strict", "--no-summary", "--quiet", "--showfile", "--show-types")
KBUILD = ("Kconfig", "Makefile")

# MAINTAINERS and sign-off come with the submission.
IN_PATCHES = ("FILE_PATH_CHANGES", "MISSING_SIGN_OFF")
# Files whose own form checkpatch does not like, and which we follow.
BY_FILE = {
    "include/trace/events/": ("PARENTHESIS_ALIGNMENT", "OPEN_ENDED_LINE"),
    "xprtquic/trace.h": ("PARENTHESIS_ALIGNMENT", "OPEN_ENDED_LINE"),
    "include/uapi/linux/in.h": ("LEADING_SPACE",),
    "fs/nfs/fs_context.c": ("CAMELCASE", "SPACING"),
    "fs/smb/client/": ("CAMELCASE",),
    "fs/smb/server/": ("CAMELCASE",),
}
# An iterator cannot do without using its arguments more than once.
ITERATOR = re.compile(r"MACRO_ARG_REUSE.*\n\+#define \w*for_each")


@dataclass(frozen=True, slots=True)
class Subject:
    """One file to check."""

    path: Path
    name: str
    patch: bool

    def options(self) -> list[str]:
        """How checkpatch is to look at it."""
        about = self.path.read_text() if self.patch else self.name
        ignored = [kind for part, kinds in BY_FILE.items() if part in about for kind in kinds]
        ignored += IN_PATCHES if self.patch else ()
        flags = [f"--ignore={','.join(ignored)}"] if ignored else []
        return [*OPTIONS, *flags, *([str(self.path)] if self.patch else ["-f", self.name])]


def run(source: Source, overlay: Overlay) -> str:
    """All complaints."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        texts = pool.map(lambda subject: _check(source, subject), list(_subjects(source, overlay)))
        return "\n".join(filter(None, texts))


def _subjects(source: Source, overlay: Overlay) -> Iterator[Subject]:
    for target in overlay.files():
        if Path(target).suffix in (".c", ".h") or Path(target).name in KBUILD:
            yield Subject(source.tree / target, target, patch=False)
    for path in overlay.patches():
        yield Subject(path, path.name, patch=True)


def _check(source: Source, subject: Subject) -> str:
    script, options = source.tree / "scripts" / "checkpatch.pl", subject.options()
    seen = hashlib.sha256(script.read_bytes() + subject.path.read_bytes() + repr(options).encode())
    stamp = cache_dir("checked") / seen.hexdigest()[:24]
    if stamp.exists():
        return ""
    # Without a repository in sight it does not ask for the Python packages of spdxcheck.
    env = {"GIT_DIR": os.devnull + "/none"}
    status, text = proc.attempt([script, *options], cwd=source.tree, env=env)
    if found := complaints(text):
        return found
    if status and not text:
        return f"{subject.name}: checkpatch ended with status {status}"
    stamp.touch()
    return ""


def complaints(text: str) -> str:
    """What is left of checkpatch's words, block by block."""
    blocks = (block.strip() for block in text.split("\n\n"))
    return "\n\n".join(block for block in blocks if block and not ITERATOR.search(block))
