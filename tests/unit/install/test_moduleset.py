# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources of the module set: what is written, what is left alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kquic.errors import LabError
from kquic.install import modules, moduleset
from kquic.lab import overlay


@pytest.mark.parametrize(
    ("version", "series"),
    [("7.3.4+deb13-cloud-amd64", "7.3"), ("7.3.0-rc1", "7.3"), ("6.12.107+deb13-amd64", "6.12")],
)
def test_series(version: str, series: str) -> None:
    assert modules.series(version) == series


def test_no_version() -> None:
    with pytest.raises(LabError, match="cloud"):
        modules.series("cloud-amd64")


@pytest.mark.parametrize("kernel", ["7.3.4+deb13-amd64", "7.3.9+deb13-cloud-amd64"])
def test_a_kernel_of_the_series(kernel: str) -> None:
    modules.check_series("7.3.4", kernel)


@pytest.mark.parametrize("kernel", ["6.12.63+deb13-amd64", "7.30.4+deb13-amd64", "7.4.0"])
def test_a_kernel_of_another_series(kernel: str) -> None:
    with pytest.raises(LabError, match=r"of Linux 7\.3 and do not fit"):
        modules.check_series("7.3.4", kernel)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_update_touches_only_what_differs(tmp_path: Path) -> None:
    target = tmp_path / "target"
    moduleset.update(write(tmp_path / "one", {"a/x.c": "1", "a/y.c": "1", "b.h": "1"}), target)
    for name in ("a/x.c", "a/y.c", "b.h"):
        os.utime(target / name, (1000, 1000))
    (target / "a" / "x.o").write_text("built")
    moduleset.update(write(tmp_path / "two", {"a/x.c": "1", "a/y.c": "2", "c.h": "3"}), target)
    assert (target / "a" / "x.c").stat().st_mtime == 1000
    assert (target / "a" / "y.c").stat().st_mtime > 1000
    assert (target / "a" / "y.c").read_text() == "2"
    assert (target / "c.h").read_text() == "3"
    assert not (target / "b.h").exists()
    assert (target / "a" / "x.o").read_text() == "built"


def test_configuration_is_said_alike_to_make_and_compiler() -> None:
    kbuild = (moduleset.PACKAGING / "Kbuild").read_text()
    header = (moduleset.PACKAGING / "compat" / "config.h").read_text()
    for_make = dict(re.findall(r"^export (CONFIG_\w+) := ([my])$", kbuild, re.M))
    for_compiler = re.findall(r"^#define (CONFIG_\w+) 1$", header, re.M)
    assert sorted(f"{name}_MODULE" if value == "m" else name for name, value in for_make.items()) == sorted(
        for_compiler
    )


def test_every_patched_file_is_accounted_for() -> None:
    """A patch of code that is built in needs an answer: Kbuild takes the rest from the parts."""
    patched = set()
    for patch in overlay.load().patches():
        patched |= set(re.findall(r"^diff --git a/(\S+) ", patch.read_text(), re.M))
    outside = {name for name in patched if not name.startswith((*moduleset.PARTS, "include/"))}
    assert outside == {
        "net/Kconfig",  # Kbuild and config.h
        "net/Makefile",  # Kbuild
        "net/handshake/tlshd.c",  # compat/peername.c
        "net/ipv4/af_inet.c",  # compat/inet.c
        "net/ipv6/ip6_output.c",  # compat/inet.c
    }
