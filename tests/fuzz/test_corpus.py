# SPDX-License-Identifier: GPL-2.0-or-later
"""What fuzzing has found to do is done again, and everything that was ever found with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("corpus/*.txt"), *HERE.glob("found/*.txt")])


@pytest.mark.smoke
@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.stem}" for file in FILES])
def test_replay(file: Path) -> None:
    command = ["unshare", "--net", sys.executable, "-m", "kquic.fuzz", "replay", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 sockets are left" in done.stdout
