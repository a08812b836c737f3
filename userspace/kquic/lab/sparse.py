# SPDX-License-Identifier: GPL-2.0-or-later
"""Our C files compiled with W=1 and read by sparse, in a build directory of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from kquic.lab import kernel, proc
from kquic.lab.kernel import Build
from kquic.lab.overlay import Overlay
from kquic.lab.source import Source

COMPLAINT = re.compile(r"^(?P<file>[^:\s]+):(?P<line>\d+):(?:\d+:)? (?:warning|error|fatal error): ")
# Debian's sparse does not know the keyword, and kbuild would leave sparse out without failing.
CHECKER = "CHECK=sparse -D__typeof_unqual__=__typeof__"
NO_SPARSE = "sparse is not available or not up to date"
# Nor does it take the length of a string for a constant, as the kernel's MODULE_… macros do.
CONSTANT = "error: bad constant expression"


def run(source: Source, overlay: Overlay) -> str:
    """All complaints about our files."""
    names = sorted(target for target in overlay.files() if target.endswith(".c"))
    if not names:
        return ""
    work = Build(source, "fast", "check")
    work.configure()
    work.make("prepare", title="headers for the checks")
    objects = [f"{name[:-2]}.o" for name in names]
    # An object that is up to date was clean: those of a run with complaints, or without an end, go.
    pending = work.folder / "check-pending"
    if pending.exists():
        _forget(work.folder, objects)
    pending.touch()
    status, text = proc.attempt(work.command("-k", "W=1", "C=1", CHECKER, *objects), env=kernel.environment())
    found = complaints(text.splitlines(), overlay.files())
    if NO_SPARSE in text or (status and not found):
        return proc.tail(text)
    if not found:
        pending.unlink()
    return "\n".join(found)


def _forget(folder: Path, objects: Iterable[str]) -> None:
    for name in objects:
        (folder / name).unlink(missing_ok=True)


def complaints(lines: Iterable[str], ours: Iterable[str]) -> list[str]:
    """The lines that are about our files, each once."""
    names = tuple(f"/{name}" for name in ours)
    about = {line: match["file"] for line in lines if (match := COMPLAINT.match(line)) and _known(line, match) is False}
    return [line for line, file in about.items() if f"/{file}".endswith(names)]


def _known(line: str, match: re.Match[str]) -> bool:
    """Whether it is sparse's trouble with MODULE_LICENSE(), module_param() and the like."""
    path = Path(match["file"])
    if CONSTANT not in line or not path.is_file():
        return False
    return path.read_text().splitlines()[int(match["line"]) - 1].startswith(("MODULE_", "module_param"))
