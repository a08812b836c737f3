# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself, from the outside: real guests whose kernel complains, dies or hangs. Runs on the host."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from kquic.lab import machine
from kquic.lab.guest import STATUS_DIED, STATUS_TIMEOUT, STATUS_TROUBLE
from kquic.lab.paths import REPO

KQUIC = str(REPO / "kquic")
CRASH = "/sys/kernel/debug/provoke-crash/DIRECT"


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `kquic lab run` on the kernel that was built last."""
    command = [KQUIC, "lab", "run", "--no-build", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def bash(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a guest."""
    return lab(*options, "--", "bash", "-c", script)


def test_output_and_status_arrive() -> None:
    done = bash("echo to out; echo to err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "to out\n", "to err\n")


def test_a_quiet_success_says_nothing() -> None:
    done = lab("--", "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_checkout_is_there_and_every_boot_is_pristine() -> None:
    script = "test -f /host/overlay.toml && test ! -e /etc/mark && touch /etc/mark"
    assert bash(script).returncode == 0
    assert bash(script).returncode == 0


def test_files_for_the_user_are_kept(tmp_path: Path) -> None:
    done = bash('echo data >"$KQUIC_JOB/capture"', "--keep", str(tmp_path))
    assert done.returncode == 0
    assert (tmp_path / "files" / "capture").read_text() == "data\n"


def test_options_reach_the_machine() -> None:
    done = bash("nproc; grep -c mark=1 /proc/cmdline", "--cpus", "1", "--boot", "mark=1")
    assert done.stdout.split() == ["1", "1"]


def test_a_pinned_guest_stays_on_one_processor() -> None:
    command = [KQUIC, "lab", "run", "--no-build", "--pin", "--", "bash", "-c", "nproc; sleep 1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        guest = _wait_for_guest(child.pid)
        assert child.stdout
        assert child.stdout.readline() == "1\n"
        everywhere = {tuple(os.sched_getaffinity(pid)) for pid in machine.session_members(guest)}
        child.kill()
    assert len(everywhere) == 1
    assert len(*everywhere) == 1


def test_a_kernel_warning_fails_a_content_command() -> None:
    done = bash(f"echo WARNING >{CRASH}; echo content")
    assert done.returncode == STATUS_TROUBLE
    assert done.stdout == "content\n"
    assert "lkdtm/bugs.c" in done.stderr
    assert "the kernel is tainted: warning" in done.stderr


def test_an_oops_ends_the_guest_and_is_shown() -> None:
    done = bash(f"echo EXCEPTION >{CRASH}; sleep 60")
    assert done.returncode == STATUS_DIED
    assert "Kernel panic" in done.stderr
    assert "lkdtm_do_action" in done.stderr


def test_a_hung_task_fails_the_run() -> None:
    script = """
        echo 2 >/proc/sys/kernel/hung_task_timeout_secs
        truncate -s 8M /tmp/disk && mke2fs -q /tmp/disk && mount -o loop /tmp/disk /mnt && fsfreeze -f /mnt
        touch /mnt/never & sleep 6; fsfreeze -u /mnt; wait
    """
    done = bash(script)
    assert done.returncode == STATUS_TROUBLE, done.stderr
    assert "blocked for more than 2 seconds" in done.stderr


def test_the_time_limit_kills_for_sure() -> None:
    start = time.monotonic()
    done = bash("trap '' TERM INT HUP; echo started; while :; do sleep 1; done", "--timeout", "4")
    assert done.returncode == STATUS_TIMEOUT
    assert done.stdout == "started\n"
    assert time.monotonic() - start < 15


def test_killing_the_command_takes_the_guest_with_it() -> None:
    command = [KQUIC, "lab", "run", "--no-build", "--", "sleep", "1000"]
    with subprocess.Popen(command) as child:
        guest = _wait_for_guest(child.pid)
        child.kill()
    deadline = time.monotonic() + 5
    while machine.session_members(guest) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert machine.session_members(guest) == []


def _wait_for_guest(parent: int) -> int:
    """The session of the guest that a kquic started."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in map(int, children):
            if pid in machine.session_members(pid):
                return pid
        time.sleep(0.05)
    pytest.fail("no guest was started")
