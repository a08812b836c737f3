# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic lab run`: one command in a freshly booted guest, its output live, the kernel's word in the verdict."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from kquic.errors import LabError
from kquic.lab import console, proc
from kquic.lab.console import Trouble
from kquic.lab.machine import Machine, Process
from kquic.lab.paths import REPO, cache_dir

STATUS_TROUBLE = 120
"""Exit status when the command was content but the kernel was not."""
STATUS_TIMEOUT = 124
STATUS_DIED = 125
KEEP_JOBS = 20
POLL = 0.03

SCRIPT = """\
export KQUIC_PROGRAMS=/job/programs
export KQUIC_JOB=/job/files KQUIC_JOB_ON_HOST={files} KQUIC_FLAVOUR={flavour} KQUIC_HOST=/host
export PYTHONPATH=/host/userspace PYTHONPYCACHEPREFIX=/var/cache/pycache PYTHONUNBUFFERED=1
export TERM={term}
{pynfs}
cd {cwd}
{command}
"""

#: A tree of pynfs that the user names becomes a read-only folder of the guest.
PYNFS = """\
mkdir /run/pynfs
mount -t hostfs -o ro,hostfs="$(tr ' ' '\\n' </proc/cmdline | sed -n 's/^lab_dirs=//p')/pynfs/." pynfs /run/pynfs
export PYNFS=/run/pynfs"""


@dataclass
class Result:
    """How a run ended."""

    status: int
    seconds: float
    troubles: list[Trouble] = field(default_factory=list)


@dataclass
class Job:
    """A command for the guest, and the directory in which it and its results lie."""

    command: list[str]
    folder: Path
    timeout: float = 600.0
    shell: bool = False
    cwd: Path = field(default_factory=Path.cwd)

    @property
    def pynfs(self) -> Path | None:
        """The tree of pynfs in $PYNFS, which the guest is to see too."""
        named = os.environ.get("PYNFS")
        if named and not Path(named).is_dir():
            raise LabError(f"PYNFS: {named} is no folder")
        return Path(named).resolve() if named else None

    @property
    def files(self) -> Path:
        """What the command leaves: $KQUIC_JOB in the guest."""
        return self.folder / "files"

    def prepare(self, machine: Machine, mode: str) -> None:
        """Write what the guest's init reads."""
        self.files.mkdir(parents=True, exist_ok=True)
        for name in ("out", "err", "rc", "state", "kmemleak"):
            (self.folder / name).unlink(missing_ok=True)
        script = SCRIPT.format(
            files=shlex.quote(str(self.files)),
            flavour=machine.kernel.flavour,
            term=shlex.quote(os.environ.get("TERM", "dumb")),
            pynfs=PYNFS if self.pynfs else "",
            cwd=shlex.quote(self._guest_cwd()),
            command="exec bash -l" if self.shell else shlex.join(self.command),
        )
        (self.folder / "command").write_text(script)
        (self.folder / "mode").write_text(mode)
        (self.folder / "leaks").write_text("yes" if machine.leak_check else "no")

    def _guest_cwd(self) -> str:
        inner = self.cwd.resolve()
        return f"/host/{inner.relative_to(REPO)}" if inner.is_relative_to(REPO) else "/host"

    def links(self) -> dict[str, Path]:
        """The directories that the guest sees."""
        given = {"pynfs": self.pynfs} if self.pynfs else {}
        return {"host": REPO, "job": self.folder, "pycache": cache_dir("pycache"), **given}


def new_folder() -> Path:
    """A directory for a job; the oldest ones go."""
    jobs = cache_dir("jobs")
    done = [path for path in jobs.iterdir() if not Path("/proc", path.name.rpartition("-")[2]).exists()]
    for old in sorted(done)[:-KEEP_JOBS]:
        shutil.rmtree(old, ignore_errors=True)
    folder = jobs / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir()
    return folder


def run(
    machine: Machine,
    job: Job,
    out: BinaryIO | None = None,
    err: BinaryIO | None = None,
    started: Callable[[Process], object] | None = None,
) -> Result:
    """Boot, run the command, show its output as it comes, judge; `started` is told which process it is."""
    sinks = {"out": out or sys.stdout.buffer, "err": err or sys.stderr.buffer}
    mode = "merged" if _same_file(sinks["out"], sinks["err"]) else "split"
    job.prepare(machine, mode)
    start = time.monotonic()
    with Process(machine, job.links()) as process:
        if started is not None:
            started(process)
        listener = listen(process, job.folder / "console")
        tails = [_Tail(job.folder / name, sink) for name, sink in sinks.items()]
        timed_out = not _watch(process, tails, start + job.timeout)
        process.kill()
        listener.join(10)
        for tail in tails:
            tail.pump()
    return judge(machine, job, time.monotonic() - start, timed_out)


def judge(machine: Machine, job: Job, seconds: float, timed_out: bool) -> Result:
    """The verdict from what the guest and its kernel left behind."""
    log = _read(job.folder / "console")
    troubles = console.in_log(log)
    state = console.parse_state(_read(job.folder / "state"))
    if state:
        troubles += console.in_state(state, lockdep=machine.kernel.flavour == "debug")
    if leaks := _read(job.folder / "kmemleak").strip():
        troubles.append(Trouble("kmemleak found memory that nothing refers to", leaks))
    rc = _read(job.folder / "rc").strip()
    if timed_out:
        troubles.insert(0, Trouble(f"not done within {job.timeout:.0f} s", proc.tail(log, 30)))
        return Result(STATUS_TIMEOUT, seconds, troubles)
    if not rc or not state:
        troubles.insert(0, Trouble("the guest died", "" if troubles else proc.tail(log, 40)))
        return Result(STATUS_DIED, seconds, troubles)
    status = int(rc)
    return Result(status or (STATUS_TROUBLE if troubles else 0), seconds, troubles)


def _watch(process: Process, tails: list[_Tail], deadline: float) -> bool:
    """Pass output on until the machine ends; False when its time is up first."""
    while process.child.poll() is None:
        if time.monotonic() > deadline:
            return False
        for tail in tails:
            tail.pump()
        time.sleep(POLL)
    return True


def listen(process: Process, log: Path) -> Thread:
    """Write the console to a file while the machine runs."""
    stream = process.child.stdout
    assert stream is not None

    def copy() -> None:
        with log.open("wb", buffering=0) as record:
            while data := os.read(stream.fileno(), 65536):
                record.write(data)

    thread = Thread(target=copy, daemon=True)
    thread.start()
    return thread


class _Tail:
    """Passes on what is added to a file."""

    def __init__(self, path: Path, sink: BinaryIO) -> None:
        self.path, self.sink, self.at = path, sink, 0

    def pump(self) -> None:
        if not self.path.exists() or self.path.stat().st_size <= self.at:
            return
        with self.path.open("rb") as handle:
            handle.seek(self.at)
            data = handle.read()
        self.at += len(data)
        self.sink.write(data)
        self.sink.flush()


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _same_file(one: BinaryIO, other: BinaryIO) -> bool:
    try:
        first, second = os.fstat(one.fileno()), os.fstat(other.fileno())
    except (OSError, ValueError):
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
