# SPDX-License-Identifier: GPL-2.0-or-later
"""Telling the user how a run ended."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from kquic.lab import proc
from kquic.lab.guest import Result


def tell(result: Result, where: Path, keep: bool = False) -> int:
    """Tell what the kernel complained about, and leave the job's directory where that helps."""
    for trouble in result.troubles:
        print(f"\nkquic: TROUBLE: {trouble}", file=sys.stderr)
    if result.troubles:
        proc.say(f"console and results are in {where}")
    elif keep or any((where / "files").iterdir()):
        proc.say(f"results are in {where}")
    else:
        shutil.rmtree(where, ignore_errors=True)
    return result.status
