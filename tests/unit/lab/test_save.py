# SPDX-License-Identifier: GPL-2.0-or-later
"""Writing edits of the kernel tree back to the repository."""

from __future__ import annotations

import pytest

from kquic.errors import UnsavedEdits
from kquic.lab import overlay, save
from unit.lab.bench import Bench, write

PATCH = "net/quic/patches/0001-net-build-quic.patch"


def _save(bench: Bench) -> None:
    save.save(bench.source, overlay.load(bench.repo))


def _commit(bench: Bench, message: str) -> None:
    git = bench.source.repo.git
    git("add", "-A")
    git("-c", "user.name=New One", "-c", "user.email=new@one.example", "commit", "-q", "-m", message)


def _files(bench: Bench) -> dict[str, str]:
    paths = (path for path in bench.repo.rglob("*") if path.is_file())
    return {path.relative_to(bench.repo).as_posix(): path.read_text() for path in paths}


def test_nothing_edited_changes_nothing(bench: Bench) -> None:
    bench.sync()
    before = _files(bench)
    _save(bench)
    assert _files(bench) == before


def test_whole_files_are_copied_back(bench: Bench) -> None:
    bench.sync()
    write(
        bench.source.tree,
        {"net/quic/varint.c": "int edited;\n", "net/quic/new.c": "int n;\n", "include/linux/quic.h": "int h;\n"},
    )
    before = bench.times()
    _save(bench)
    assert (bench.repo / "net/quic/varint.c").read_text() == "int edited;\n"
    assert (bench.repo / "net/quic/new.c").read_text() == "int n;\n"
    assert (bench.repo / "net/quic/include/linux/quic.h").read_text() == "int h;\n"
    assert bench.times() == before
    assert bench.sync() == overlay.load(bench.repo).key()


def test_a_removed_file_is_removed(bench: Bench) -> None:
    bench.sync()
    (bench.source.tree / "net/quic/varint.c").unlink()
    _save(bench)
    assert not (bench.repo / "net/quic/varint.c").exists()


def test_an_edit_of_a_patched_file_joins_its_patch(bench: Bench) -> None:
    bench.sync()
    makefile = bench.source.tree / "net/Makefile"
    makefile.write_text(makefile.read_text().replace("part3.o", "part3.o # ours"))
    _save(bench)
    text = (bench.repo / PATCH).read_text()
    assert "+obj-y += part3.o # ours" in text
    assert "+obj-y += quic/" in text
    assert "From: Some Body <some@body.example>" in text
    assert bench.sync(force=True) == overlay.load(bench.repo).key()
    assert "# ours" in makefile.read_text()


def test_an_edit_that_belongs_to_no_patch_is_refused(bench: Bench) -> None:
    bench.sync()
    write(bench.source.tree, {"net/Kconfig": "menu other\nendmenu\n"})
    with pytest.raises(UnsavedEdits, match="net/Kconfig"):
        _save(bench)


def test_a_commit_becomes_a_patch_of_its_series(bench: Bench) -> None:
    bench.sync()
    connect = bench.source.tree / "fs/smb/client/connect.c"
    connect.write_text(connect.read_text().replace("int line9;", "int line9 = 1;"))
    write(bench.source.tree, {"net/quic/varint.c": "int too;\n"})
    _commit(bench, "smb: client: dial QUIC\n\nBecause.\n\nSigned-off-by: New One <new@one.example>")
    _save(bench)
    text = (bench.repo / "fs/smb-quic/patches/0001-smb-client-dial-QUIC.patch").read_text()
    assert "+int line9 = 1;" in text
    assert "Signed-off-by: New One" in text
    assert "varint" not in text
    assert (bench.repo / "net/quic/varint.c").read_text() == "int too;\n"
    assert bench.sync(force=True) == overlay.load(bench.repo).key()
    assert "line9 = 1" in connect.read_text()


def test_a_dropped_commit_drops_its_patch(bench: Bench) -> None:
    bench.sync()
    git = bench.source.repo.git
    git("reset", "-q", "--hard", "kquic-base")
    write(bench.source.tree, {"net/quic/varint.c": "int varint;\n", "include/linux/quic.h": "int quic;\n"})
    _save(bench)
    assert not (bench.repo / PATCH).exists()
    assert (bench.repo / "net/quic/varint.c").exists()
