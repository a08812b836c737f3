# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic check`: ruff and mypy on the Python, checkpatch, compiler warnings and sparse on the kernel code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kquic.lab import kernel, overlay, proc, source, tree
from kquic.lab.kernel import Build
from kquic.lab.overlay import Overlay
from kquic.lab.paths import REPO, cache_dir
from kquic.lab.source import Source

PYTHON = ("userspace", "tests", "bench")
CHECKPATCH = ("--strict", "--no-summary", "--quiet", "--showfile", "--show-types")
# MAINTAINERS and sign-off come with the submission; the rest are files whose own form checkpatch does not like.
PATCH_IGNORE = ("FILE_PATH_CHANGES", "MISSING_SIGN_OFF")
IGNORE = {
    "include/trace/events/": ("PARENTHESIS_ALIGNMENT", "OPEN_ENDED_LINE"),
    "include/uapi/linux/in.h": ("LEADING_SPACE",),
}
KBUILD = ("Kconfig", "Makefile")
COMPLAINT = re.compile(r"(?:warning|error):")


def run() -> int:
    """All checks; every one runs, whatever the others said."""
    origin, over = source.get(), overlay.load()
    with proc.lock(origin.lock):
        key = tree.sync(origin, over)
        checks: dict[str, Callable[[], str]] = {
            "ruff": ruff,
            "mypy": mypy,
            "checkpatch": lambda: checkpatch(origin, over),
            "warnings and sparse": lambda: sparse(origin, over, key),
        }
        failed = [name for name, check in checks.items() if not _report(name, check())]
    return 1 if failed else 0


def _report(name: str, complaints: str) -> bool:
    print(f"check: {name}: {'FAILED' if complaints else 'clean'}", flush=True)
    if complaints:
        print(complaints, flush=True)
    return not complaints


def _complaints(command: Sequence[str | Path], cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env=proc.environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=3600,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def ruff() -> str:
    """Style and likely mistakes of the Python code."""
    folders = [name for name in PYTHON if (REPO / name).is_dir()]
    command = [sys.executable, "-m", "ruff", "check", "-q", "--cache-dir", str(cache_dir("ruff")), *folders]
    status, text = _complaints(command, REPO)
    return text or f"exit status {status}" if status else ""


def mypy() -> str:
    """Types of the package."""
    status, text = _complaints([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache_dir("mypy"))], REPO)
    return text or f"exit status {status}" if status else ""


def checkpatch(origin: Source, over: Overlay) -> str:
    """The kernel's own style checker on every whole file and every patch."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for target in over.files():
        if Path(target).suffix in (".c", ".h") or Path(target).name in KBUILD:
            groups.setdefault(("-f", *_ignored(target)), []).append(target)
    for path in over.patches():
        groups.setdefault((*_ignored(path.read_text()), *PATCH_IGNORE), []).append(str(path))
    return "\n".join(filter(None, (_checkpatch(origin, group, files) for group, files in groups.items())))


def _ignored(text: str) -> tuple[str, ...]:
    return tuple(kind for part, kinds in IGNORE.items() if part in text for kind in kinds)


def _checkpatch(origin: Source, group: tuple[str, ...], files: list[str]) -> str:
    ignored = [f"--ignore={','.join(kinds)}"] if (kinds := [kind for kind in group if kind != "-f"]) else []
    mode = ["-f"] if "-f" in group else []
    script: list[str | Path] = [origin.tree / "scripts" / "checkpatch.pl", *CHECKPATCH, *ignored, *mode, *files]
    # Without a repository in sight it does not ask for the Python packages of spdxcheck.
    return _complaints(script, origin.tree, {"GIT_DIR": os.devnull + "/none"})[1]


def sparse(origin: Source, over: Overlay, key: str) -> str:
    """gcc with W=1, and sparse, on every C file of ours."""
    stamp = cache_dir("checked") / key
    sources = sorted(target for target in over.files() if target.endswith(".c"))
    if stamp.exists() or not sources:
        return ""
    work = Build(origin, "fast", "check")
    work.configure()
    work.make("prepare", title="headers for the checks")
    objects = [f"{name[:-2]}.o" for name in sources]
    status, text = _complaints(work.command("-k", "W=1", "C=2", *objects), REPO, kernel.environment())
    lines = text.splitlines()
    found = [line for line in lines if COMPLAINT.search(line) and any(name in line for name in over.files())]
    if status and not found:
        return proc.tail(text)
    if not status and not found:
        stamp.touch()
    return "\n".join(dict.fromkeys(found))
