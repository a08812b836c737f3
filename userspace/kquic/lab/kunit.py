# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic lab kunit`: KUnit suites of a booted guest, started and read through debugfs."""

from __future__ import annotations

import shlex
from pathlib import Path

from kquic.lab import guest, ktap
from kquic.lab.guest import Job, Result
from kquic.lab.machine import Machine

SCRIPT = """\
cd /sys/kernel/debug/kunit || exit 1
for suite in {glob}; do
    [ -e "$suite/run" ] || continue
    echo "kunit: $suite"
    echo run >"$suite/run"
    cat "$suite/results" >"$KQUIC_JOB/$suite.ktap"
done
"""


def run(machine: Machine, glob: str, folder: Path, timeout: float) -> tuple[Result, ktap.Summary]:
    """Run every suite whose name matches the shell pattern; the kernel's own verdict counts too."""
    script = SCRIPT.format(glob=shlex.quote(glob).strip("'"))
    job = Job(["bash", "-c", script], folder, timeout)
    result = guest.run(machine, job)
    return result, read(job.files)


def read(folder: Path) -> ktap.Summary:
    """Sum up the results that a run left in a directory."""
    texts = {path.stem: path.read_text(errors="replace") for path in folder.glob("*.ktap")}
    return ktap.summary(texts)
