# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that QEMU runs, and the line to its agent: scripts go in, their output comes back."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from kquic.errors import CommandFailed, GuestFailed
from kquic.install.qemuimage import MACS, Image
from kquic.lab import proc

# A loaded host delivers the timer interrupts that the kernel waits for too late.
KERNEL_LINE = "root=/dev/vda rw console=ttyS0 panic=-1 no_timer_check quiet systemd.show_status=no"
BOOT = 1800.0
SCRIPT = 1200.0
"""Seconds for a boot and a script: a loaded machine without KVM takes its time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script did."""

    status: int
    output: str


def parse(line: str) -> Answer | None:
    """An answer of the agent; None for other lines, such as the one that says it is ready."""
    words = line.split()
    if len(words) < 2 or words[0] != "done":
        return None
    return Answer(int(words[1]), base64.b64decode(words[2] if len(words) > 2 else "").decode(errors="replace"))


def command(
    image: Image, name: str, folder: Path, disks: Sequence[Path], cable: Sequence[str], wire: int | None = None
) -> list[str]:
    """QEMU's command line. The disk is the image, and what is written to it is forgotten in the end."""
    mac, lab_mac = MACS[name]
    words = ["qemu-system-x86_64", "-nodefaults", "-machine", "q35", "-cpu", "max", "-smp", "1", "-m", "1G"]
    words += ["-accel", os.environ.get("KQUIC_QEMU_ACCEL", "tcg")]
    words += ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", KERNEL_LINE]
    words += ["-drive", f"file={image.disk},format=raw,if=virtio,snapshot=on"]
    for disk in disks:
        words += ["-drive", f"file={disk},format=raw,if=virtio,readonly=on"]
    words += ["-display", "none", "-serial", f"file:{folder}/{name}.console"]
    words += ["-serial", f"unix:{folder}/{name}.line,server=on,wait=off"]
    if cable:
        words += ["-netdev", ",".join(("stream,id=lan", *cable)), "-device", f"virtio-net-pci,netdev=lan,mac={mac}"]
    if wire is not None:
        words += ["-netdev", f"dgram,id=lab,local.type=fd,local.str={wire}"]
        words += ["-device", f"virtio-net-pci,netdev=lab,mac={lab_mac}"]
    return words


@dataclass
class Guest:
    """A machine, from its start to its end."""

    image: Image
    name: str
    folder: Path
    disks: Sequence[Path] = ()
    cable: Sequence[str] = ()
    wire: int | None = None
    """A datagram socket to a guest of the lab."""
    _line: socket.socket = field(init=False)
    _child: subprocess.Popen[bytes] = field(init=False)
    _rest: bytes = field(default=b"", init=False)

    def __enter__(self) -> Self:
        words = command(self.image, self.name, self.folder, self.disks, self.cable, self.wire)
        wires = () if self.wire is None else (self.wire,)
        with (self.folder / f"{self.name}.qemu").open("wb") as log:
            self._child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=wires)
        self._line = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 60
        while True:
            try:
                self._line.connect(f"{self.folder}/{self.name}.line")
                return self
            except OSError as error:
                if time.monotonic() > deadline or self._child.poll() is not None:
                    self.__exit__()
                    raise GuestFailed(f"QEMU did not start: {self._read('qemu')}") from error
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        self._line.close()

    def wait_ready(self, timeout: float = BOOT) -> str:
        """Wait until the agent says that it is there; returns the ID of the boot."""
        deadline = time.monotonic() + timeout
        while not (line := self._receive(deadline)).startswith("ready "):
            pass
        return line.split()[1]

    def attempt(self, script: str, timeout: float = SCRIPT) -> Answer:
        """Run a script of bash, which may fail."""
        self._line.sendall(base64.b64encode(script.encode()) + b"\n")
        deadline = time.monotonic() + timeout
        while (answer := parse(self._receive(deadline))) is None:
            pass
        return answer

    def run(self, script: str, timeout: float = SCRIPT) -> str:
        """Run a script of bash, every command of which has to succeed; returns what it printed."""
        answer = self.attempt(f"set -e\n{script}", timeout)
        if answer.status:
            raise CommandFailed(f"{self.name}: {script.strip()[:200]}", answer.status, answer.output)
        return answer.output.strip()

    def reboot(self) -> None:
        """Boot again: the disk keeps what was written to it."""
        self.attempt("systemd-run --no-block --on-active=1 systemctl reboot")
        self.wait_ready()

    def console(self) -> str:
        """What the kernel printed."""
        return self._read("console")

    def _read(self, kind: str) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / f"{self.name}.{kind}").read_text(errors="replace").replace("\r", "")
        return ""

    def _receive(self, deadline: float) -> str:
        """The next line from the agent."""
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestFailed(f"{self.name} does not answer; its console:\n{proc.tail(self.console(), 30)}")
            self._line.settimeout(left)
            try:
                data = self._line.recv(65536)
            except TimeoutError:
                continue
            if not data:
                raise GuestFailed(f"{self.name} has ended; its console:\n{proc.tail(self.console(), 30)}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace").strip()
