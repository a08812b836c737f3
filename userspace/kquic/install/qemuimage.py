# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk of the machines that QEMU boots: Debian with systemd and a stock kernel, nothing of ours but the agent."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kquic.install import jail
from kquic.lab import apt, proc, progress
from kquic.lab.image import SUITE, installed, packages
from kquic.lab.paths import cache_dir

GUEST = Path(__file__).resolve().parent / "guest"
SIZE = "3G"
UNWANTED = ("doc", "locale", "info", "icons")
MACS = {
    "server": ("52:54:00:00:00:01", "52:54:00:00:01:01"),
    "client": ("52:54:00:00:00:02", "52:54:00:00:01:02"),
}
"""Of each machine: its card on the cable between both, and the one on the cable to a guest of the lab."""
ADDRESSES = {
    "52:54:00:00:00:01": "10.9.0.1",
    "52:54:00:00:00:02": "10.9.0.2",
    "52:54:00:00:01:01": "10.9.1.2",
    "52:54:00:00:01:02": "10.9.2.2",
}
LAB = {"server": "10.9.1.1", "client": "10.9.2.1"}
"""Of the guest of the lab, as each machine sees it."""
NETWORK = "[Match]\nMACAddress={mac}\n\n[Network]\nAddress={address}/24\nLinkLocalAddressing=ipv6\n"
HOSTS = "127.0.0.1 localhost\n::1 localhost\n10.9.0.1 server.test\n10.9.0.2 client.test\n10.9.2.1 lab.test\n"

LIST = """\
find . -xdev -printf '%P %M %U:%G %l\\n'
find etc lib/modules/*/modules.* -xdev -type f -exec sha256sum {} +
"""
"""What there is in the current folder, and what is in those files that no package keeps the sums of."""

# As root, or as an ordinary user in a user namespace, where owners are what they are on the disk.
FORMAT = """\
mkdir root
tar -C root --exclude='./dev/*' -xpf "$1"
cp -r extra/. root/
chmod 755 root/usr/local/sbin/agent
ln -sf ../agent.service root/etc/systemd/system/multi-user.target.wants/
rm -f root/etc/resolv.conf
(cd root; sh -ec "$4") >before
mv before root/packages/
mount --rbind /dev root/dev
mount -t proc proc root/proc
[ -z "$(ls packages/*.deb 2>/dev/null)" ] || chroot root sh -ec 'dpkg -i /packages/*.deb' >&2
umount -l root/dev root/proc
cp -L "root/boot/vmlinuz-$2" vmlinuz
cp -L "root/boot/initrd.img-$2" initrd
chmod 644 vmlinuz initrd
mke2fs -q -F -t ext4 -d root disk "$3"
rm -rf root
"""


@dataclass(frozen=True, slots=True)
class Image:
    """What a machine boots from."""

    folder: Path

    @property
    def disk(self) -> Path:
        """The root file system."""
        return self.folder / "disk"

    @property
    def kernel(self) -> Path:
        """The distribution's kernel, as it is."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """And what it loads first."""
        return self.folder / "initrd"


def build(kernel: str, packages: Sequence[Path] = ()) -> Image:
    """The image with this kernel and these packages installed; made if this recipe was not used before.

    They are in its folder /packages, too, beside the list of what there was before they were installed.
    """
    parts = sorted(path.read_text() for path in GUEST.iterdir())
    recipe = (kernel, SUITE, SIZE, FORMAT, NETWORK, HOSTS, LIST, repr(ADDRESSES), repr(MACS), *parts)
    digest = hashlib.sha256("\0".join(recipe).encode())
    for path in packages:
        digest.update(path.read_bytes())
    store = cache_dir("qemu")
    with proc.lock(store / "lock"):
        image = Image(store / digest.hexdigest()[:16])
        if not image.disk.exists():
            _forget(store)
            _make(kernel, packages, image)
    return image


def _forget(store: Path) -> None:
    """Only the images of the packages before these are worth their space."""
    images = sorted(store.glob("*/disk"), key=lambda path: path.stat().st_mtime)
    for old in images[:-1]:
        shutil.rmtree(old.parent)


def _make(kernel: str, packages: Sequence[Path], image: Image) -> None:
    archive = _archive(kernel)
    work = image.folder.with_suffix(".new")
    proc.run([*jail.enter(), "rm", "-rf", work])
    _write_extra(work / "extra", packages)
    (work / "packages").symlink_to("extra/packages")
    proc.say("installing the packages on a disk")
    proc.run([*jail.enter(), "sh", "-ec", FORMAT, "sh", archive, kernel, SIZE, LIST], cwd=work)
    shutil.rmtree(work / "extra")
    work.rename(image.folder)


def _write_extra(folder: Path, packages: Sequence[Path]) -> None:
    """Our files in the image."""
    wants = "etc/systemd/system/multi-user.target.wants"
    for name in ("etc/systemd/network", wants, "usr/local/sbin", "packages"):
        (folder / name).mkdir(parents=True)
    for path in packages:
        shutil.copy(path, folder / "packages")
    shutil.copy(GUEST / "agent", folder / "usr/local/sbin/agent")
    shutil.copy(GUEST / "agent.service", folder / "etc/systemd/system")
    for mac, address in ADDRESSES.items():
        name = f"10-{address}.network"
        (folder / "etc/systemd/network" / name).write_text(NETWORK.format(mac=mac, address=address))
    (folder / "etc/hosts").write_text(HOSTS)
    (folder / "etc/hostname").write_text("guest\n")


def _archive(kernel: str) -> Path:
    """The distribution as a tar file."""
    text = (GUEST / "packages").read_text()
    key = hashlib.sha256(f"{kernel}\0{text}\0{UNWANTED}".encode()).hexdigest()[:16]
    archive = cache_dir("qemu") / f"{key}.tar"
    if not archive.exists():
        partial = archive.with_suffix(".new.tar")
        command = _mmdebstrap(text, kernel, partial)
        progress.follow("machine for QEMU", command, archive.with_suffix(".log"), quiet_errors=True)
        partial.rename(archive)
    return archive


def _mmdebstrap(text: str, kernel: str, archive: Path) -> list[str]:
    mirror = apt.mirror()
    sources = [f"deb [signed-by={apt.KEYRING}] {mirror} {suite} main" for suite in apt.SUITES]
    image = f"linux-image-{kernel}"
    # The links to unit files are made at installation; networkd is not among those that are enabled by itself.
    hooks = [
        f'chroot "$1" apt-get -y -t {apt.SUITES[1]} install {shlex.quote(image)}',
        'chroot "$1" systemctl enable systemd-networkd systemd-networkd-wait-online',
        'rm -rf "$1"/var/cache/apt "$1"/var/lib/apt/lists/*',
    ]
    options = ["--variant=minbase", f"--include={','.join(installed(packages(text))[SUITE])}"]
    options += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=APT::Install-Recommends "false"']
    options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED]
    options += [f"--customize-hook={hook}" for hook in hooks]
    return ["mmdebstrap", *options, SUITE, str(archive), *sources]
