# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab asks of the machine and of the archives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kquic.errors import LabError, MissingPackages
from kquic.lab import image, packages, requirements, source


def test_the_baseline_is_taken_if_it_is_there() -> None:
    names = ["linux-source-6.12", "linux-source-7.3", "linux-source-7.4"]
    assert source.choose(names) == "linux-source-7.3"


def test_else_the_nearest_newer_one() -> None:
    assert source.choose(["linux-source-7.2", "linux-source-8.0", "linux-source-7.10"]) == "linux-source-7.10"


def test_an_older_kernel_does_not_do() -> None:
    assert source.choose(["linux-source-6.12", "linux-source-7.2", "linux-source"]) is None


def test_the_package_list_tells_suites_and_folders() -> None:
    found = image.packages("# text\nbash\n\nsamba/trixie-backports\nlibone/trixie/apart\n")
    assert image.installed(found) == {"trixie": ["bash"], "trixie-backports": ["samba"]}
    assert image.unpacked(found) == {"apart": ["libone/trixie"]}


def test_every_python_package_is_pinned_for_the_guest() -> None:
    assert all("==" in pin for pin in requirements.pins("test"))


def test_a_package_that_is_not_installed_is_named() -> None:
    assert packages.missing(("dpkg", "no-such-package-anywhere")) == ["no-such-package-anywhere"]


def test_an_installed_package_installs_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "REPO", tmp_path)
    with pytest.raises(LabError, match="in a checkout"):
        packages.ensure("build")


def test_without_rights_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packages.PURPOSES, "build", ("no-such-package", "nor-this"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "/usr/bin-without-sudo")
    monkeypatch.setattr(packages, "missing", lambda names: list(names))
    with pytest.raises(MissingPackages, match=r"as root: apt-get install no-such-package nor-this uidmap$"):
        packages.ensure("build")
