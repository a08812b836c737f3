# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine's command line, and the verdict on what a guest left behind."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kquic.lab import guest, machine
from kquic.lab.guest import STATUS_DIED, STATUS_TIMEOUT, STATUS_TROUBLE, Job, Result
from kquic.lab.kernel import Kernel
from kquic.lab.machine import Machine
from kquic.lab.paths import REPO

GOOD = {"console": "calm\r\n", "rc": "0\n", "state": "tainted 0\nhung_tasks 0\ndebug_locks 1\n"}


def _machine(flavour: str = "fast", cpus: int = 2) -> Machine:
    return Machine(Kernel(flavour, Path("/k/linux")), Path("/i.img"), cpus)


def _judge(folder: Path, left: dict[str, str], *, flavour: str = "fast", timed_out: bool = False) -> Result:
    for name, text in left.items():
        (folder / name).write_text(text)
    return guest.judge(_machine(flavour), Job([], folder), 1.0, timed_out)


def test_a_good_run_is_good(tmp_path: Path) -> None:
    result = _judge(tmp_path, GOOD, flavour="debug")
    assert (result.status, result.troubles) == (0, [])


def test_the_commands_status_is_passed_on(tmp_path: Path) -> None:
    assert _judge(tmp_path, {**GOOD, "rc": "7\n"}).status == 7


@pytest.mark.parametrize(
    "left",
    [
        {"console": "[    1.0] WARNING: net/quic/x.c:1 at f\r\n"},
        {"state": "tainted 512\nhung_tasks 0\n"},
        {"state": "tainted 0\nhung_tasks 1\n"},
        {"kmemleak": "unreferenced object 0x61 (size 96):\n"},
    ],
)
def test_a_complaint_of_the_kernel_fails_a_content_command(tmp_path: Path, left: dict[str, str]) -> None:
    result = _judge(tmp_path, {**GOOD, **left})
    assert result.status == STATUS_TROUBLE
    assert len(result.troubles) == 1


def test_lockdep_switched_off_fails_the_debug_flavour_only(tmp_path: Path) -> None:
    off = {**GOOD, "state": "tainted 0\nhung_tasks 0\ndebug_locks 0\n"}
    assert _judge(tmp_path, off, flavour="debug").status == STATUS_TROUBLE
    assert _judge(tmp_path, off, flavour="kasan").status == 0


def test_a_guest_without_a_verdict_died(tmp_path: Path) -> None:
    assert _judge(tmp_path, {"console": "half a li"}).status == STATUS_DIED
    assert _judge(tmp_path, {"console": "", "rc": "0\n"}).status == STATUS_DIED


def test_a_run_out_of_time_says_so(tmp_path: Path) -> None:
    result = _judge(tmp_path, {"console": "still going"}, timed_out=True)
    assert result.status == STATUS_TIMEOUT
    assert "not done within" in result.troubles[0].what


def test_the_command_line_names_what_the_guest_needs() -> None:
    words = _machine().command(Path("/tmp/d"))
    assert {"ubd0r=/tmp/d/image", "ncpus=2", "mem=2G", "lab_dirs=/tmp/d"} <= set(words)
    assert not any(word.startswith("con1=") for word in words)
    assert "con1=fd:9" in _machine().command(Path("/tmp/d"), terminal=9)


@pytest.mark.parametrize("flavour", ["debug", "fuzz"])
def test_flavours_with_one_cpu_are_not_told_how_many(flavour: str) -> None:
    assert not any(word.startswith("ncpus=") for word in _machine(flavour, 2).command(Path("/d")))


def test_a_pinned_machine_has_one_processor() -> None:
    pinned = replace(_machine(), pinned=True)
    assert "ncpus=1" in pinned.command(Path("/d"))


def test_a_pinned_machine_stays_on_a_processor_that_we_may_use(tmp_path: Path) -> None:
    shell = tmp_path / "linux"
    shell.write_text("#!/bin/sh\nsleep 1000 & echo up; wait\n")
    shell.chmod(0o755)
    with machine.Process(Machine(Kernel("fast", shell), tmp_path / "none", pinned=True), {}) as process:
        assert process.child.stdout
        assert process.child.stdout.readline() == b"up\n"
        places = [os.sched_getaffinity(pid) for pid in machine.session_members(process.child.pid)]
    assert len(places) == 2
    assert places[0] == places[1]
    assert len(places[0] & os.sched_getaffinity(0)) == len(places[0]) == 1


def test_the_debug_flavour_looks_for_leaks() -> None:
    assert _machine("debug", 2).leak_check
    assert not _machine("kasan", 1).leak_check


def test_virtual_time_is_switched_on_with_one_processor() -> None:
    words = _machine("virtual", 2).command(Path("/d"))
    assert "time-travel=inf-cpu" in words
    assert not any(word.startswith("ncpus=") for word in words)


@pytest.mark.parametrize(("cwd", "seen"), [(REPO, "/host/."), (REPO / "tests", "/host/tests"), (Path("/"), "/host")])
def test_the_guest_starts_in_the_same_directory(tmp_path: Path, cwd: Path, seen: str) -> None:
    job = Job(["true"], tmp_path, cwd=cwd)
    job.prepare(_machine(), "merged")
    assert f"cd {seen}\n" in (tmp_path / "command").read_text()


def test_words_of_the_command_stay_words(tmp_path: Path) -> None:
    job = Job(["printf", "%s\n", "a b", "$HOME"], tmp_path)
    job.prepare(_machine(), "merged")
    assert "printf '%s\n' 'a b' '$HOME'" in (tmp_path / "command").read_text()


def test_killing_a_session_takes_its_children(tmp_path: Path) -> None:
    shell = tmp_path / "linux"
    shell.write_text("#!/bin/sh\nsleep 1000 & sleep 1000 & echo up; wait\n")
    shell.chmod(0o755)
    with machine.Process(Machine(Kernel("fast", shell), tmp_path / "none"), {}) as process:
        assert process.child.stdout
        assert process.child.stdout.readline() == b"up\n"
        assert len(machine.session_members(process.child.pid)) == 3
        process.kill()
        assert machine.session_members(process.child.pid) == []
    assert not process.dirs.exists()
