# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic lab build`, the guest half: a Debian root file system with our dependencies, cached by its recipe."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from kquic.lab import apt, proc, progress
from kquic.lab.paths import LAB, cache_dir
from kquic.lab.requirements import pins

SUITE = "trixie"
PYTHON = "3.13"
SIZE = "3G"
INIT = LAB / "guest" / "init"
PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux1")
UNWANTED = ("doc", "man", "locale", "info", "icons")

# A program that needs other versions of libraries than the system has, with those.
UNPACK = """\
mkdir /tmp/unpack; cd /tmp/unpack; apt-get download {names}; \
for file in *.deb; do dpkg-deb -x "$file" /opt/{folder}; done; rm -r /tmp/unpack"""

# mke2fs wants a directory, and fakeroot keeps the owners of its files without being root.
FORMAT = """\
set -e
tar -C {root} --exclude='./dev/*' -xpf {archive}
install -m 755 {init} {root}/lab-init
rm -f {root}/etc/resolv.conf {root}/etc/hostname
printf '127.0.0.1 localhost lab\\n::1 localhost\\n' >{root}/etc/hosts
mke2fs -q -F -t ext4 -O ^has_journal -m 0 -d {root} {image} {size}
"""


def build() -> Path:
    """The image; made if this recipe was not used before."""
    with proc.lock(cache_dir("images") / "lock"):
        archive = _archive()
        key = _hash(archive.name, INIT.read_text(), FORMAT, SIZE)
        image = archive.parent / f"{key}.img"
        if not image.exists():
            _format(archive, image)
        _forget_others(image, archive)
    return image


@dataclass(frozen=True, slots=True)
class Package:
    """A line of the package list: name, suite, and where it is only unpacked, if it is not installed."""

    name: str
    suite: str = SUITE
    folder: str = ""


def packages(text: str) -> list[Package]:
    """The package list."""
    names = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Package(*name.split("/")) for name in names if name]


def installed(wanted: list[Package]) -> dict[str, list[str]]:
    """The packages that apt installs, by suite."""
    found: dict[str, list[str]] = {SUITE: []}
    for package in wanted:
        if not package.folder:
            found.setdefault(package.suite, []).append(package.name)
    return found


def unpacked(wanted: list[Package]) -> dict[str, list[str]]:
    """The packages that are only unpacked, as apt is to be asked for them, by folder below /opt."""
    found: dict[str, list[str]] = {}
    for package in wanted:
        if package.folder:
            found.setdefault(package.folder, []).append(f"{package.name}/{package.suite}")
    return found


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _archive() -> Path:
    """The root file system as a tar file."""
    wanted = (LAB / "guest" / "packages").read_text()
    wheels = pins("test")
    key = _hash(wanted, *wheels, *apt.SUITES, PYTHON, Path(__file__).read_text())
    archive = cache_dir("images") / f"{key}.tar"
    if not archive.exists():
        modules = _python_modules(wheels, cache_dir("images", f"python-{key}"))
        partial = archive.with_suffix(".new.tar")
        command = _mmdebstrap(packages(wanted), modules, partial)
        progress.follow("guest image", command, archive.with_suffix(".log"), quiet_errors=True)
        shutil.rmtree(modules)
        partial.rename(archive)
    return archive


def _python_modules(wheels: list[str], folder: Path) -> Path:
    """Unpack the pinned packages for the guest's Python."""
    proc.say("fetching the guest's Python packages")
    shutil.rmtree(folder)
    platforms = [word for name in PLATFORMS for word in ("--platform", f"{name}_x86_64")]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--only-binary=:all:"]
    pip += ["--python-version", PYTHON, *platforms, "--target", str(folder / "dist-packages")]
    proc.run([*pip, *wheels])
    return folder


def _package_hooks(wanted: list[Package]) -> list[str]:
    """What has to be done about packages beside the plain installation."""
    hooks = [
        f'chroot "$1" apt-get -y -t {suite} install {" ".join(names)}'
        for suite, names in installed(wanted).items()
        if suite != SUITE
    ]
    hooks += [
        f"chroot \"$1\" sh -ec '{UNPACK.format(folder=folder, names=' '.join(names))}'"
        for folder, names in unpacked(wanted).items()
    ]
    return hooks


def _mmdebstrap(wanted: list[Package], modules: Path, archive: Path) -> list[str]:
    mirror = apt.mirror()
    local = f"/usr/local/lib/python{PYTHON}"
    hooks = _package_hooks(wanted)
    hooks += [
        f'mkdir -p "$1{local}/dist-packages"',
        f"copy-in {shlex.quote(str(modules / 'dist-packages'))} {local}",
        f'chroot "$1" python3 -m compileall -q {local}',
        'rm -rf "$1"/var/cache/apt "$1"/var/lib/apt/lists/*',
    ]
    sources = [f"deb [signed-by={apt.KEYRING}] {mirror} {suite} main" for suite in apt.SUITES]
    options = ["--variant=minbase", f"--include={','.join(installed(wanted)[SUITE])}"]
    options += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=APT::Install-Recommends "false"']
    options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED]
    options += [f"--customize-hook={hook}" for hook in hooks]
    return ["mmdebstrap", *options, SUITE, str(archive), *sources]


def _format(archive: Path, image: Path) -> None:
    """Make a file system image of the archive, as an ordinary user too."""
    proc.say("formatting the guest image")
    root = archive.parent / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    partial = image.with_suffix(".new")
    names = {"root": root, "archive": archive, "init": INIT, "image": partial}
    quoted = {name: shlex.quote(str(path)) for name, path in names.items()}
    proc.run(["fakeroot", "sh", "-c", FORMAT.format(size=SIZE, **quoted)])
    shutil.rmtree(root)
    partial.rename(image)


def _forget_others(image: Path, archive: Path) -> None:
    """Keep the images of this recipe and of the one before it."""
    for suffix, kept in ((".img", image), (".tar", archive)):
        others = [path for path in image.parent.glob(f"*{suffix}") if path != kept]
        for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
            old.unlink()
