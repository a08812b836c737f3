# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of the command line that is about real machines."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kquic.install import deb, modules, put, qemuimage
from kquic.lab import kernel, packages
from kquic.lab.paths import REPO, cache_dir

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

CLOUD = "7.3.4+deb13-cloud-amd64"
"""The distribution's kernel for virtual machines, which QEMU boots."""


def add_install(verbs: Subparsers) -> None:
    """Add the commands to the command line."""
    build = verbs.add_parser("modules", help="build the modules for a kernel of the distribution")
    _kernel(build, platform.release())
    build.set_defaults(call=cmd_modules)
    debs = verbs.add_parser("deb", help="build the Debian packages")
    _kernel(debs, CLOUD)
    debs.add_argument("--modules", action="store_true", help="and one with finished modules for the kernel")
    debs.set_defaults(call=cmd_deb)
    put_here = verbs.add_parser("install", help="build the packages and install them here")
    _kernel(put_here, platform.release())
    put_here.add_argument(
        "--dkms", action="store_true", help="let DKMS build the modules, for every kernel to come too"
    )
    put_here.set_defaults(call=cmd_install)
    verbs.add_parser("uninstall", help="take away what install installed").set_defaults(call=cmd_uninstall)
    qemu = verbs.add_parser("qemu", help="install the packages on machines with Debian's own kernel, and test them")
    qemu.add_argument("--keep", metavar="DIR", help="leave the consoles there")
    qemu.add_argument("--kvm", action="store_true", help="let the processor do it; without, QEMU emulates one")
    qemu.add_argument("words", nargs="*", metavar="OPTION", help="options of pytest, after --")
    qemu.set_defaults(call=cmd_qemu)


def _kernel(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--kernel", metavar="VERSION", default=default, help="default: %(default)s")


def cmd_modules(args: argparse.Namespace) -> int:
    """Build the modules, and say where they are."""
    packages.ensure("build")
    print(modules.build(args.kernel).folder)
    return 0


def cmd_deb(args: argparse.Namespace) -> int:
    """Build the packages, and say where they are."""
    packages.ensure("build")
    for path in deb.build(args.kernel, with_modules=args.modules).files():
        print(path)
    return 0


def cmd_install(args: argparse.Namespace) -> int:
    """Install the packages."""
    packages.ensure("build")
    put.install(args.kernel, dkms=args.dkms)
    return 0


def cmd_uninstall(_: argparse.Namespace) -> int:
    """Purge them."""
    put.uninstall()
    return 0


def cmd_qemu(args: argparse.Namespace) -> int:
    """Build packages and machines, and run tests/qemu with them."""
    packages.ensure("qemu")
    kernel.last("fast") if os.environ.get("KQUIC_NO_BUILD") else kernel.build("fast")
    results = Path(args.keep).absolute() if args.keep else cache_dir("qemu", "results")
    results.mkdir(parents=True, exist_ok=True)
    everything = deb.build(CLOUD, with_modules=True)
    built = put.choose(everything.files(), dkms=False)
    env = {
        **os.environ,
        "KQUIC_QEMU_IMAGE": str(qemuimage.build(CLOUD, built).folder),
        "KQUIC_QEMU_PACKAGES": str(everything.folder),
        "KQUIC_QEMU_RESULTS": str(results),
        "KQUIC_QEMU_ACCEL": "kvm" if args.kvm else "tcg",
    }
    pytest = [sys.executable, "-m", "pytest", "-v", "-x", "tests/qemu", *args.words]
    return subprocess.run(pytest, cwd=REPO, env=env, check=False).returncode
