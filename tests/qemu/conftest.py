# SPDX-License-Identifier: GPL-2.0-or-later
"""Two machines with Debian's own kernel, joined by a cable, our packages installed. Run by `kquic qemu` only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kquic.install.guestlink import Guest
from kquic.install.qemuimage import Image
from kquic.tls.testca import TestCA
from qemu_pair import Pair

IMAGE, RESULTS = os.environ.get("KQUIC_QEMU_IMAGE"), os.environ.get("KQUIC_QEMU_RESULTS")

collect_ignore_glob = [] if IMAGE else ["test_*.py"]

KEYS = """\
mkdir -p /run/pki
mount /dev/vdb /run/pki
install -m 600 /run/pki/*.pem /run/pki/*.key /etc/kquic/
umount /run/pki
"""
AGENT = """\
[authenticate.client]
x509.truststore = /etc/kquic/ca.pem

[authenticate.server]
x509.certificate = /etc/kquic/server.pem
x509.private_key = /etc/kquic/server.key
"""
START_AGENT = f"""\
cat >/etc/kquic/handshaked.conf <<'END'
{AGENT}END
systemctl restart kquic-handshaked
"""


def make_disk(folder: Path) -> Path:
    """A file system with the certificates of a test authority."""
    content = folder / "content"
    content.mkdir()
    authority = TestCA.create("kquic test CA")
    authority.write(content)
    authority.server("server.test").write(content, "server")
    disk = folder / "pki.img"
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", content, disk, "8M"], check=True)
    return disk


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both machines, up, with the packages."""
    folder = Path(RESULTS) if RESULTS else tmp_path_factory.mktemp("qemu")
    disk = make_disk(tmp_path_factory.mktemp("disk"))
    image = Image(Path(str(IMAGE)))
    cable = f"addr.type=unix,addr.path={tmp_path_factory.mktemp('cable')}/cable"
    with ExitStack() as stack:
        server = stack.enter_context(Guest(image, "server", folder, [disk], [cable, "server=on"]))
        client = stack.enter_context(Guest(image, "client", folder, [disk], [cable, "server=off"]))
        for guest in (server, client):
            guest.wait_ready()
            guest.run(KEYS + START_AGENT)
        yield Pair(server, client)
