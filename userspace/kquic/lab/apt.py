# SPDX-License-Identifier: GPL-2.0-or-later
"""A private apt: Debian packages of a chosen suite, signatures checked, the machine's own apt untouched."""

from __future__ import annotations

from pathlib import Path

from kquic.errors import CommandFailed, LabError
from kquic.lab import proc
from kquic.lab.paths import cache_dir

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITES = ("trixie", "trixie-backports")

SOURCES = """\
Types: deb
URIs: {mirror}
Suites: {suites}
Components: main
Architectures: amd64
Signed-By: {keyring}
Check-Valid-Until: no
"""

CONFIG = """\
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/lab.sources";
Dir::Etc::sourceparts "{root}/none";
Dir::Etc::preferences "{root}/none";
Dir::Etc::preferencesparts "{root}/none";
Acquire::Languages "none";
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "";
"""


def mirror() -> str:
    """The Debian mirror that this machine's apt is set up for."""
    # Origin and label are known once apt has fetched its lists; before that the usual name has to do.
    uris = _targets("Origin: Debian", "Label: Debian") or [u for u in _targets() if u.rstrip("/").endswith("/debian")]
    if not uris:
        raise LabError("apt knows no Debian mirror: add one to /etc/apt/sources.list and run apt-get update")
    return uris[0]


def _targets(*conditions: str) -> list[str]:
    """The archives of the machine's apt, those with packages for it that meet the conditions."""
    return proc.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", *conditions]).split()


class PrivateApt:
    """apt with its own lists and sources below the cache."""

    def __init__(self, suites: tuple[str, ...] = SUITES) -> None:
        self.suites = suites
        self.root = cache_dir("apt", "+".join(suites))
        self.config = self.root / "apt.conf"

    def update(self) -> None:
        """Fetch the package lists."""
        self._write_config()
        self._run("apt-get", "update", "--error-on=any")

    def newest(self, package: str) -> str | None:
        """The version apt would take, or None."""
        try:
            text = self._run("apt-cache", "show", "--no-all-versions", package)
        except CommandFailed:
            return None
        versions = [line.split()[1] for line in text.splitlines() if line.startswith("Version:")]
        return versions[0] if versions else None

    def names(self, pattern: str) -> list[str]:
        """Names of all packages that match a regular expression."""
        text = self._run("apt-cache", "search", "--names-only", pattern)
        return [line.split(" - ")[0].strip() for line in text.splitlines()]

    def download(self, package: str, folder: Path) -> Path:
        """Fetch one package file; apt checks it against the signed lists."""
        before = set(folder.glob("*.deb"))
        self._run("apt-get", "download", package, cwd=folder)
        name = package.split("=")[0]
        found = sorted(set(folder.glob(f"{name}_*.deb")) - before) or sorted(before)
        return found[-1]

    def _write_config(self) -> None:
        for part in ("state/lists/partial", "cache/archives/partial", "none"):
            (self.root / part).mkdir(parents=True, exist_ok=True)
        (self.root / "status").touch()
        if not KEYRING.exists():
            raise LabError("install debian-archive-keyring: it holds the keys the packages are signed with")
        sources = SOURCES.format(mirror=mirror(), suites=" ".join(self.suites), keyring=KEYRING)
        (self.root / "lab.sources").write_text(sources)
        self.config.write_text(CONFIG.format(root=self.root))

    def _run(self, tool: str, *words: str, cwd: Path | None = None) -> str:
        return proc.run([tool, "-q", "-c", self.config, *words], cwd=cwd)
