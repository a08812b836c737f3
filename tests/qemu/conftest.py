# SPDX-License-Identifier: GPL-2.0-or-later
"""Two machines with Debian's own kernel, joined by a cable, our packages installed. Run by `kquic qemu` only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kquic.install.guestlink import Guest
from kquic.install.qemuimage import Image
from kquic.tls.testca import TestCA
from qemu_pair import Pair

IMAGE, PACKAGES, RESULTS = (os.environ.get(f"KQUIC_QEMU_{name}") for name in ("IMAGE", "PACKAGES", "RESULTS"))

collect_ignore_glob = [] if IMAGE else ["test_*.py"]

INSTALL = """\
mkdir -p /packages && mount /dev/vdb /packages
dpkg -i /packages/*.deb
install -m 600 /packages/pki/* /etc/kquic/
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
    """A file system with the packages, and the certificates of a test authority."""
    content = folder / "content"
    (content / "pki").mkdir(parents=True)
    for path in Path(str(PACKAGES)).glob("*.deb"):
        if not path.name.startswith(("kquic-dkms", "libquic-dev")):
            shutil.copy(path, content)
    authority = TestCA.create("kquic test CA")
    authority.write(content / "pki")
    authority.server("server.test").write(content / "pki", "server")
    disk = folder / "packages.img"
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", content, disk, "64M"], check=True)
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
            guest.run(INSTALL + START_AGENT)
        yield Pair(server, client)
