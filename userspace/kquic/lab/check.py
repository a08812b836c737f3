# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic check`: ruff and mypy on the Python, Sphinx on the docs; checkpatch, warnings, sparse on the kernel code."""

from __future__ import annotations

import sys

from kquic.lab import checkpatch, overlay, proc, site, source, sparse, tree
from kquic.lab.paths import REPO, cache_dir

PYTHON = ("userspace", "tests", "examples", "bench", "docs")


def run() -> int:
    """All checks; every one runs, whatever the others said."""
    origin = source.get()
    over = overlay.load(kernel=origin.version)
    passed = [_report("ruff", ruff()), _report("mypy", mypy()), _report("docs", site.check())]
    with proc.lock(origin.lock):
        tree.sync(origin, over)
        passed.append(_report("checkpatch", checkpatch.run(origin, over)))
        passed.append(_report("compiler warnings and sparse", sparse.run(origin, over)))
    return 0 if all(passed) else 1


def _report(name: str, complaints: str) -> bool:
    print(f"check: {name}: {'FAILED' if complaints else 'clean'}", flush=True)
    if complaints:
        print(complaints, flush=True)
    return not complaints


def ruff() -> str:
    """Style and likely mistakes of the Python code."""
    folders = [name for name in PYTHON if (REPO / name).is_dir()]
    return _python("ruff", "check", "-q", "--cache-dir", str(cache_dir("ruff")), *folders)


def mypy() -> str:
    """Types of the package."""
    return _python("mypy", "--strict", "--cache-dir", str(cache_dir("mypy")))


def _python(module: str, *words: str) -> str:
    status, text = proc.attempt([sys.executable, "-m", module, *words], cwd=REPO)
    return (text or f"exit status {status}") if status else ""
