# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic install` and `uninstall`: packages for this machine; dpkg knows every file and overwrites none of others."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from kquic.errors import CommandFailed, LabError
from kquic.install import deb
from kquic.lab import packages, proc

OURS = ("kquic*", "libquic*")
APT = ("apt-get", "-y")


def choose(files: Iterable[Path], *, dkms: bool) -> list[Path]:
    """The packages that a machine needs: with finished modules, or with their sources for DKMS."""
    unwanted = "kquic-modules-" if dkms else "kquic-dkms_"
    return [path for path in files if not path.name.startswith((unwanted, "libquic-dev_"))]


def install(kernel: str, *, dkms: bool) -> None:
    """Build the packages and install them."""
    built = deb.build(kernel, with_modules=not dkms)
    _apt("install", *map(str, choose(built.files(), dkms=dkms)))


def uninstall() -> None:
    """Purge our packages, whichever there are."""
    names = installed(proc.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"]))
    if not names:
        proc.say("nothing is installed")
        return
    _apt("purge", *names)


def installed(listing: str) -> list[str]:
    """Our packages among lines of a name and a state."""
    states = (line.split() for line in listing.splitlines())
    found = [words[0] for words in states if len(words) == 2 and words[1] in ("installed", "config-files")]
    return sorted(name for name in found if any(Path(name).match(pattern) for pattern in OURS))


def _apt(*words: str) -> None:
    rights = packages.root_command()
    if rights is None:
        raise LabError(f"as root: {' '.join((*APT, *words))}")
    done = subprocess.run([*rights, *APT, *words], env=proc.environment(), check=False)
    if done.returncode:
        raise CommandFailed(f"apt-get {words[0]}", done.returncode, "")
