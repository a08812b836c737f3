# SPDX-License-Identifier: GPL-2.0-or-later
"""libquic without a kernel: what it exports, and both ends of handshakes in one process, under valgrind."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from kquic.tls.testca import KeyFiles, TestCA

REPO = Path(__file__).parents[3]
HEADER = REPO / "userspace/libquic/include/netinet/quic.h"
MANUAL = REPO / "docs/man/quic.3"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as installed, and the programs."""
    folder = tmp_path_factory.mktemp("libquic")
    subprocess.run(["make", "-s", "-f", REPO / "tests/libquic/Makefile", f"BUILD={folder}"], check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    """The server's."""
    return TestCA.create().server("server.test").write(tmp_path_factory.mktemp("keys"), "server")


def public() -> set[str]:
    """The functions that the header declares."""
    return set(re.findall(r"\b(quic_\w+)\(", HEADER.read_text()))


def test_exports(built: Path) -> None:
    """Nothing but the published names, and a soname."""
    library = built / "root/usr/lib/libquic.so.1"
    lines = subprocess.check_output(["nm", "-D", "--defined-only", library], text=True).splitlines()
    assert {line.split()[2].partition("@")[0] for line in lines} - {"LIBQUIC_1"} == public()
    assert len(public()) == 14
    dynamic = subprocess.check_output(["readelf", "-d", library], text=True)
    assert "soname: [libquic.so.1]" in dynamic


def test_static(built: Path, keys: KeyFiles, tmp_path: Path) -> None:
    """The archive is enough to link with."""
    root, program = built / "root/usr", tmp_path / "alone"
    source = REPO / "tests/libquic/alone.c"
    command = ["gcc", "-D_GNU_SOURCE", f"-I{root / 'include'}", "-o", program, source, root / "lib/libquic.a"]
    subprocess.run([*command, "-lgnutls"], check=True, timeout=60)
    assert subprocess.check_output([program, keys.cert, keys.key], text=True, timeout=60) == "all as expected\n"


def test_valgrind(built: Path, keys: KeyFiles) -> None:
    """No leak and no bad access, whether the handshake succeeds or fails."""
    tool = ["valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9"]
    argv = [*tool, built / "alone", keys.cert, keys.key]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=110)
    assert (done.returncode, done.stdout, done.stderr) == (0, "all as expected\n", "")


def test_manual() -> None:
    """Every function is in the manual."""
    text = MANUAL.read_text()
    assert not [name for name in public() if f".Fn {name}" not in text]


def test_pkg_config(built: Path) -> None:
    """pkg-config's file can be moved."""
    text = (built / "root/usr/lib/pkgconfig/libquic.pc").read_text()
    assert "prefix=/usr\nlibdir=${prefix}/lib\nincludedir=${prefix}/include\n" in text
