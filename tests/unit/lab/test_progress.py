# SPDX-License-Identifier: GPL-2.0-or-later
"""A long program that is followed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kquic.errors import CommandFailed
from kquic.lab import progress
from kquic.lab.paths import REPO

SHELL = "echo one; echo two >&2; "


def test_output_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "folder" / "log"
    progress.follow("a program", ["sh", "-c", SHELL], log)
    assert sorted(log.read_text().split()) == ["one", "two"]


def test_failure_tells_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=str(tmp_path / "log")):
        progress.follow("a program", ["sh", "-c", f"{SHELL} exit 3"], tmp_path / "log")


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C ends the program too, and nothing else complains."""
    code = "import sys; from kquic.lab import progress; from pathlib import Path\n"
    code += "progress.follow('a program', ['sh', '-c', sys.argv[1]], Path(sys.argv[2]))"
    script = f"{SHELL} echo $$ >&2; exec sleep 600"
    with subprocess.Popen(
        [sys.executable, "-c", code, script, tmp_path / "log"],
        env=os.environ | {"PYTHONPATH": str(REPO / "userspace")},
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr
        assert run.stderr.readline() == "two\n"
        pid = int(run.stderr.readline())
        run.send_signal(signal.SIGINT)
        complaints = run.stderr.read()
    assert complaints.rstrip().endswith("KeyboardInterrupt")
    assert complaints.count("Traceback") == 1
    assert not Path(f"/proc/{pid}").exists()
