# SPDX-License-Identifier: GPL-2.0-or-later
"""Applying the repository to a kernel tree."""

from __future__ import annotations

import pytest

from kquic.errors import PatchFailed, UnsavedEdits
from kquic.lab import overlay
from kquic.lab.paths import REPO
from unit.lab.bench import HOOK, Bench, write

KERNELS = ((7, 3, 1), (7, 3, 2), (7, 4, 0))


def test_files_and_patches_land_in_the_tree(bench: Bench) -> None:
    bench.sync()
    tree = bench.source.tree
    assert (tree / "net/quic/varint.c").read_text() == "int varint;\n"
    assert (tree / "include/linux/quic.h").exists()
    assert not (tree / "net/quic/patches").exists()
    assert not (tree / "net/quic/include").exists()
    assert (tree / "net/Makefile").read_text().endswith("obj-y += quic/\n")


def test_patches_become_commits_of_their_author(bench: Bench) -> None:
    bench.sync()
    log = bench.source.repo.git("log", "--format=%an|%s", "kquic-base..HEAD").splitlines()
    assert log == ["kquic|kquic: whole files", "Some Body|net: build quic"]


def test_applying_again_touches_only_what_changed(bench: Bench) -> None:
    bench.sync()
    before = bench.times()
    write(bench.repo, {"net/quic/varint.c": "int changed;\n"})
    bench.sync()
    after = bench.times()
    assert [name for name in after if after[name] != before.get(name)] == ["net/quic/varint.c"]


def test_a_file_that_leaves_the_repository_leaves_the_tree(bench: Bench) -> None:
    bench.sync()
    (bench.repo / "net/quic/varint.c").unlink()
    bench.sync()
    assert not (bench.source.tree / "net/quic/varint.c").exists()


def test_the_same_content_has_the_same_key_and_commit(bench: Bench) -> None:
    first = bench.sync(), bench.source.repo.rev("HEAD")
    write(bench.repo, {"net/quic/varint.c": "int other;\n"})
    assert bench.sync() != first[0]
    write(bench.repo, {"net/quic/varint.c": "int varint;\n"})
    assert (bench.sync(), bench.source.repo.rev("HEAD")) == first


def test_folders_that_do_not_exist_are_skipped(bench: Bench) -> None:
    write(bench.repo, {"overlay.toml": '[[folder]]\nfrom = "no"\nto = "net"\n[[series]]\nfrom = "nor"\npaths = []\n'})
    bench.sync()
    assert not (bench.source.tree / "net/quic").exists()


def test_a_patch_that_fails_names_patch_file_and_hunk(bench: Bench) -> None:
    second = "@@ -2,2 +2,3 @@\n obj-y += part1.o\n+obj-y += one.o\n obj-y += part2.o\n"
    bad = HOOK.replace("net: build quic", "net: more").replace("part28.o\n", "gone.o\n")
    start = bad.index("@@ -28")
    write(bench.repo, {"net/quic/patches/0002-net-more.patch": bad[:start] + second + bad[start:]})
    with pytest.raises(PatchFailed) as failure:
        bench.sync()
    text = str(failure.value)
    assert "0002-net-more.patch" in text
    assert "net/Makefile" in text
    assert "hunk #2" in text
    assert " obj-y += gone.o" in text


def test_a_failed_patch_leaves_the_tree_alone(bench: Bench) -> None:
    bench.sync()
    before = bench.times()
    write(bench.repo, {"net/quic/patches/0001-net-build-quic.patch": HOOK.replace("part28.o\n", "gone.o\n")})
    with pytest.raises(PatchFailed):
        bench.sync()
    assert bench.times() == before


def test_a_patch_to_a_missing_file_is_explained(bench: Bench) -> None:
    write(bench.repo, {"net/quic/patches/0002-x.patch": HOOK.replace("net/Makefile", "net/Nofile")})
    with pytest.raises(PatchFailed, match=r"0002-x\.patch does not apply: net/Nofile: does not exist"):
        bench.sync()


def test_edits_in_the_tree_are_not_overwritten(bench: Bench) -> None:
    bench.sync()
    write(bench.source.tree, {"net/quic/varint.c": "int precious;\n"})
    write(bench.repo, {"net/quic/varint.c": "int other;\n"})
    with pytest.raises(UnsavedEdits):
        bench.sync()
    assert (bench.source.tree / "net/quic/varint.c").read_text() == "int precious;\n"
    bench.sync(force=True)
    assert (bench.source.tree / "net/quic/varint.c").read_text() == "int other;\n"


def test_commits_in_the_tree_are_not_dropped(bench: Bench) -> None:
    bench.sync()
    repo = bench.source.repo
    repo.git("-c", "user.name=x", "-c", "user.email=x@y.example", "commit", "-q", "--allow-empty", "-m", "mine")
    write(bench.repo, {"net/quic/varint.c": "int other;\n"})
    with pytest.raises(UnsavedEdits):
        bench.sync()


def test_edits_in_the_tree_change_the_key(bench: Bench) -> None:
    key = bench.sync()
    write(bench.source.tree, {"net/Kconfig": "menu other\nendmenu\n"})
    assert bench.sync() != key


def test_the_closest_folder_is_a_files_home(bench: Bench) -> None:
    over = overlay.load(bench.repo)
    assert over.home_of("net/quic/tests/a.c") == "net/quic/tests/a.c"
    assert over.home_of("include/linux/quic.h") == "net/quic/include/linux/quic.h"
    assert over.home_of("net/quic/patches/x") is None
    assert over.home_of("fs/smb/client/connect.c") is None


def test_the_version_of_the_kernel(bench: Bench) -> None:
    head = "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = {}\nEXTRAVERSION ={}\n\nfoo: bar\n"
    for sublevel, extra in ((4, ""), (0, " -rc7")):
        write(bench.source.tree, {"Makefile": head.format(sublevel, extra)})
        assert bench.source.version == (7, 3, sublevel)


@pytest.mark.parametrize(("changed", "fits"), [(1, True), (2, False)])
def test_the_outermost_line_of_context_may_differ(bench: Bench, changed: int, fits: bool) -> None:
    context = "".join(f" obj-y += part{n}.o\n" for n in (1, 2, 3))
    after = "".join(f" obj-y += part{n}.o\n" for n in (4, 5, 6))
    hunk = f"@@ -2,6 +2,7 @@\n{context}+obj-y += one.o\n{after}".replace(f"part{changed}.", f"other{changed}.")
    header = HOOK.partition("@@")[0]
    write(bench.repo, {"net/quic/patches/0002-net-build-one.patch": header.replace("quic", "one") + hunk})
    if fits:
        bench.sync()
        assert "part3.o\nobj-y += one.o\nobj-y += part4.o" in (bench.source.tree / "net/Makefile").read_text()
    else:
        with pytest.raises(PatchFailed, match="0002-net-build-one"):
            bench.sync()


def test_a_kernel_gets_the_patches_that_it_needs(bench: Bench) -> None:
    toml = (bench.repo / "overlay.toml").read_text()
    wanted = toml.replace('paths = ["net", "include"]', 'paths = ["net", "include"]\nsince = { "0001" = "7.3.2" }')
    write(bench.repo, {"overlay.toml": wanted})
    names = {kernel: [path.name for path in overlay.load(bench.repo, kernel).patches()] for kernel in KERNELS}
    assert names == {(7, 3, 1): [], (7, 3, 2): ["0001-net-build-quic.patch"], (7, 4, 0): ["0001-net-build-quic.patch"]}
    assert len({overlay.load(bench.repo, kernel).key() for kernel in KERNELS}) == 2


def test_what_is_left_out_for_an_old_kernel_is_there() -> None:
    for series in overlay.load().series:
        names = [path.name[:4] for path in series.patches(REPO)]
        assert set(series.since) <= set(names)
