# SPDX-License-Identifier: GPL-2.0-or-later
"""Two machines with Debian's own kernel, joined by a cable, our packages installed. Run by `kquic qemu` only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kquic.install.guestlink import Guest
from kquic.install.qemuimage import Image
from kquic.lab import image, kernel
from kquic.lab.guest import Job
from kquic.lab.machine import Machine
from kquic.lab.paths import REPO
from kquic.tls.testca import TestCA
from qemu_pair import SET_UP, Lab, Pair

IMAGE, RESULTS = os.environ.get("KQUIC_QEMU_IMAGE"), os.environ.get("KQUIC_QEMU_RESULTS")

collect_ignore_glob = [] if IMAGE else ["test_*.py"]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test authority, and the certificate of both servers."""
    folder = tmp_path_factory.mktemp("keys")
    authority = TestCA.create("kquic test CA")
    authority.write(folder)
    authority.server("server.test", "lab.test").write(folder, "server")
    return folder


def make_disk(folder: Path, content: Path) -> Path:
    """A file system with these files."""
    disk = folder / "pki.img"
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", content, disk, "8M"], check=True)
    return disk


@pytest.fixture(scope="session")
def wires() -> Iterator[dict[str, tuple[socket.socket, socket.socket]]]:
    """A cable from each machine to a guest of the lab: its end, and the lab's."""
    made = {name: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for name in ("server", "client")}
    yield made
    for ends in made.values():
        for end in ends:
            end.close()


@pytest.fixture(scope="session")
def pair(
    keys: Path, wires: dict[str, tuple[socket.socket, socket.socket]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Both machines, up, with the packages."""
    folder = Path(RESULTS) if RESULTS else tmp_path_factory.mktemp("qemu")
    disk = make_disk(tmp_path_factory.mktemp("disk"), keys)
    what = Image(Path(str(IMAGE)))
    cable = f"addr.type=unix,addr.path={tmp_path_factory.mktemp('cable')}/cable"
    with ExitStack() as stack:
        ends = {name: ends[0].fileno() for name, ends in wires.items()}
        server = stack.enter_context(Guest(what, "server", folder, [disk], [cable, "server=on"], ends["server"]))
        client = stack.enter_context(Guest(what, "client", folder, [disk], [cable, "server=off"], ends["client"]))
        for machine in (server, client):
            machine.wait_ready()
            machine.run(SET_UP)
        yield Pair(server, client)


@pytest.fixture
def lab(pair: Pair, keys: Path, wires: dict[str, tuple[socket.socket, socket.socket]], tmp_path: Path) -> Iterator[Lab]:
    """A guest of the lab, joined to both machines, with servers of its own."""
    job = Job(["python3", "tests/qemu_lab.py"], tmp_path / "job", timeout=3000, cwd=REPO)
    shutil.copytree(keys, job.files / "keys")
    machine = Machine(kernel.last("fast"), image.build(), wires=tuple(ends[1].fileno() for ends in wires.values()))
    with Lab(machine, job) as running:
        running.wait_for("ready")
        yield running
