# SPDX-License-Identifier: GPL-2.0-or-later
"""kquic-dkms where kernels come and go: in the Debian that packages are built in, without a kernel that runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kquic.install import buildroot
from kquic.install.buildroot import BuildRoot
from kquic.install.command import CLOUD
from kquic.lab import proc
from kquic.lab.apt import PrivateApt

pytestmark = pytest.mark.timeout(7200)

PACKAGES = Path(os.environ.get("KQUIC_QEMU_PACKAGES", "/nonexistent"))
NEW = CLOUD.replace("cloud-", "")
"""Another kernel of the same series, which comes later."""
OLD = "7.2.12+deb13-cloud-amd64"
"""One of another series, which has to be left alone."""
NEEDED = {
    NEW: ("linux-base-{}", "linux-headers-{}"),
    OLD: ("linux-base-{}", "linux-kbuild-7.2.12+deb13", "linux-headers-7.2.12+deb13-common", "linux-headers-{}"),
}
MODULES = {"quic", "quic_diag", "cifs", "ksmbd", "sunrpc", "lockd", "nfs", "nfsv4", "nfsd", "rpcquic"}


class System:
    """A Debian with headers of kernels."""

    def __init__(self, root: BuildRoot) -> None:
        self._root = root

    def run(self, script: str) -> str:
        """Run a script in it; returns what it printed."""
        return proc.run(self._root.command(["sh", "-ec", script]), timeout=3600).strip()

    def put(self, *packages: Path) -> None:
        """Install packages, from files."""
        folder = self._root.folder / "packages"
        folder.mkdir(exist_ok=True)
        for path in packages:
            shutil.copy(path, folder)
        self.run("dpkg -i /packages/*.deb; rm -r /packages")

    def update(self, kernel: str, folder: Path) -> None:
        """Install a kernel's headers, as an upgrade of the system does."""
        apt = PrivateApt()
        self.put(*(apt.download(name.format(kernel), folder) for name in NEEDED[kernel]))

    def modules(self, kernel: str) -> set[str]:
        """Those that DKMS has put beside the kernel's own."""
        folder = self._root.folder / "lib" / "modules" / kernel / "updates" / "dkms"
        return {path.name.split(".")[0] for path in folder.glob("*.ko*")}

    def files(self) -> set[str]:
        """Everything that is called after us."""
        return set(self.run("find / -xdev -path /proc -prune -o -name '*kquic*' -print; ls /usr/src").split())


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """The system as it is before."""
    with buildroot.get([CLOUD]).scratch() as copy:
        yield System(copy)


def test_life(system: System, tmp_path: Path) -> None:
    """Installed, an update of the kernel, another kernel, an old kernel that goes, uninstalled."""
    before = system.files()
    system.run("echo autoinstall_all_kernels=yes >/etc/dkms/framework.conf.d/test.conf")
    system.put(*PACKAGES.glob("kquic-dkms_*.deb"))
    assert system.modules(CLOUD) >= MODULES
    system.update(NEW, tmp_path)
    assert system.modules(NEW) >= MODULES
    assert f"kquic/0.1.0, {NEW}, x86_64: installed" in system.run("dkms status")
    system.update(OLD, tmp_path)
    assert system.modules(OLD) == set()
    system.run(f"dpkg --purge linux-headers-{NEW} linux-base-{NEW}; /etc/kernel/prerm.d/dkms {NEW}")
    assert NEW not in system.run("dkms status")
    assert system.modules(CLOUD) >= MODULES
    system.run("dpkg --purge kquic-dkms")
    assert system.modules(CLOUD) == system.modules(NEW) == set()
    assert system.run("find /lib/modules -path '*/updates/*' -type f") == ""
    assert {name for name in system.files() - before if "linux-" not in name} == set()
