# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic test`: everything that has to hold, cheapest first; stops at nothing and sums up at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from kquic.errors import KquicError
from kquic.lab import check, cprograms, guest, image, kernel, kunit, proc, verdict
from kquic.lab.guest import Job
from kquic.lab.machine import Machine
from kquic.lab.paths import REPO

PYTEST = ["python3", "-m", "pytest", "-q", "--ignore=tests/unit", "--ignore=tests/lab"]
GROUPS = (
    ["tests/nfs", "tests/smb"],
    ["tests", "--ignore=tests/nfs", "--ignore=tests/smb"],
)
"""What runs side by side, each in a guest of its own: most tests wait for something."""
LIMIT = 1500.0


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the test run, and how it ended."""

    name: str
    status: int
    seconds: float


def run() -> int:
    """Run every part; the exit status is 0 only if all of them passed."""
    parts: dict[str, Callable[[], int]] = {
        "static checks": check.run,
        "unit tests": unit,
        "KUnit, fast": lambda: in_kernel("fast"),
        "the lab itself": itself,
        "guest suite, fast": lambda: in_guests("fast"),
        "KUnit, kasan": lambda: in_kernel("kasan"),
        "guest smoke tests, kasan": lambda: in_guest("kasan", ["-m", "smoke"]),
    }
    steps = [_timed(name, part) for name, part in parts.items()]
    print()
    for step in steps:
        print(f"{'ok' if step.status == 0 else 'FAILED':6} {step.seconds:6.0f} s  {step.name}")
    return 1 if any(step.status for step in steps) else 0


def _timed(name: str, part: Callable[[], int]) -> Step:
    proc.say(f"=== {name}")
    start = time.monotonic()
    try:
        status = part()
    except KquicError as error:
        print(f"kquic: {error}", file=sys.stderr)
        status = 2
    return Step(name, status, time.monotonic() - start)


def unit() -> int:
    """Tests that need no kernel of ours."""
    return _on_host("tests/unit")


def itself() -> int:
    """Tests that boot guests to see the lab catch what it has to catch."""
    machine("fast")
    return _on_host("tests/lab")


def _on_host(folder: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-q", folder], cwd=REPO, check=False).returncode


def machine(flavour: str) -> Machine:
    """A machine with the sources as they are."""
    return Machine(kernel.build(flavour), image.build())


def in_kernel(flavour: str) -> int:
    """All of our KUnit suites."""
    where = guest.new_folder()
    result, summary = kunit.run(machine(flavour), "quic*", where, LIMIT)
    print(summary)
    return verdict.tell(result, where) or (0 if summary.ok else 1)


def in_guest(flavour: str, options: list[str]) -> int:
    """The end-to-end tests."""
    where = guest.new_folder()
    cprograms.put(where / "programs")
    result = guest.run(machine(flavour), Job([*PYTEST, "tests", *options], where, LIMIT, cwd=REPO))
    return verdict.tell(result, where)


def in_guests(flavour: str) -> int:
    """The same in several guests at a time; what they print is shown guest by guest."""
    machine(flavour)
    run_built = ["lab", "run", "--no-build", f"--flavour={flavour}", f"--timeout={LIMIT}", "--"]
    failed = 0
    with ExitStack() as opened:
        outputs = [opened.enter_context(tempfile.TemporaryFile()) for _ in GROUPS]
        guests = [
            subprocess.Popen(
                [sys.executable, "-m", "kquic.cli", *run_built, *PYTEST, *group], stdout=output, stderr=output, cwd=REPO
            )
            for group, output in zip(GROUPS, outputs, strict=True)
        ]
        for running, output in zip(guests, outputs, strict=True):
            failed |= running.wait()
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            sys.stdout.flush()
    return failed
