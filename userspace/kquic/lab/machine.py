# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine: a User-Mode Linux command line as data, and a process that is sure to end."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kquic.lab import proc
from kquic.lab.kernel import Kernel

MEMORY = {"fast": "2G", "kasan": "3G", "debug": "4G", "fuzz": "3G", "virtual": "2G"}
UNIPROCESSOR = ("debug", "fuzz", "virtual")
"""Flavours without SMP, which do not know the argument that says how many processors there are."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """What to boot. Some flavours have one CPU, whatever `cpus` says."""

    kernel: Kernel
    image: Path
    cpus: int = 2
    memory: str = ""
    arguments: tuple[str, ...] = ()
    disk: Path | None = None
    """A second file system image, read only; what it is for is up to the command."""
    wires: tuple[int, ...] = ()
    """Datagram sockets, each of which is the cable of an Ethernet device: vec0, vec1, and so on."""
    pinned: bool = False
    """One CPU, whatever `cpus` says, which stays on one of the host's: kernel and programs wake each other there."""

    @property
    def leak_check(self) -> bool:
        """Whether the kernel has kmemleak, which on this platform works with one CPU only."""
        return self.kernel.flavour == "debug"

    def command(self, dirs: Path, terminal: int | None = None) -> list[str]:
        """The command line; the guest finds its directories below dirs."""
        memory = self.memory or MEMORY[self.kernel.flavour]
        words = [str(self.kernel.binary), "seccomp=on", f"mem={memory}"]
        words += [f"ubd0r={dirs}/image", "root=/dev/ubda", "ro", "init=/lab-init", f"lab_dirs={dirs}"]
        words += [f"ubd1r={dirs}/disk"] if self.disk else []
        words += [f"vec{number}:transport=fd,fd={wire}" for number, wire in enumerate(self.wires)]
        words += [f"uml_dir={dirs}/uml/", "umid=u", "con=null", "con0=null,fd:1", "panic=-1"]
        if terminal is not None:
            words.append(f"con1=fd:{terminal}")
        if self.kernel.flavour not in UNIPROCESSOR:
            words.append(f"ncpus={1 if self.pinned else self.cpus}")
        if self.kernel.flavour == "virtual":
            words.append("time-travel=inf-cpu")
        return [*words, *self.arguments]


@dataclass
class Process:
    """A running machine. Its console is a pipe; killing it takes all of its processes."""

    machine: Machine
    links: dict[str, Path]
    terminal: int | None = None
    dirs: Path = field(init=False)
    child: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Process:
        self.dirs = Path(tempfile.mkdtemp(prefix="kquic-"))
        disks = {"image": self.machine.image} | ({"disk": self.machine.disk} if self.machine.disk else {})
        for name, target in {**disks, **self.links}.items():
            (self.dirs / name).symlink_to(target)
        (self.dirs / "uml").mkdir()
        self.child = subprocess.Popen(
            self.machine.command(self.dirs, self.terminal),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=proc.environment({"TMPDIR": _memory_dir(self.dirs)}),
            pass_fds=(*self.machine.wires, *(() if self.terminal is None else (self.terminal,))),
            start_new_session=True,
            preexec_fn=partial(_set_up, _one_processor() if self.machine.pinned else None),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self.child.stdout:
            self.child.stdout.close()
        shutil.rmtree(self.dirs, ignore_errors=True)

    def kill(self) -> None:
        """End every process of the machine and see that none is left."""
        session = self.child.pid
        while leftovers := session_members(session):
            for pid in leftovers:
                _kill(pid)
            if self.child.poll() is None:
                self.child.wait(10)
        self.child.wait(10)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _set_up(processor: int | None) -> None:
    """In the new process: it dies with its parent, and stays on a processor if there is one to stay on."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if processor is not None:
        os.sched_setaffinity(0, {processor})


def _one_processor() -> int:
    """One of those that we may use; machines that start together mostly get different ones."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[os.getpid() % len(usable)]


def session_members(session: int) -> list[int]:
    """Live processes of a session (zombies that wait for their parent do not count)."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[3] == str(session) and fields[0] not in "ZX":
            members.append(int(entry.name))
    return members


def _memory_dir(fallback: Path) -> str:
    """Where the guest's memory file may lie: on /dev/shm if that allows to execute."""
    shm = Path("/dev/shm")
    usable = shm.is_dir() and not os.statvfs(shm).f_flag & os.ST_NOEXEC and os.access(shm, os.W_OK)
    roomy = usable and os.statvfs(shm).f_bavail * os.statvfs(shm).f_frsize > 1 << 30
    return str(shm if roomy else fallback)
