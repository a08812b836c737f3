# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages: what they are made of, and which of them a machine gets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kquic.install import deb, moduleset, put
from kquic.lab.paths import REPO

DEBIAN = REPO / "packaging" / "debian"
BUILT = [
    Path(name)
    for name in (
        "kquic_0.1.0_all.deb",
        "kquic-dkms_0.1.0_all.deb",
        "kquic-modules-7.3.4+deb13-cloud-amd64_0.1.0_amd64.deb",
        "libquic1_0.1.0_amd64.deb",
        "libquic-dev_0.1.0_amd64.deb",
    )
]


@pytest.mark.parametrize(("dkms", "modules"), [(True, "kquic-dkms"), (False, "kquic-modules-7.3.4+deb13-cloud-amd64")])
def test_choose(dkms: bool, modules: str) -> None:
    names = [path.name.split("_")[0] for path in put.choose(BUILT, dkms=dkms)]
    assert names == ["kquic", modules, "libquic1"]


def test_installed() -> None:
    listing = "bash installed\nkquic installed\nlibquic1 installed\nkquic-dkms config-files\nlibquick5 not-installed\n"
    assert put.installed(listing) == ["kquic", "kquic-dkms", "libquic1"]


def test_one_version_everywhere() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    changelog = re.match(r"kquic \((.+)\)", (DEBIAN / "changelog").read_text())
    rules = re.search(r"usr/src/kquic-(\S+)", (DEBIAN / "rules").read_text())
    assert changelog is not None
    assert rules is not None
    assert {project, changelog[1], rules[1]} == {deb.VERSION}


def test_everything_needed_is_there() -> None:
    names = set(deb.sources())
    assert {"packaging/debian/rules", "userspace/kquic/cli.py", "userspace/libquic/Makefile"} <= names
    assert "net/quic/include/uapi/linux/quic.h" in names
    for listed in ("kquic.manpages", "kquic.docs"):
        assert set((DEBIAN / listed).read_text().split()) <= names


def test_dkms_takes_one_series() -> None:
    text = (DEBIAN / "kquic-dkms.dkms").read_text()
    pattern = re.search(r'^BUILD_EXCLUSIVE_KERNEL="(.+)"$', text, re.M)
    assert pattern is not None
    assert re.match(pattern[1], "7.3.9+deb13-amd64")
    assert not re.match(pattern[1], "7.30.1+deb13-amd64")


def test_dkms_names_folders_of_the_set() -> None:
    text = (DEBIAN / "kquic-dkms.dkms").read_text()
    rows = re.findall(r"^kquic_module (\S+) (\S+)", text, re.M)
    assert len(rows) == len({name for name, _ in rows}) > 20
    assert {folder for _, folder in rows if not folder.startswith(moduleset.PARTS)} == set()
